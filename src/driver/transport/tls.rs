//! The usual TLS configuration and the trusted roots.

use std::{env, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

use super::{
    error::TransportError,
    settings::HttpSettings,
    verifier::{AcceptAll, NodeVerifier},
};

/// Builds the TLS configuration. It names ring explicitly, so no process-wide default is needed.
pub(super) fn client_config(
    settings: &HttpSettings,
    warnings: &mut Vec<String>,
) -> Result<ClientConfig, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Setup(error.to_string()))?
        .dangerous();
    let mut config = if settings.reject_unauthorized {
        let extra = extra_certificates(settings, warnings);
        let verifier = NodeVerifier::new(roots(&extra), extra, algorithms);
        config.with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        let except = if settings.tls_files.authorities.is_some() { ", except those of peers" } else { "" };
        warnings.push(format!(
            "NODE_TLS_REJECT_UNAUTHORIZED=0 makes TLS insecure: certificates are not verified{except}"
        ));
        config.with_custom_certificate_verifier(Arc::new(AcceptAll::new(algorithms)))
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Reads the certificates from the user's variables.
fn extra_certificates(settings: &HttpSettings, warnings: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let mut extra = Vec::new();
    if let Some(path) = &settings.node_extra_ca_certs
        && let Err(reason) = read_pem(path, &mut extra)
    {
        warnings.push(format!("Ignoring extra certs from `{path}`, load failed: {reason}"));
    }
    let file = settings.ssl_cert_file.as_deref().map(Path::new);
    extra.extend(rustls_native_certs::load_certs_from_paths(file, None).certs);
    for folder in env::split_paths(settings.ssl_cert_dir.as_deref().unwrap_or_default()) {
        extra.extend(rustls_native_certs::load_certs_from_paths(None, Some(&folder)).certs);
    }
    extra
}

/// Reads a PEM file; the certificates before an error are kept, as in Node.
fn read_pem(path: &str, into: &mut Vec<CertificateDer<'static>>) -> Result<(), String> {
    let reason = |error: pem::Error| match error {
        pem::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    let before = into.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(reason)? {
        into.push(certificate.map_err(reason)?);
    }
    if into.len() == before { Err("it contains no certificate".into()) } else { Ok(()) }
}

/// Returns all roots, always with Mozilla's: an image without ca-certificates has an empty system
/// store.
fn roots(extra: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(system_certificates());
    roots.add_parsable_certificates(extra.iter().cloned());
    roots
}

/// Reads the system store without `load_native_certs`, which calls `getenv` on these systems. That
/// can crash while JavaScript writes to `process.env`.
#[cfg(all(unix, not(target_os = "macos")))]
fn system_certificates() -> Vec<CertificateDer<'static>> {
    openssl_probe::candidate_cert_dirs()
        .flat_map(|folder| rustls_native_certs::load_certs_from_paths(None, Some(folder)).certs)
        .collect()
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn system_certificates() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}
