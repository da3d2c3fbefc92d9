use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::driver::transport::HttpSettings;
use crate::protocol::config::Config;
use crate::protocol::envelope::{proof_in_gossip, raw_body};
use crate::protocol::message::{Lists, read_extension};
use crate::protocol::secret::Secret;
use crate::protocol::time::Tick;
use crate::security::delivery::{Content, Delivery};
use crate::security::keys::{Keyring, Keys};
use crate::security::message::{Address, Answered, Party, Route, read_response, sign_request};
use crate::security::payload::encode;
use crate::security::process::ProcessNumber;
use crate::security::proof::Proof;

const ME: &str = "http://me/";
const PEER: &str = "http://n/";
const NONCE: Nonce = Nonce::new([7; 16]);

/// An engine with keys. Its task does not run, so it sends no requests.
async fn engine(legacy: &'static str) -> Engine {
    let variable = |name: &str| {
        let value = match name {
            "SHAZBOT_BASE_URL" => ME,
            "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => "http://store/",
            "SHAZBOT_SECRET" => "the secret of a test",
            "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => "another secret",
            "SHAZBOT_LEGACY" => legacy,
            _ => return None,
        };
        Some(value.to_owned())
    };
    let (config, _) = Config::from_variables(variable).unwrap();
    let settings = HttpSettings::from_environment(variable);
    let (engine, _) =
        Engine::start(config.clone(), settings, Box::new(|_, _, _| {}), None, Default::default());
    engine.security.as_ref().unwrap().derive_keys(&config.secrets).await;
    engine
}

fn keys() -> Keys {
    Keys::derive(&Secret::new("the secret of a test").unwrap())
}

fn peer() -> Party<'static> {
    Party { base_url: PEER, process: ProcessNumber::new(0xf00d).unwrap() }
}

/// A message in which a server says that it is online.
fn message(base_url: &str, process: u64) -> Extension {
    let text = format!(r#"{{"me":["{base_url}","alive",1,5,0],"id":"{process:x}","kind":"push"}}"#);
    Extension::read(&text).unwrap()
}

/// The proof in the answer to a challenge.
fn proof(engine: &Engine) -> Proof {
    let list = engine.answer_challenge(&NONCE.to_header()).unwrap();
    let proof = crate::protocol::envelope::proof_in_list(list.as_bytes()).unwrap();
    Proof::read(&proof, &Keyring::new(keys(), Vec::new()), NONCE).unwrap()
}

fn lists_peer(engine: &Engine) -> bool {
    engine.read(|machine| machine.lists().online.iter().any(|entry| &*entry.base_url == PEER))
}

#[tokio::test]
async fn a_signed_request_gets_a_signed_response() {
    let engine = engine("off").await;
    let Proof { process, epoch, .. } = proof(&engine);
    let payload = encode(&message(PEER, 0xf00d), peer());
    let to = (ME, Address::Process(process, epoch));
    let request = sign_request(&keys(), Route::Gossip, peer(), to, 1, &payload);
    assert_eq!(engine.authorize_gossip(&request.header), Ok(Authorization::Signed));
    let GossipResponse::Body(body) =
        engine.gossip_raw(Authorization::Signed, &request.header, &signed_body(&payload)).unwrap()
    else {
        panic!("no signed response")
    };
    assert!(lists_peer(&engine));
    let answer = crate::protocol::envelope::signed_answer(&body).unwrap();
    let (keys, answered) = (keys(), Answered { requester: peer(), sequence: 1, mac: request.mac });
    let response = read_response(&answer, |_| Some(&keys), ME, &answered).unwrap();
    assert_eq!(response.process, process);
    // The same request again is a replay.
    let replayed = engine.gossip_raw(Authorization::Signed, &request.header, &signed_body(&payload));
    assert_eq!(replayed, Err(GossipRejection::Unauthorized(Rejection::Replayed.into())));
}

#[tokio::test]
async fn nobody_speaks_for_another_process() {
    let engine = engine("off").await;
    let Proof { process, epoch, .. } = proof(&engine);
    let to = (ME, Address::Process(process, epoch));
    for (sequence, claimed) in [(1, message("http://other/", 0xf00d)), (2, message(PEER, 0xbad))] {
        let payload = URL_SAFE_NO_PAD.encode(claimed.to_json());
        let request = sign_request(&keys(), Route::Gossip, peer(), to, sequence, &payload);
        assert!(engine.gossip_signed(&request.header, &payload).is_err());
    }
}

#[tokio::test]
async fn the_raw_secret_counts_unless_the_policy_is_off() {
    for (legacy, outcome) in [
        ("allow", Ok(Authorization::Raw)),
        ("known", Ok(Authorization::Raw)),
        ("off", Err(Unauthorized::Policy)),
    ] {
        assert_eq!(engine(legacy).await.authorize_gossip("the secret of a test"), outcome, "{legacy}");
    }
}

#[tokio::test]
async fn the_extension_of_an_unproved_sender_is_ignored() {
    let engine = engine("allow").await;
    let extension = message(PEER, 0xf00d).to_json();
    let body = format!(r#"{{"online":[],"v2":{extension}}}"#);
    let response = engine.gossip_raw(Authorization::Raw, "the secret of a test", body.as_bytes());
    assert_eq!(response, Ok(GossipResponse::Lists(None)));
    assert!(!lists_peer(&engine));
}

#[tokio::test]
async fn the_extension_of_a_proved_sender_gets_one_with_a_proof() {
    let engine = engine("allow").await;
    let security = engine.security.as_ref().unwrap();
    let process = ProcessNumber::new(0xf00d).unwrap();
    let theirs = Proof { process, epoch: 0, sequence: 0, base_url: PEER.to_owned() }.print(&keys(), NONCE);
    let (mut delivery, keyring) =
        (Delivery::new(PEER, Content::Gossip, false), Keyring::new(keys(), Vec::new()));
    assert!(delivery.record_raw_proof(&mut security.sessions(), &keyring, NONCE, &theirs, Tick(0)));
    let body = raw_body(&Lists::default(), Some(&message(PEER, 0xf00d)), &NONCE.print());
    let response = engine.gossip_raw(Authorization::Raw, "the secret of a test", &body);
    let Ok(GossipResponse::Body(body)) = response else { panic!("{response:?}") };
    assert!(lists_peer(&engine));
    assert!(read_extension(str::from_utf8(&body).unwrap()).is_some());
    let ours = proof_in_gossip(&body).unwrap();
    assert_eq!(Proof::read(&ours, &keyring, NONCE).map(|proof| proof.base_url), Some(ME.to_owned()));
}

#[tokio::test]
async fn a_raw_message_may_challenge() {
    let engine = engine("allow").await;
    let body = format!(r#"{{"online":[],"v2":{{"nonce":"{}"}}}}"#, NONCE.print());
    let response = engine.gossip_raw(Authorization::Raw, "the secret of a test", body.as_bytes());
    let Ok(GossipResponse::Lists(Some(proof))) = response else { panic!("{response:?}") };
    assert!(Proof::read(&proof, &Keyring::new(keys(), Vec::new()), NONCE).is_some());
}

#[tokio::test]
async fn only_plain_lists_with_few_new_servers_are_merged_quickly() {
    let engine = engine("allow").await;
    let entry = |url: &str| format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":1}}"#);
    let lists = |entries: &[String]| format!(r#"{{"online":[{}]}}"#, entries.join(","));
    let new = |count| (0..count).map(|n| entry(&format!("http://new/{n}/"))).collect::<Vec<_>>();
    let quickly = |body: &str| engine.gossip_quickly(body.as_bytes());
    let extension = message(PEER, 0xf00d).to_json();
    for body in [
        "[]".to_owned(),
        format!(r#"{{"online":[{}],"v2":{extension}}}"#, entry(PEER)),
        format!(r#"{{ "online":[{}]}}"#, entry(PEER)),
        lists(&new(MAX_UNKNOWN_INLINE + 1)),
    ] {
        assert_eq!(quickly(&body), None, "{body}");
    }
    assert_eq!(engine.read(|machine| machine.other_count()), 0);
    assert_eq!(quickly(&lists(&new(MAX_UNKNOWN_INLINE))), Some(GossipResponse::Lists(None)));
    // Those are known now.
    assert_eq!(quickly(&lists(&new(2 * MAX_UNKNOWN_INLINE))), Some(GossipResponse::Lists(None)));
    assert_eq!(engine.read(|machine| machine.other_count()), 2 * MAX_UNKNOWN_INLINE);
}
