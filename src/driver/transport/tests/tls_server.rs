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
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use tempfile::NamedTempFile;

/// An HTTPS server that redirects plain HTTP on the same port to HTTPS. It answers the first
/// request of each connection with the text `secure`, and closes the connection on the second.
pub(super) struct TlsServer {
    pub(super) port: u16,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
}

struct ReceivedRequest {
    head: String,
    client: Option<CertificateDer<'static>>,
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
        self.issue_for(params, ecdsa_key())
    }

    /// Such a certificate for this key.
    pub(super) fn issue_for(&self, params: CertificateParams, key: KeyPair) -> Self {
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

    /// A server that asks for a client certificate of this authority, and accepts clients without.
    pub(super) fn asking(identity: &Identity, client_authority: &Identity) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(client_authority.certificate.der().clone()).unwrap();
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
                .allow_unauthenticated()
                .build()
                .unwrap();
        Self::start_with(identity, &[], &identity.key, clients)
    }

    /// A server that also presents the certificates of its authorities.
    pub(super) fn with_chain(identity: &Identity, authorities: &[&Identity]) -> Self {
        Self::start_with(identity, authorities, &identity.key, WebPkiClientVerifier::no_client_auth())
    }

    /// A server that presents a certificate and signs with a different key.
    pub(super) fn impostor(identity: &Identity, key: &KeyPair) -> Self {
        Self::start_with(identity, &[], key, WebPkiClientVerifier::no_client_auth())
    }

    fn start_with(
        identity: &Identity,
        authorities: &[&Identity],
        key: &KeyPair,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> Self {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let key = ring::sign::any_supported_type(&key.into()).unwrap();
        let chain =
            std::iter::once(&identity).chain(authorities).map(|shown| shown.certificate.der().clone());
        let shown = CertifiedKey::new(chain.collect(), key);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(Always(Arc::new(shown))));
        let (config, received) = (Arc::new(config), Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), received: Arc::clone(&received) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, received) = (config.clone(), received.clone());
                // An error here means that the client rejected the certificate.
                thread::spawn(move || serve(stream, config, &received));
            }
        });
        server
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/", self.port)
    }

    /// The heads of the requests received over TLS.
    pub(super) fn heads(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|request| request.head.clone()).collect()
    }

    /// The client certificates of these requests.
    pub(super) fn clients(&self) -> Vec<Option<CertificateDer<'static>>> {
        self.received.lock().unwrap().iter().map(|request| request.client.clone()).collect()
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

fn serve(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    received: &Mutex<Vec<ReceivedRequest>>,
) -> io::Result<()> {
    /// The first byte of every TLS connection.
    const HANDSHAKE: u8 = 0x16;
    let mut first = [0];
    stream.peek(&mut first)?;
    if first[0] == HANDSHAKE {
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        let receive = |stream: &mut StreamOwned<ServerConnection, TcpStream>| {
            let head = read_head(stream)?;
            let client =
                stream.conn.peer_certificates().and_then(|chain| Some(chain.first()?.clone().into_owned()));
            received.lock().unwrap().push(ReceivedRequest { head, client });
            io::Result::Ok(())
        };
        receive(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")?;
        receive(&mut stream)
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
