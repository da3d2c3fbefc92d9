//! Reads from certificates what webpki does not tell, and finds what the TLS stack cannot accept.

use std::{error, fmt, sync::Arc};

use rustls::{
    CertificateError, Error, OtherError,
    pki_types::{CertificateDer, UnixTime},
};
use x509_parser::{
    certificate::X509Certificate,
    oid_registry::{OID_NIST_EC_P521, OID_SIG_ECDSA_WITH_SHA512},
    parse_x509_certificate,
    public_key::PublicKey,
    time::ASN1Time,
    x509::X509Version,
};

/// The shortest RSA key that ring accepts, in bits.
const SHORTEST_RSA_KEY: usize = 2_048;

pub(super) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    let (_, certificate) = parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(certificate)
}

pub(super) fn check_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = certificate.validity();
    let now = i64::try_from(now.as_secs()).ok().and_then(|seconds| ASN1Time::from_timestamp(seconds).ok());
    let now = now.ok_or(Error::FailedToGetCurrentTime)?;
    if now < validity.not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// Checks that a certificate is made for servers.
pub(super) fn check_server_purpose(certificate: &X509Certificate<'_>) -> Result<(), Error> {
    let extended = certificate.extended_key_usage().map_err(|_| CertificateError::BadEncoding)?;
    let usage = certificate.key_usage().map_err(|_| CertificateError::BadEncoding)?;
    let is_for_servers = extended.is_none_or(|usage| usage.value.server_auth || usage.value.any);
    let is_for_tls = usage.is_none_or(|usage| {
        usage.value.digital_signature() || usage.value.key_encipherment() || usage.value.key_agreement()
    });
    if is_for_servers && is_for_tls { Ok(()) } else { Err(CertificateError::InvalidPurpose.into()) }
}

/// Properties of a certificate that Node may accept and this TLS stack cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsupported {
    Version1,
    P521,
    ShortRsaKey,
}

impl Unsupported {
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = parse(certificate).ok()?;
        if certificate.version() == X509Version::V1 {
            return Some(Self::Version1);
        }
        let key = certificate.public_key();
        let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
        let is_signed_by_p521 = certificate.signature_algorithm.algorithm == OID_SIG_ECDSA_WITH_SHA512;
        match key.parsed() {
            Ok(PublicKey::RSA(key)) if key.key_size() < SHORTEST_RSA_KEY => Some(Self::ShortRsaKey),
            _ if curve == Some(OID_NIST_EC_P521) || is_signed_by_p521 => Some(Self::P521),
            _ => None,
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version1 => "it is an X.509 version 1 certificate, and only version 3 is supported",
            Self::P521 => {
                "it has or was signed by a P-521 key, which is not supported; use P-256, P-384 or RSA"
            }
            Self::ShortRsaKey => "its RSA key is shorter than 2048 bits, which is not supported",
        })
    }
}

impl error::Error for Unsupported {}

/// Adds a reason to the error if the certificate is of a kind that the TLS stack cannot accept.
pub(super) fn explain(
    error: Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Error {
    let is_expected = matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::InvalidPurpose
                | CertificateError::InvalidPurposeContext { .. }
        )
    );
    let mut all = std::iter::once(end_entity).chain(intermediates);
    match all.find_map(Unsupported::of).filter(|_| !is_expected) {
        Some(unsupported) => CertificateError::Other(OtherError(Arc::new(unsupported))).into(),
        None => error,
    }
}
