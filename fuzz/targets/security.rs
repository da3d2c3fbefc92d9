//! Headers, payloads, proofs, responses and bodies that a stranger may send. Nothing may panic, and
//! nothing that was not signed may be accepted.

#![no_main]

use std::sync::{Arc, LazyLock};

use clustershazbot::protocol::envelope::{proof_in_gossip, proof_in_list, signed_answer};
use clustershazbot::protocol::request::Request;
use clustershazbot::protocol::time::{Now, Stamp, Tick};
use clustershazbot::security::keys::{Keyring, Keys};
use clustershazbot::security::message::{Address, Answered, Header, Party, Route, read_response, sign_request};
use clustershazbot::security::payload::{decode, decode_request};
use clustershazbot::security::process::ProcessNumber;
use clustershazbot::security::proof::{Nonce, Proof};
use clustershazbot::security::receiver::Receiver;
use libfuzzer_sys::fuzz_target;

const OWN: Party<'static> = Party { base_url: "http://10.0.0.8:3000/", process: ProcessNumber::MIN };
const NOW: Now = Now { tick: Tick(2_000_000), wall: Stamp(1_770_000_000_000) };

/// Keys of a secret that no seed of the corpus was made with.
static KEYRING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::new(Arc::new(Keys::from_stretched(&[9; 32])), Vec::new()));

// The first line is a header, the rest a body.
fuzz_target!(|text: &str| {
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    read_header(header, body);
    read_proofs(header, body);
    read_body(header, body);
});

fn read_header(header: &str, body: &str) {
    let mut receiver = Receiver::new(OWN.base_url, OWN.process, Tick(0));
    receiver.record_sibling(NOW.tick);
    for route in [Route::Gossip, Route::List, Route::Control] {
        assert!(receiver.check(&KEYRING, route, header, NOW).is_err());
        assert!(receiver.accept(&KEYRING, route, header, body, NOW).is_err());
    }
    if let Some(read) = Header::read(header) {
        // The keys' own signature of the same fields is another one.
        assert!(!read.verify(KEYRING.current(), Route::Gossip, OWN));
        let _ = read.covers(body);
        let _ = decode_request(body, read.sender, |_| false);
    }
}

fn read_proofs(header: &str, body: &str) {
    let nonce = Nonce::from_header(header).or_else(|| Nonce::read(header)).unwrap_or(Nonce::new([0; 16]));
    for proof in [header, body].into_iter().map(str::to_owned).chain(proof_in_list(body.as_bytes())) {
        assert_eq!(Proof::read(&proof, &KEYRING, nonce), None);
    }
    if let Some(proof) = proof_in_gossip(body.as_bytes()) {
        assert_eq!(Proof::read(&proof, &KEYRING, nonce), None);
    }
}

fn read_body(header: &str, body: &str) {
    let address = Address::Process(OWN.process, 0);
    let request = sign_request(KEYRING.current(), Route::Gossip, OWN, (OWN.base_url, address), 1, "");
    let answered = Answered { requester: OWN, sequence: 1, mac: request.mac };
    for text in [header.to_owned(), body.to_owned()].into_iter().chain(signed_answer(body.as_bytes())) {
        assert!(read_response(&text, |id| KEYRING.find(id), OWN.base_url, &answered).is_none());
    }
    for text in [header, body] {
        let _ = decode(text, OWN);
        if let Ok(request) = Request::read(text) {
            let payload = request.payload().ok().flatten();
            let _ = payload.and_then(|payload| decode_request(&payload, OWN, |_| false));
            let _ = (request.nonce(), request.extension(), request.lists());
        }
    }
}
