//! Server certificates that may issue others.
//!
//! Private authorities often sign server certificates with `CA:TRUE` in them. OpenSSL, and so Node,
//! accepts them; webpki rejects them, whichever CA signed them. This module makes webpki's checks
//! for chains that end at a certificate from the user's variables. It rejects everything that it
//! does not understand.

use rustls::{
    CertificateError, Error,
    pki_types::{CertificateDer, UnixTime},
};
use x509_parser::{
    certificate::X509Certificate,
    extensions::ParsedExtension,
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
};

use super::certificate::{check_server_purpose, check_time, parse};

/// Certificates between the server's and the root's. OpenSSL follows up to 100, webpki 6.
const MAX_INTERMEDIATES: usize = 6;

/// Certificates read from what a server sends, so that a longer list costs no more.
const MAX_SENT: usize = 16;

/// Verifies a server certificate that may issue others, except for its names.
pub(super) fn verify(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    extra: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<(), Error> {
    let leaf = parse(end_entity)?;
    check_time(&leaf, now)?;
    check_server_purpose(&leaf)?;
    check_extensions(&leaf)?;
    let extra: Vec<_> = extra.iter().filter_map(|certificate| parse(certificate).ok()).collect();
    let sent = intermediates.iter().take(MAX_SENT);
    let sent: Vec<_> = sent.filter_map(|certificate| parse(certificate).ok()).collect();
    let mut current = &leaf;
    for below in 0..=MAX_INTERMEDIATES {
        let issuers = |all| issuers_of(current, all, below, now);
        if issuers(&extra).next().is_some() {
            return Ok(());
        }
        current = issuers(&sent).next().ok_or(CertificateError::UnknownIssuer)?;
    }
    Err(CertificateError::UnknownIssuer.into())
}

/// Returns the certificates that issued `certificate` and may have `below` intermediates below
/// them.
fn issuers_of<'a, 'b>(
    certificate: &'a X509Certificate<'b>,
    all: &'a [X509Certificate<'b>],
    below: usize,
    now: UnixTime,
) -> impl Iterator<Item = &'a X509Certificate<'b>> {
    all.iter().filter(move |issuer| {
        issuer.subject().as_raw() == certificate.issuer().as_raw()
            && may_issue(issuer, below)
            && check_time(issuer, now).is_ok()
            && may_issue_for_servers(issuer)
            && check_extensions(issuer).is_ok()
            && has_signed(issuer, certificate)
    })
}

fn has_signed(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    let algorithm = &certificate.signature_algorithm;
    let is_sha1 = [OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA].contains(&algorithm.algorithm);
    !is_sha1
        && *algorithm == certificate.tbs_certificate.signature
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

fn may_issue(issuer: &X509Certificate<'_>, below: usize) -> bool {
    let Ok(Some(constraints)) = issuer.basic_constraints() else { return false };
    let Ok(usage) = issuer.key_usage() else { return false };
    constraints.value.ca
        && constraints.value.path_len_constraint.is_none_or(|most| below <= most as usize)
        && usage.is_none_or(|usage| usage.value.key_cert_sign())
}

fn may_issue_for_servers(issuer: &X509Certificate<'_>) -> bool {
    issuer
        .extended_key_usage()
        .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.server_auth || usage.value.any))
}

/// Rejects constraints that this module does not check: name constraints and unusual critical
/// extensions.
fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), Error> {
    let is_supported = certificate.extensions().iter().all(|extension| match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(_)
        | ParsedExtension::KeyUsage(_)
        | ParsedExtension::ExtendedKeyUsage(_)
        | ParsedExtension::SubjectAlternativeName(_) => true,
        ParsedExtension::NameConstraints(_) => false,
        _ => !extension.critical,
    });
    if is_supported { Ok(()) } else { Err(CertificateError::UnhandledCriticalExtension.into()) }
}
