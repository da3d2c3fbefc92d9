//! Verifies certificates.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::extensions::GeneralName;

use super::{
    ca_leaf,
    certificate::{check_time, explain, parse},
};

/// webpki's name for the error about a server certificate that may issue others.
pub(super) const CA_AS_LEAF: &str = "CaUsedAsEndEntity";

/// Verifies certificates as Node does. It accepts three kinds that webpki rejects:
/// - a self-signed one from the user's variables that the server itself uses,
/// - one that may issue others and that another authority issued,
/// - one without DNS names whose common name is the host.
#[derive(Debug)]
pub(super) struct NodeVerifier {
    roots: RootCertStore,
    /// The certificates from the user's variables; a server that presents one of them is trusted.
    extra: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl NodeVerifier {
    pub(super) fn new(
        roots: RootCertStore,
        extra: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { roots, extra, algorithms }
    }
}

impl ServerCertVerifier for NodeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let with_reason = |error| explain(error, end_entity, intermediates);
        let certificate = ParsedCertificate::try_from(end_entity).map_err(with_reason)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
        .or_else(|error| {
            if self.extra.contains(end_entity) {
                verify_trusted_leaf(end_entity, now)
            } else if is_ca_leaf(&error, end_entity) {
                ca_leaf::verify(end_entity, intermediates, &self.extra, now)
            } else {
                Err(error)
            }
        })
        .map_err(with_reason)?;
        verify_server_name(&certificate, server_name)
            .or_else(|error| if has_common_name(end_entity, server_name)? { Ok(()) } else { Err(error) })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
            .map_err(|error| explain(error, certificate, &[]))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
            .map_err(|error| explain(error, certificate, &[]))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether a certificate was rejected only because it may issue others, and another authority
/// issued it.
fn is_ca_leaf(error: &Error, certificate: &CertificateDer<'_>) -> bool {
    // webpki's own error type is not among this crate's dependencies, but its text is stable.
    let is_ca = matches!(error, Error::InvalidCertificate(CertificateError::Other(reason))
        if reason.to_string() == CA_AS_LEAF);
    is_ca && parse(certificate).is_ok_and(|certificate| certificate.issuer() != certificate.subject())
}

/// Checks the rest of a certificate that is itself trusted: its validity period and its purpose.
fn verify_trusted_leaf(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = parse(certificate)?;
    check_time(&certificate, now)?;
    match certificate.extended_key_usage().map_err(|_| CertificateError::BadEncoding)? {
        Some(usage) if !usage.value.server_auth && !usage.value.any => {
            Err(CertificateError::InvalidPurpose.into())
        }
        _ => Ok(()),
    }
}

/// Whether the common name is the host. As in Node, it counts only without DNS names.
fn has_common_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<bool, Error> {
    let ServerName::DnsName(host) = server_name else { return Ok(false) };
    let certificate = parse(certificate)?;
    let alternatives = certificate.subject_alternative_name().map_err(|_| CertificateError::BadEncoding)?;
    let is_dns_name = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(_));
    if alternatives.is_some_and(|names| names.value.general_names.iter().any(is_dns_name)) {
        return Ok(false);
    }
    Ok(certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .any(|pattern| covers(pattern, host.as_ref())))
}

/// Whether a common name covers a host. `*.` and at least two labels cover hosts one level below.
fn covers(pattern: &str, host: &str) -> bool {
    let pattern = pattern.strip_suffix('.').unwrap_or(pattern);
    let host = host.strip_suffix('.').unwrap_or(host);
    match pattern.strip_prefix("*.") {
        Some(domain) => {
            domain.contains('.')
                && host.split_once('.').is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(domain))
        }
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// Accepts every certificate, even one that cannot be parsed, for `NODE_TLS_REJECT_UNAUTHORIZED=0`.
#[derive(Debug)]
pub(super) struct AcceptAll(WebPkiSupportedAlgorithms);

impl AcceptAll {
    pub(super) fn new(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self(algorithms)
    }
}

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_common_name_covers_the_same_hosts_as_in_node() {
        assert!(covers("localhost", "LOCALHOST"));
        assert!(covers("example.com.", "example.com"));
        assert!(covers("*.example.com", "www.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(!covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.com", "example.com"));
        assert!(!covers("*", "localhost"));
        assert!(!covers("", "localhost"));
    }
}
