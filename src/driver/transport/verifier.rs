//! How certificates are checked.

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

/// webpki's word for a server's certificate that is an authority's.
pub(super) const CA_AS_LEAF: &str = "CaUsedAsEndEntity";

/// Checks certificates as Node does, which takes three kinds that webpki refuses: a self-signed one that the user
/// names as trusted and the server uses itself, one that is an authority's and was issued by another authority, and one
/// without DNS names whose common name is the host.
#[derive(Debug)]
pub(super) struct NodeVerifier {
    roots: RootCertStore,
    /// Certificates that the user names; a server that shows one of them is trusted.
    named: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl NodeVerifier {
    pub(super) fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { roots, named, algorithms }
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
        let explained = |refusal| explain(refusal, end_entity, intermediates);
        let certificate = ParsedCertificate::try_from(end_entity).map_err(explained)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
        .or_else(|refusal| {
            if self.named.contains(end_entity) {
                verify_in_itself(end_entity, now)
            } else if is_ca_leaf(&refusal, end_entity) {
                ca_leaf::verify(end_entity, intermediates, &self.named, now)
            } else {
                Err(refusal)
            }
        })
        .map_err(explained)?;
        verify_server_name(&certificate, server_name).or_else(|refusal| {
            if has_common_name(end_entity, server_name)? { Ok(()) } else { Err(refusal) }
        })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
            .map_err(|refusal| explain(refusal, certificate, &[]))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
            .map_err(|refusal| explain(refusal, certificate, &[]))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether a certificate was refused only because it is an authority's, and was issued by another one.
fn is_ca_leaf(refusal: &Error, certificate: &CertificateDer<'_>) -> bool {
    // webpki's own error is not part of this crate's dependencies; its name is.
    let is_ca = matches!(refusal, Error::InvalidCertificate(CertificateError::Other(reason))
        if reason.to_string() == CA_AS_LEAF);
    is_ca && parse(certificate).is_ok_and(|certificate| certificate.issuer() != certificate.subject())
}

/// What is left to check of a certificate that is trusted itself: its time and its purpose.
fn verify_in_itself(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = parse(certificate)?;
    check_time(&certificate, now)?;
    match certificate.extended_key_usage().map_err(|_| CertificateError::BadEncoding)? {
        Some(usage) if !usage.value.server_auth && !usage.value.any => {
            Err(CertificateError::InvalidPurpose.into())
        }
        _ => Ok(()),
    }
}

/// Whether the certificate names a host by its common name alone. As in Node this counts only without DNS names.
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

/// Whether a common name covers a host: the very name, or `*.` and at least two labels for hosts one level below.
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

/// Accepts every certificate, also one that can't be parsed, as `NODE_TLS_REJECT_UNAUTHORIZED=0` asks.
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
    fn a_common_name_covers_what_node_lets_it_cover() {
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
