//! `Authorization` headers.

use std::ops::Deref;

use zeroize::Zeroize;

use crate::security::message::is_signed;

/// A header of a request, wiped when it is dropped. A signature is no secret, so it is not wiped,
/// which would cost more than the rest of the header.
pub(super) struct AuthorizationHeader(String);

impl AuthorizationHeader {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text of a signature, which is no secret.
    pub(super) fn into_signed(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Deref for AuthorizationHeader {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for AuthorizationHeader {
    fn drop(&mut self) {
        if !is_signed(&self.0) {
            self.0.zeroize();
        }
    }
}
