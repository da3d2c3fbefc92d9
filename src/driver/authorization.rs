//! Which requests a header authorizes. A rejection never waits for the machine.

use super::engine::Engine;
use super::raw::ResponseKind;
use super::security::Security;
use crate::security::message::{Route, is_signed};
use crate::security::receiver::Rejection;

/// How a header authorizes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// It contains the secret.
    Raw,
    /// It is signed.
    Signed,
}

/// Why a header does not authorize a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthorized {
    /// It does not contain the gossip secret.
    Secret,
    /// It does not contain the control secret.
    ControlSecret,
    /// It contains neither the read secret nor the control secret.
    ReadSecret,
    /// It contains the raw gossip secret, which is not accepted here.
    Policy,
    /// It is not signed, and only signed requests are accepted here.
    Unsigned,
    /// Its signature is not valid here and now.
    Signature(Rejection),
}

impl From<Rejection> for Unauthorized {
    fn from(rejection: Rejection) -> Self {
        Self::Signature(rejection)
    }
}

impl Engine {
    /// Checks whether the header authorizes a gossip request. That of a signed request is checked
    /// again with the body.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorize_gossip(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        let kind = self.authorization(authorization)?;
        if let (Some(security), Authorization::Signed) = (&self.security, kind) {
            security.check(Route::Gossip, authorization)?;
        }
        Ok(kind)
    }

    /// Returns how the header of a gossip request authorizes it. A signature is not verified yet.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorization(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        match (self.accept_gossip_secret(authorization), self.signed_for(authorization)) {
            (Ok(()), _) => Ok(Authorization::Raw),
            (Err(_), Some(_)) => Ok(Authorization::Signed),
            (Err(reason), None) => Err(reason),
        }
    }

    /// Checks whether the header authorizes a control request. That of a signed request is checked
    /// again with the body.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorize_control(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        if self.is_control_secret(authorization) {
            return Ok(Authorization::Raw);
        }
        let security = self.signed_for(authorization).ok_or(Unauthorized::ControlSecret)?;
        security.check(Route::Control, authorization)?;
        Ok(Authorization::Signed)
    }

    /// Accepts a signed control request with this payload, once.
    ///
    /// # Errors
    /// Returns what is wrong with the header or the payload.
    pub fn accept_control(&self, authorization: &str, payload: &str) -> Result<(), Unauthorized> {
        let security = self.signed_for(authorization).ok_or(Unauthorized::ControlSecret)?;
        Ok(security.accept_control(authorization, payload)?)
    }

    /// Returns which servers a list request with this header shows: all for the control secret, the
    /// online ones for others. A signed request is accepted once.
    ///
    /// # Errors
    /// The signature is not valid, or the list is private and the header contains no secret.
    pub fn authorize_list(&self, authorization: &str) -> Result<ResponseKind, Unauthorized> {
        if self.is_control_secret(authorization) {
            return Ok(ResponseKind::All);
        }
        if let Some(security) = self.signed_for(authorization) {
            let shows_all = security.accept_list(authorization)?;
            return Ok(if shows_all { ResponseKind::All } else { ResponseKind::Online });
        }
        if !self.is_list_open {
            self.accept_gossip_secret(authorization)?;
        }
        Ok(ResponseKind::Online)
    }

    /// Checks whether the header authorizes a request that only shows something: it contains the
    /// read secret or the control secret, perhaps as a bearer token, or is that of a list request
    /// that shows all servers. A signed request is accepted once.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorize_read(&self, authorization: &str) -> Result<(), Unauthorized> {
        let accepts = |header| self.secrets.borrow().read.accept(header) | self.is_control_secret(header);
        if accepts(authorization) || bearer_token(authorization).is_some_and(accepts) {
            return Ok(());
        }
        let security = self.signed_for(authorization).ok_or(Unauthorized::ReadSecret)?;
        security.accept_list(authorization)?.then_some(()).ok_or(Unauthorized::ReadSecret)
    }

    /// Does the same as [`Self::authorize_control`], and accepts the control secret as a bearer
    /// token too.
    ///
    /// # Errors
    /// Returns what is wrong with the header.
    pub fn authorize_bearer_control(&self, authorization: &str) -> Result<Authorization, Unauthorized> {
        self.authorize_control(
            bearer_token(authorization)
                .filter(|token| self.is_control_secret(token))
                .unwrap_or(authorization),
        )
    }

    fn accept_gossip_secret(&self, authorization: &str) -> Result<(), Unauthorized> {
        let accepts_raw = self.security.as_ref().is_none_or(|security| security.accepts_raw());
        match (self.secrets.borrow().gossip.accept(authorization), accepts_raw) {
            (true, true) => Ok(()),
            (true, false) => Err(Unauthorized::Policy),
            (false, true) => Err(Unauthorized::Secret),
            (false, false) => Err(Unauthorized::Unsigned),
        }
    }

    fn is_control_secret(&self, authorization: &str) -> bool {
        self.secrets.borrow().control.accept(authorization)
    }

    /// Returns the security state if the header is one of a signed request.
    fn signed_for(&self, authorization: &str) -> Option<&Security> {
        self.security.as_deref().filter(|_| is_signed(authorization))
    }
}

/// The token of an `Authorization` header with the scheme `Bearer`, in any case.
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim_start().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_follows_its_scheme() {
        for (header, token) in [
            ("Bearer secret", Some("secret")),
            ("bearer  two words", Some(" two words")),
            ("Bearer", None),
            ("secret", None),
            ("Basic secret", None),
        ] {
            assert_eq!(bearer_token(header), token, "{header}");
        }
    }
}
