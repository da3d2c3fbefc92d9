//! The client certificate and the authorities for peers, and changes of their files.

use std::{fs, path::PathBuf};

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    super::{
        ConfiguredUrls, Destination, HttpClient, HttpSettings, Request, Response, TlsChange, TlsFiles,
        TransportError,
    },
    get,
    tls_server::{HOST, Identity, TlsServer, ecdsa_key, named, openssl_params, rsa_key},
};

const RSA_KEY_PKCS1: &str = include_str!("rsa-2048-pkcs1.pem");

/// The three files in a folder.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A certificate and its key.
    fn of(identity: &Identity) -> Self {
        let files = Self::new();
        files.write_identity(identity);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces a file atomically.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn write_identity(&self, identity: &Identity) {
        self.write("cert", &identity.certificate.pem());
        self.write("key", &identity.key.serialize_pem());
    }

    fn write_authority(&self, identity: &Identity) {
        self.write("ca", &identity.certificate.pem());
    }

    /// The settings that name the files which exist.
    fn settings(&self) -> HttpSettings {
        let path = |name| {
            let path = self.path(name);
            path.exists().then(|| path.to_str().unwrap().to_owned())
        };
        let tls_files = TlsFiles { certificate: path("cert"), key: path("key"), authorities: path("ca") };
        HttpSettings { tls_files, ..HttpSettings::default() }
    }

    fn client(&self) -> HttpClient {
        client(&self.settings()).unwrap()
    }

    /// The error of a start with these files.
    fn refusal(&self) -> String {
        let error = client(&self.settings()).unwrap_err();
        assert!(matches!(error, TransportError::Misconfigured(_)), "{error:?}");
        error.to_string()
    }
}

fn client(settings: &HttpSettings) -> Result<HttpClient, TransportError> {
    HttpClient::new(settings, &ConfiguredUrls::default()).map(|(client, _)| client)
}

fn authority(name: &str) -> Identity {
    Identity::self_signed(openssl_params(name), ecdsa_key())
}

async fn fetch(client: &HttpClient, server: &TlsServer) -> Result<Response, TransportError> {
    client.send(get(server.url("https", HOST))).await
}

async fn fetch_as_master_list(client: &HttpClient, server: &TlsServer) -> Result<Response, TransportError> {
    client.send(Request { destination: Destination::MasterList, ..get(server.url("https", HOST)) }).await
}

fn shown(identity: &Identity) -> Option<CertificateDer<'static>> {
    Some(identity.certificate.der().clone())
}

#[tokio::test]
async fn the_certificate_is_offered_to_peers_and_not_to_the_master_list() {
    let root = authority("Root");
    let server = TlsServer::asking(&root.issue(named(HOST)), &root);
    let own = root.issue(named("own"));
    let files = Files::of(&own);
    let root_file = root.pem_file();
    let node_extra_ca_certs = Some(root_file.path().to_str().unwrap().to_owned());
    let client = client(&HttpSettings { node_extra_ca_certs, ..files.settings() }).unwrap();
    fetch(&client, &server).await.unwrap();
    fetch_as_master_list(&client, &server).await.unwrap();
    assert_eq!(server.clients(), [shown(&own), None]);
}

#[tokio::test]
async fn keys_in_each_encoding_are_read() {
    let root = authority("Root");
    let server = TlsServer::asking(&root.issue(named(HOST)), &root);
    for (key, pem) in [
        (ecdsa_key(), None),
        (rsa_key(), None),
        (rsa_key(), Some(RSA_KEY_PKCS1.to_owned())),
        (KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(), None),
    ] {
        let own = root.issue_for(named("own"), key);
        let files = Files::of(&own);
        files.write_authority(&root);
        if let Some(pem) = pem {
            files.write("key", &pem);
        }
        fetch(&files.client(), &server).await.unwrap();
        assert_eq!(server.clients().pop().unwrap(), shown(&own));
    }
}

#[tokio::test]
async fn the_authorities_are_the_only_ones_for_peers() {
    let (ours, other) = (authority("Ours"), authority("Other"));
    let files = Files::new();
    files.write_authority(&ours);
    let other_file = other.pem_file();
    let node_extra_ca_certs = Some(other_file.path().to_str().unwrap().to_owned());
    let settings = HttpSettings { node_extra_ca_certs, ..files.settings() };
    let strict = client(&settings).unwrap();
    let (peer, stranger) =
        (TlsServer::start(&ours.issue(named(HOST))), TlsServer::start(&other.issue(named(HOST))));
    assert_eq!(fetch(&strict, &peer).await.unwrap().body, b"secure");
    assert!(matches!(fetch(&strict, &stranger).await, Err(TransportError::Certificate(_))));
    assert!(stranger.heads().is_empty());
    assert_eq!(fetch_as_master_list(&strict, &stranger).await.unwrap().body, b"secure");
    assert!(matches!(fetch_as_master_list(&strict, &peer).await, Err(TransportError::Certificate(_))));

    let lax = client(&HttpSettings { reject_unauthorized: false, ..settings }).unwrap();
    assert!(matches!(fetch(&lax, &stranger).await, Err(TransportError::Certificate(_))));
    assert_eq!(fetch_as_master_list(&lax, &peer).await.unwrap().body, b"secure");
}

#[test]
fn useless_files_are_refused_with_the_name_of_their_variable() {
    let own = authority("own");
    let check = |variable: &str, reason: &str, change: fn(&Files, &Identity)| {
        let files = Files::of(&own);
        files.write_authority(&own);
        change(&files, &own);
        let mut settings = files.settings();
        // A path that names nothing must not disappear from the settings.
        for (path, name) in
            [(&mut settings.tls_files.certificate, "cert"), (&mut settings.tls_files.authorities, "ca")]
        {
            path.get_or_insert(files.path(name).to_str().unwrap().to_owned());
        }
        let error = client(&settings).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Environment variable {variable} must be ")), "{error}");
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("hush"), "{error}");
    };
    check("SHAZBOT_TLS_CERT", "No such file", |files, _| fs::remove_file(files.path("cert")).unwrap());
    check("SHAZBOT_TLS_CERT", "not a regular file", |files, _| {
        fs::remove_file(files.path("cert")).unwrap();
        fs::create_dir(files.path("cert")).unwrap();
    });
    check("SHAZBOT_TLS_CERT", "no certificate", |files, own| files.write("cert", &own.key.serialize_pem()));
    check("SHAZBOT_TLS_CERT", "larger than 1 MB", |files, _| files.write("cert", &"x".repeat(1 << 21)));
    check("SHAZBOT_TLS_CERT", "cannot be parsed", |files, _| {
        files.write("cert", "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n");
    });
    check("SHAZBOT_TLS_KEY", "not valid PEM", |files, _| files.write("key", "-----BEGIN hush"));
    check("SHAZBOT_TLS_KEY", "not valid PEM", |files, _| {
        files.write("key", "-----BEGIN PRIVATE KEY-----\nhush");
    });
    check("SHAZBOT_TLS_KEY", "no private key", |files, _| {
        let kind = "ENCRYPTED PRIVATE KEY";
        files.write("key", &format!("-----BEGIN {kind}-----\nhush\n-----END {kind}-----\n"));
    });
    check("SHAZBOT_TLS_KEY", "P-256", |files, _| {
        files.write("key", "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n");
    });
    check("SHAZBOT_TLS_KEY", "the key of the certificate in SHAZBOT_TLS_CERT", |files, _| {
        files.write("key", &ecdsa_key().serialize_pem());
    });
    check("SHAZBOT_TLS_CA", "No such file", |files, _| fs::remove_file(files.path("ca")).unwrap());
    check("SHAZBOT_TLS_CA", "no certificate", |files, _| files.write("ca", ""));
    check("SHAZBOT_TLS_CA", "cannot be parsed", |files, own| {
        let broken = "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n";
        files.write("ca", &(own.certificate.pem() + broken));
    });
}

#[test]
fn a_certificate_needs_a_key_and_a_key_a_certificate() {
    let own = authority("own");
    for (missing, named) in [("key", "SHAZBOT_TLS_KEY"), ("cert", "SHAZBOT_TLS_CERT")] {
        let files = Files::of(&own);
        fs::remove_file(files.path(missing)).unwrap();
        assert!(files.refusal().starts_with(&format!("Environment variable {named} must be set if ")));
    }
}

#[tokio::test]
async fn changed_files_are_used_for_all_new_requests() {
    let root = authority("Root");
    let server = TlsServer::asking(&root.issue(named(HOST)), &root);
    let (first, second) = (root.issue(named("first")), root.issue(named("second")));
    let files = Files::of(&first);
    files.write_authority(&root);
    let client = files.client();
    fetch(&client, &server).await.unwrap();
    assert_eq!(client.peers.check(), None);
    files.write_identity(&second);
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    assert_eq!(client.peers.check(), None);
    // Neither the idle connection nor its TLS session is used.
    fetch(&client, &server).await.unwrap();
    assert_eq!(server.clients(), [shown(&first), shown(&second)]);

    files.write_authority(&authority("Other"));
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    assert!(matches!(fetch(&client, &server).await, Err(TransportError::Certificate(_))));
    files.write_authority(&root);
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    fetch(&client, &server).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_behind_a_replaced_link_are_changed_files() {
    let root = authority("Root");
    let server = TlsServer::asking(&root.issue(named(HOST)), &root);
    let (first, second) = (root.issue(named("first")), root.issue(named("second")));
    let (folder, versions) = (Files::new(), [Files::of(&first), Files::of(&second)]);
    // A mounted secret is a link to a link to a folder.
    let link = |version: &Files| {
        std::os::unix::fs::symlink(version.0.path(), folder.path("..new")).unwrap();
        fs::rename(folder.path("..new"), folder.path("..data")).unwrap();
    };
    link(&versions[0]);
    for name in ["cert", "key"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), folder.path(name)).unwrap();
    }
    folder.write_authority(&root);
    let client = folder.client();
    fetch(&client, &server).await.unwrap();
    link(&versions[1]);
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    fetch(&client, &server).await.unwrap();
    assert_eq!(server.clients(), [shown(&first), shown(&second)]);
}

#[tokio::test]
async fn useless_changes_keep_the_previous_files_and_are_reported_once() {
    let root = authority("Root");
    let server = TlsServer::asking(&root.issue(named(HOST)), &root);
    let (first, second) = (root.issue(named("first")), root.issue(named("second")));
    let files = Files::of(&first);
    files.write_authority(&root);
    let client = files.client();
    let assert_reported_once = |reason: &str| {
        assert_eq!(client.peers.check(), None, "files may be incomplete");
        let Some(TlsChange::Rejected(error)) = client.peers.check() else { panic!("no report: {reason}") };
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(client.peers.check(), None);
    };
    files.write("cert", "");
    assert_reported_once("SHAZBOT_TLS_CERT");
    fs::remove_file(files.path("key")).unwrap();
    assert_reported_once("SHAZBOT_TLS_CERT");
    files.write("cert", &second.certificate.pem());
    assert_reported_once("SHAZBOT_TLS_KEY");
    fetch(&client, &server).await.unwrap();
    files.write("key", &second.key.serialize_pem());
    assert_eq!(client.peers.check(), Some(TlsChange::Used));

    // One file after the other.
    files.write("cert", &first.certificate.pem());
    assert_eq!(client.peers.check(), None);
    files.write("key", &first.key.serialize_pem());
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    fetch(&client, &server).await.unwrap();
    assert_eq!(server.clients(), [shown(&first), shown(&first)]);
}

#[tokio::test]
async fn a_change_leaves_requests_in_flight_alone() {
    let files = Files::of(&authority("first"));
    let client = files.client();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sending = client.clone();
    let request = tokio::spawn(async move { sending.send(get(url)).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_u8().await.unwrap();
    files.write_identity(&authority("second"));
    assert_eq!(client.peers.check(), Some(TlsChange::Used));
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").await.unwrap();
    assert_eq!(request.await.unwrap().unwrap().body, b"done");
}

#[test]
fn without_files_there_is_nothing_to_watch() {
    assert!(client(&HttpSettings::default()).unwrap().watch_tls_files(|_| {}).is_none());
    let settings = Files::of(&authority("own")).settings();
    assert!(!format!("{settings:?}").contains("cert\""), "a path may be a key by mistake");
}
