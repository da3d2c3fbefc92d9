//! HTTPS servers and certificates for them.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::PrivatePkcs8KeyDer,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tempfile::NamedTempFile;

/// An HTTPS server that redirects plain HTTP on the same port to HTTPS. It answers the first
/// request of each connection with the text `secure`, and closes the connection on the second.
pub(super) struct TlsServer {
    pub(super) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) params: CertificateParams,
    pub(super) key: KeyPair,
    pub(super) certificate: Certificate,
}

/// The host that the certificates are made for.
pub(super) const HOST: &str = "localhost";

/// A fixed key, as ring generates no RSA keys. It protects nothing.
const RSA_KEY: &str = include_str!("rsa-2048.pem");

pub(super) fn ecdsa_key() -> KeyPair {
    KeyPair::generate().unwrap()
}

pub(super) fn rsa_key() -> KeyPair {
    KeyPair::from_pem(RSA_KEY).unwrap()
}

/// The parameters of `openssl req -x509 -nodes -subj /CN=localhost`: CA:TRUE, no alternative names.
pub(super) fn openssl_params(common_name: &str) -> CertificateParams {
    let mut params = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params
}

/// A certificate with a common name only.
pub(super) fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

impl Identity {
    pub(super) fn self_signed(params: CertificateParams, key: KeyPair) -> Self {
        let certificate = params.self_signed(&key).unwrap();
        Self { params, key, certificate }
    }

    /// A certificate that this identity has signed.
    pub(super) fn issue(&self, params: CertificateParams) -> Self {
        let key = ecdsa_key();
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        Self { params, key, certificate }
    }

    /// Writes the certificate to a PEM file.
    pub(super) fn pem_file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.certificate.pem().as_bytes()).unwrap();
        file
    }
}

impl TlsServer {
    pub(super) fn start(identity: &Identity) -> Self {
        Self::impostor(identity, &identity.key)
    }

    /// A server that also presents the certificates of its authorities.
    pub(super) fn with_chain(identity: &Identity, authorities: &[&Identity]) -> Self {
        Self::start_with(identity, authorities, &identity.key)
    }

    /// A server that presents a certificate and signs with a different key.
    pub(super) fn impostor(identity: &Identity, key: &KeyPair) -> Self {
        Self::start_with(identity, &[], key)
    }

    fn start_with(identity: &Identity, authorities: &[&Identity], key: &KeyPair) -> Self {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let key = ring::sign::any_supported_type(&key.into()).unwrap();
        let chain =
            std::iter::once(&identity).chain(authorities).map(|shown| shown.certificate.der().clone());
        let shown = CertifiedKey::new(chain.collect(), key);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Always(Arc::new(shown))));
        let (config, heads) = (Arc::new(config), Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), heads: Arc::clone(&heads) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, heads) = (config.clone(), heads.clone());
                // An error here means that the client rejected the certificate.
                thread::spawn(move || serve(stream, config, &heads));
            }
        });
        server
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/", self.port)
    }

    /// The heads of the requests received over TLS.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Presents the same certificate to everyone, even one that does not match its key.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    /// The first byte of every TLS connection.
    const HANDSHAKE: u8 = 0x16;
    let record = |head| heads.lock().unwrap().push(head);
    let mut first = [0];
    stream.peek(&mut first)?;
    if first[0] == HANDSHAKE {
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        record(read_head(&mut stream)?);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")?;
        record(read_head(&mut stream)?);
        Ok(())
    } else {
        read_head(&mut stream)?;
        let port = stream.local_addr()?.port();
        write!(
            stream,
            "HTTP/1.1 307 Elsewhere\r\nLocation: https://{HOST}:{port}/\r\nContent-Length: 0\r\n\r\n"
        )
    }
}

fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
