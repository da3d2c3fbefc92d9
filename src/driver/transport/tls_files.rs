//! The TLS files for requests to peers: a client certificate, its key, and the authorities.

use std::{
    fmt,
    hash::Hasher,
    io::{self, Read},
    sync::Arc,
};

use rustls::{
    ClientConfig, Error, RootCertStore,
    client::Resumption,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::ParsedCertificate,
    sign::{CertifiedKey, SingleCertAndKey},
};
use siphasher::sip128::{Hasher128, SipHasher13};
use zeroize::{Zeroize, Zeroizing};

use super::verifier::NodeVerifier;
use crate::driver::limited_file::LimitedFile;
use crate::protocol::config::ConfigError;

const CERTIFICATE: &str = "SHAZBOT_TLS_CERT";
const KEY: &str = "SHAZBOT_TLS_KEY";
const AUTHORITIES: &str = "SHAZBOT_TLS_CA";

/// The largest file in bytes, about 500 certificates. A path may name an endless device.
const MAX_FILE: usize = 1024 * 1024;

/// The paths of the files. `Debug` hides them, because someone may set a key instead of its path.
#[derive(Clone, Default)]
pub struct TlsFiles {
    /// `SHAZBOT_TLS_CERT`: a PEM file with the client certificate and its chain.
    pub certificate: Option<String>,
    /// `SHAZBOT_TLS_KEY`: a PEM file with the private key of that certificate.
    pub key: Option<String>,
    /// `SHAZBOT_TLS_CA`: a PEM file with the only authorities that are trusted for peers.
    pub authorities: Option<String>,
}

/// The bytes of a file, or why it cannot be read.
type Content = Result<Zeroizing<Vec<u8>>, String>;

/// The contents of the files at one time.
pub(super) struct Contents {
    certificate: Option<Content>,
    key: Option<Content>,
    authorities: Option<Content>,
}

/// Tells contents apart without keeping a key in memory.
pub(super) type Fingerprint = u128;

/// What the files contain, parsed.
pub(super) struct PeerTls {
    identity: Option<CertifiedKey>,
    authorities: Option<(RootCertStore, Vec<CertificateDer<'static>>)>,
}

impl TlsFiles {
    /// Reads the paths; `get` looks up a variable in JavaScript's `process.env`.
    pub(super) fn from_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name| get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self { certificate: path(CERTIFICATE), key: path(KEY), authorities: path(AUTHORITIES) }
    }

    /// Whether no variable is set.
    pub(super) fn is_empty(&self) -> bool {
        self.certificate.is_none() && self.key.is_none() && self.authorities.is_none()
    }

    /// Reads all files. Blocks.
    pub(super) fn read(&self) -> Contents {
        let content = |path: &Option<String>| {
            path.as_deref().map(|path| read_file(path).map_err(|error| error.to_string()))
        };
        Contents {
            certificate: content(&self.certificate),
            key: content(&self.key),
            authorities: content(&self.authorities),
        }
    }
}

impl fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFiles").finish_non_exhaustive()
    }
}

fn read_file(path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = LimitedFile::open(path, MAX_FILE as u64)?;
    let LimitedFile { mut reader, capacity } =
        file.ok_or_else(|| io::Error::other("it is not a regular file"))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity + 1));
    reader.read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 1 MB"));
    }
    Ok(bytes)
}

impl Contents {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hasher = SipHasher13::new();
        for content in [&self.certificate, &self.key, &self.authorities] {
            let (kind, bytes) = match content {
                None => (0, &[][..]),
                Some(Ok(bytes)) => (1, bytes.as_slice()),
                Some(Err(reason)) => (2, reason.as_bytes()),
            };
            hasher.write_u8(kind);
            hasher.write_usize(bytes.len());
            hasher.write(bytes);
        }
        hasher.finish128().as_u128()
    }

    /// Parses the files, and checks that the key belongs to the certificate.
    ///
    /// # Errors
    /// Names the variable of the file and the reason, without its content.
    pub(super) fn parse(&self, provider: &CryptoProvider) -> Result<PeerTls, ConfigError> {
        let identity = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(_), None) => return Err(invalid(KEY, format!("set if {CERTIFICATE} is set"))),
            (None, Some(_)) => return Err(invalid(CERTIFICATE, format!("set if {KEY} is set"))),
            (Some(certificate), Some(key)) => Some(parse_identity(certificate, key, provider)?),
        };
        let authorities = self.authorities.as_ref().map(parse_authorities).transpose()?;
        Ok(PeerTls { identity, authorities })
    }
}

impl PeerTls {
    /// Returns the configuration for peers. It shares no TLS session with `usual` or an earlier
    /// one, because a resumed session would keep the earlier certificate and trust.
    pub(super) fn configure(self, usual: &ClientConfig) -> ClientConfig {
        let mut config = usual.clone();
        config.resumption = Resumption::default();
        if let Some(identity) = self.identity {
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
        }
        if let Some((roots, certificates)) = self.authorities {
            let algorithms = config.crypto_provider().signature_verification_algorithms;
            let verifier = NodeVerifier::new(roots, certificates, algorithms);
            config.dangerous().set_certificate_verifier(Arc::new(verifier));
        }
        config
    }
}

fn parse_identity(
    certificate: &Content,
    key: &Content,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, ConfigError> {
    let chain = parse_certificates(CERTIFICATE, certificate)?;
    if chain.first().is_none_or(|leaf| ParsedCertificate::try_from(leaf).is_err()) {
        return Err(unusable(CERTIFICATE, "its first certificate cannot be parsed"));
    }
    let bytes = key.as_ref().map_err(|reason| unusable(KEY, reason))?;
    let mut key = PrivateKeyDer::from_pem_slice(bytes).map_err(|error| {
        unusable(
            KEY,
            pem_reason(&error, "it contains no private key in PKCS#8, PKCS#1 or SEC1 without a password"),
        )
    })?;
    let signing_key = provider.key_provider.load_private_key(key.clone_key());
    key.zeroize();
    let signing_key = signing_key
        .map_err(|_| unusable(KEY, "its key is not RSA with at least 2048 bits, P-256, P-384 or Ed25519"))?;
    let identity = CertifiedKey::new(chain, signing_key);
    match identity.keys_match() {
        Err(Error::InconsistentKeys(_)) => {
            Err(invalid(KEY, format!("the key of the certificate in {CERTIFICATE}")))
        }
        Err(_) => Err(unusable(CERTIFICATE, "its first certificate cannot be parsed")),
        Ok(()) => Ok(identity),
    }
}

fn parse_authorities(
    content: &Content,
) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), ConfigError> {
    let certificates = parse_certificates(AUTHORITIES, content)?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|_| unusable(AUTHORITIES, "one of its certificates cannot be parsed"))?;
    }
    Ok((roots, certificates))
}

fn parse_certificates(
    variable: &'static str,
    content: &Content,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let bytes = content.as_ref().map_err(|reason| unusable(variable, reason))?;
    let no_certificate = "it contains no certificate";
    let certificates = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(variable, pem_reason(&error, no_certificate)))?;
    if certificates.is_empty() { Err(unusable(variable, no_certificate)) } else { Ok(certificates) }
}

/// The error's own text may contain a line of the file.
fn pem_reason(error: &pem::Error, nothing_found: &'static str) -> &'static str {
    if matches!(error, pem::Error::NoItemsFound) { nothing_found } else { "it is not valid PEM" }
}

fn unusable(variable: &'static str, reason: &str) -> ConfigError {
    invalid(variable, format!("the path of a usable PEM file: {reason}"))
}

fn invalid(variable: &'static str, expected: String) -> ConfigError {
    ConfigError::Invalid { variable, expected }
}
