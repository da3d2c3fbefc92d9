//! Which certificates are trusted.

use std::fs;

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints,
    SanType, date_time_ymd,
};

use super::{
    super::{ConfiguredUrls, HttpClient, HttpSettings, Response, TransportError},
    client, client_with, get, post,
    tls_server::{HOST, Identity, TlsServer, ecdsa_key, named, openssl_params, rsa_key},
};

/// A client with a certificate in `NODE_EXTRA_CA_CERTS`.
fn client_trusting(identity: &Identity) -> HttpClient {
    let file = identity.pem_file();
    let node_extra_ca_certs = Some(file.path().to_str().unwrap().to_owned());
    let settings = HttpSettings { node_extra_ca_certs, ..HttpSettings::default() };
    let (client, warnings) = HttpClient::new(&settings, &ConfiguredUrls::default()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    client
}

async fn fetch(client: &HttpClient, server: &TlsServer, host: &str) -> Result<Response, TransportError> {
    client.send(get(server.url("https", host))).await
}

/// Fetches with a client that trusts the server's own certificate.
async fn fetch_trusting(identity: &Identity, host: &str) -> Result<Response, TransportError> {
    fetch(&client_trusting(identity), &TlsServer::start(identity), host).await
}

#[track_caller]
fn assert_rejected(outcome: Result<Response, TransportError>) {
    assert!(matches!(outcome, Err(TransportError::Certificate(_))), "{outcome:?}");
}

#[tokio::test]
async fn openssls_self_signed_certificate_is_trusted_if_configured() {
    for key in [rsa_key(), ecdsa_key()] {
        let identity = Identity::self_signed(openssl_params(HOST), key);
        assert_eq!(fetch_trusting(&identity, HOST).await.unwrap().body, b"secure");
        let server = TlsServer::start(&identity);
        let error = fetch(&client(), &server, HOST).await.unwrap_err();
        assert_eq!(error.to_string(), "certificate is not trusted: it is self-signed");
        let other = Identity::self_signed(openssl_params(HOST), ecdsa_key());
        assert_rejected(fetch(&client_trusting(&other), &server, HOST).await);
        assert!(server.heads().is_empty());
    }
}

#[tokio::test]
async fn alternative_names_override_the_common_name() {
    let mut params = openssl_params("elsewhere.test");
    params.subject_alt_names =
        vec![SanType::DnsName(HOST.try_into().unwrap()), SanType::IpAddress([127, 0, 0, 1].into())];
    let identity = Identity::self_signed(params, rsa_key());
    assert!(fetch_trusting(&identity, HOST).await.is_ok());
    assert!(fetch_trusting(&identity, "127.0.0.1").await.is_ok());

    let mut params = openssl_params(HOST);
    params.subject_alt_names = vec![SanType::DnsName("elsewhere.test".try_into().unwrap())];
    assert_rejected(fetch_trusting(&Identity::self_signed(params, rsa_key()), HOST).await);

    let mut params = openssl_params(HOST);
    params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    assert!(fetch_trusting(&Identity::self_signed(params, rsa_key()), HOST).await.is_ok());
}

#[tokio::test]
async fn a_configured_certificate_of_another_host_is_rejected() {
    let elsewhere = Identity::self_signed(openssl_params("elsewhere.test"), rsa_key());
    assert_rejected(fetch_trusting(&elsewhere, HOST).await);
    let address = Identity::self_signed(openssl_params("127.0.0.1"), rsa_key());
    assert_rejected(fetch_trusting(&address, "127.0.0.1").await);
}

#[tokio::test]
async fn a_configured_certificate_needs_validity_and_purpose() {
    let mut expired = openssl_params(HOST);
    expired.not_after = date_time_ymd(2020, 1, 1);
    assert_rejected(fetch_trusting(&Identity::self_signed(expired, rsa_key()), HOST).await);
    let mut future = openssl_params(HOST);
    future.not_before = date_time_ymd(3000, 1, 1);
    assert_rejected(fetch_trusting(&Identity::self_signed(future, rsa_key()), HOST).await);

    let mut purposes = openssl_params(HOST);
    purposes.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    assert_rejected(fetch_trusting(&Identity::self_signed(purposes.clone(), rsa_key()), HOST).await);
    purposes.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    assert!(fetch_trusting(&Identity::self_signed(purposes, rsa_key()), HOST).await.is_ok());
}

#[tokio::test]
async fn a_configured_certificate_without_its_key_is_rejected() {
    let identity = Identity::self_signed(openssl_params(HOST), ecdsa_key());
    let server = TlsServer::impostor(&identity, &ecdsa_key());
    assert!(fetch(&client_trusting(&identity), &server, HOST).await.is_err());
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_configured_authority_may_issue_with_or_without_alternative_names() {
    let authority = Identity::self_signed(openssl_params("Our CA"), rsa_key());
    let trusting = client_trusting(&authority);
    let plain = TlsServer::start(&authority.issue(named(HOST)));
    assert!(fetch(&trusting, &plain, HOST).await.is_ok());
    assert_rejected(fetch(&client(), &plain, HOST).await);
    let mut params = named("whatever");
    params.subject_alt_names = vec![SanType::DnsName(HOST.try_into().unwrap())];
    assert!(fetch(&trusting, &TlsServer::start(&authority.issue(params)), HOST).await.is_ok());
    let elsewhere = TlsServer::start(&authority.issue(named("elsewhere.test")));
    assert_rejected(fetch(&trusting, &elsewhere, HOST).await);
    let mut expired = named(HOST);
    expired.not_after = date_time_ymd(2020, 1, 1);
    assert_rejected(fetch(&trusting, &TlsServer::start(&authority.issue(expired)), HOST).await);
}

#[tokio::test]
async fn a_configured_authority_may_issue_certificates_with_ca_true() {
    let root = Identity::self_signed(openssl_params("Root"), rsa_key());
    let trusting = client_trusting(&root);
    let leaf = root.issue(openssl_params(HOST));
    assert!(fetch(&trusting, &TlsServer::start(&leaf), HOST).await.is_ok());
    assert_rejected(fetch(&client(), &TlsServer::start(&leaf), HOST).await);
    let elsewhere = root.issue(openssl_params("elsewhere.test"));
    assert_rejected(fetch(&trusting, &TlsServer::start(&elsewhere), HOST).await);

    let middle = root.issue(openssl_params("Middle"));
    let leaf = middle.issue(openssl_params(HOST));
    assert!(fetch(&trusting, &TlsServer::with_chain(&leaf, &[&root, &middle]), HOST).await.is_ok());
    assert_rejected(fetch(&trusting, &TlsServer::start(&leaf), HOST).await);
    // It has the same name and another key.
    let false_middle = Identity::self_signed(openssl_params("Middle"), ecdsa_key());
    let forged = false_middle.issue(openssl_params(HOST));
    assert_rejected(fetch(&trusting, &TlsServer::with_chain(&forged, &[&middle]), HOST).await);
    assert_rejected(fetch(&trusting, &TlsServer::with_chain(&forged, &[&false_middle]), HOST).await);
}

/// Which certificate of a chain a test limits.
#[derive(Clone, Copy)]
enum Limited {
    Leaf,
    Authority,
}

#[tokio::test]
async fn a_leaf_with_ca_true_needs_an_authority_within_its_constraints() {
    let root = Identity::self_signed(openssl_params("Root"), rsa_key());
    let trusting = client_trusting(&root);
    let mut limits: Vec<(&str, rcgen::CertificateParams, rcgen::CertificateParams)> = Vec::new();
    let mut limit = |condition, change: fn(&mut rcgen::CertificateParams), limited: Limited| {
        let (mut middle, mut leaf) = (openssl_params("Middle"), openssl_params(HOST));
        change(match limited {
            Limited::Leaf => &mut leaf,
            Limited::Authority => &mut middle,
        });
        limits.push((condition, middle, leaf));
    };
    for limited in [Limited::Leaf, Limited::Authority] {
        limit("time", |params| params.not_after = date_time_ymd(2020, 1, 1), limited);
        let purpose = |params: &mut rcgen::CertificateParams| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        };
        limit("purpose", purpose, limited);
        let constraints = |params: &mut rcgen::CertificateParams| {
            let permitted_subtrees = vec![GeneralSubtree::DnsName(HOST.to_owned())];
            params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
        };
        limit("name constraints", constraints, limited);
    }
    limit("key usage", |leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyCertSign], Limited::Leaf);
    limit(
        "key usage",
        |middle| middle.key_usages = vec![KeyUsagePurpose::DigitalSignature],
        Limited::Authority,
    );
    limit("no authority", |middle| middle.is_ca = IsCa::ExplicitNoCa, Limited::Authority);
    for (condition, middle, leaf) in limits {
        let middle = root.issue(middle);
        let leaf = middle.issue(leaf);
        let outcome = fetch(&trusting, &TlsServer::with_chain(&leaf, &[&middle]), HOST).await;
        assert!(matches!(outcome, Err(TransportError::Certificate(_))), "{condition}: {outcome:?}");
    }
}

#[tokio::test]
async fn path_length_excludes_the_leaf() {
    let mut params = openssl_params("Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let root = Identity::self_signed(params, rsa_key());
    let trusting = client_trusting(&root);
    let leaf = root.issue(openssl_params(HOST));
    assert!(fetch(&trusting, &TlsServer::start(&leaf), HOST).await.is_ok());
    let middle = root.issue(openssl_params("Middle"));
    let leaf = middle.issue(openssl_params(HOST));
    assert_rejected(fetch(&trusting, &TlsServer::with_chain(&leaf, &[&middle]), HOST).await);
}

#[tokio::test]
async fn ssl_cert_file_and_dir_are_trusted() {
    let identity = Identity::self_signed(openssl_params(HOST), ecdsa_key());
    let server = TlsServer::start(&identity);
    let file = identity.pem_file();
    let ssl_cert_file = Some(file.path().to_str().unwrap().to_owned());
    let settings = HttpSettings { ssl_cert_file, ..HttpSettings::default() };
    assert!(fetch(&client_with(&settings), &server, HOST).await.is_ok());

    let folder = tempfile::tempdir().unwrap();
    fs::copy(file.path(), folder.path().join("server.pem")).unwrap();
    let folders = std::env::join_paths(["/nonexistent".as_ref(), folder.path()]).unwrap();
    let ssl_cert_dir = Some(folders.into_string().unwrap());
    let settings = HttpSettings { ssl_cert_dir, ..HttpSettings::default() };
    assert!(fetch(&client_with(&settings), &server, HOST).await.is_ok());
}

#[tokio::test]
async fn reject_unauthorized_zero_accepts_every_certificate() {
    let settings = HttpSettings { reject_unauthorized: false, ..HttpSettings::default() };
    let (client, warnings) = HttpClient::new(&settings, &ConfiguredUrls::default()).unwrap();
    assert_eq!(warnings.len(), 1);
    let mut expired = openssl_params("elsewhere.test");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let server = TlsServer::start(&Identity::self_signed(expired, rsa_key()));
    assert_eq!(fetch(&client, &server, HOST).await.unwrap().body, b"secure");
}

#[test]
fn unreadable_extra_certificates_cause_a_warning() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    for path in ["/nonexistent.pem", empty] {
        let settings = HttpSettings { node_extra_ca_certs: Some(path.into()), ..HttpSettings::default() };
        let (_, warnings) = HttpClient::new(&settings, &ConfiguredUrls::default()).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with(&format!("Ignoring extra certs from `{path}`, load failed: ")));
        assert!(path != empty || warnings[0].ends_with("it contains no certificate"));
    }
}

#[tokio::test]
async fn a_failed_reused_connection_is_retried_over_tls() {
    let identity = Identity::self_signed(openssl_params(HOST), ecdsa_key());
    let server = TlsServer::start(&identity);
    let client = client_trusting(&identity);
    for _ in 0..3 {
        assert_eq!(fetch(&client, &server, HOST).await.unwrap().body, b"secure");
    }
    // The second request failed on the first connection; its replacement is not kept.
    assert_eq!(server.heads().len(), 4);
}

#[tokio::test]
async fn authorization_is_dropped_when_only_the_scheme_changes() {
    let identity = Identity::self_signed(openssl_params(HOST), ecdsa_key());
    let server = TlsServer::start(&identity);
    let response = client_trusting(&identity).send(post(server.url("http", HOST))).await.unwrap();
    assert_eq!(response.body, b"secure");
    let head = server.heads().remove(0).to_ascii_lowercase();
    assert!(head.contains("content-type: application/json") && !head.contains("authorization"), "{head}");
}
