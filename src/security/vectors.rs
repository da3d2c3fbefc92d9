//! Test vectors of the scheme, which `docs/security.md` shows.

use std::fs;
use std::path::Path;

use super::keys::{KeyUse, Keys, key_in_hex};
use super::message::{Address, Answered, Party, Route, sign_request, sign_response};
use super::process::ProcessNumber;
use super::proof::{Nonce, Proof};
use crate::protocol::secret::Secret;

const A: &str = "http://10.0.0.7:3000/";
const B: &str = "http://10.0.0.8:3000/";
const PAYLOAD: &str = "eyJraW5kIjoicHJvYmUifQ";
const CONTROL_PAYLOAD: &str = "eyJtZXNzYWdlIjoiY29udHJvbCIsIm9ubGluZSI6ZmFsc2V9";

fn process(number: u64) -> ProcessNumber {
    ProcessNumber::new(number).unwrap()
}

/// Each vector by its name.
fn vectors() -> Vec<(&'static str, String)> {
    let secret = Secret::new("a secret of at least 16 characters").unwrap();
    let keys = Keys::derive(&secret);
    let nonce = Nonce::new(std::array::from_fn(|index| index as u8));
    let proof = Proof { process: process(2), epoch: 3, sequence: 4_000, base_url: B.to_owned() };
    let requester = Party { base_url: A, process: process(1) };
    let to = |address| sign_request(&keys, Route::Gossip, requester, (B, address), 5, PAYLOAD);
    let request = to(Address::Process(process(2), 3));
    let control = sign_request(
        &keys,
        Route::Control,
        requester,
        (B, Address::Process(process(2), 3)),
        4_000,
        CONTROL_PAYLOAD,
    );
    let answered = Answered { requester, sequence: 5, mac: request.mac };
    let responder = Party { base_url: B, process: process(2) };
    vec![
        ("key id", keys.id().to_string()),
        ("request key", key_in_hex(&secret, KeyUse::Request)),
        ("challenge", nonce.to_header()),
        ("proof", proof.print(&keys, nonce)),
        ("request", request.header.clone()),
        ("request to a group", to(Address::Group(1_770_000_000_000)).header),
        ("control request", control.header),
        ("response", sign_response(&keys, responder, 3, &answered, PAYLOAD)),
    ]
}

#[test]
fn the_document_shows_the_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let document = fs::read_to_string(path).unwrap();
    for (name, value) in vectors() {
        assert!(document.contains(&value), "docs/security.md lacks the {name}: {value}");
    }
}

#[test]
fn the_vectors_are_seeds_of_the_fuzz_target() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/security");
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let seeds: Vec<String> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    for (name, value) in vectors().into_iter().filter(|(name, _)| !name.contains("key")) {
        assert!(seeds.iter().any(|seed| seed.contains(&value)), "no seed has the {name}: {value}");
    }
}

#[test]
fn the_vectors_do_not_change() {
    let text: Vec<String> = vectors().into_iter().map(|(_, value)| value).collect();
    assert_eq!(text, include_str!("vectors.txt").lines().collect::<Vec<_>>());
}
