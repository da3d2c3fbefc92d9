use super::*;
use crate::security::message::{Address, SignedRequest, sign_request};

const A: &str = "http://a.test:3000/";
const B: &str = "http://b.test:3000/";
const PAYLOAD: &str = "cGF5bG9hZA";
const WALL: u64 = 1_700_000_000_000;

fn keyring(byte: u8) -> Keyring {
    Keyring::new(Keys::from_stretched(&[byte; 32]), Vec::new())
}

fn process(number: u64) -> ProcessNumber {
    ProcessNumber::new(number).unwrap()
}

fn b() -> Receiver {
    Receiver::new(B, process(6), Tick(50))
}

fn at(seconds: u64) -> Now {
    Now { tick: Tick(50 + seconds * 1_000), wall: Stamp(WALL + seconds * 1_000) }
}

fn request(route: Route, address: Address, sequence: u64) -> SignedRequest {
    let sender = Party { base_url: A, process: process(5) };
    sign_request(keyring(1).current(), route, sender, (B, address), sequence, PAYLOAD)
}

fn gossip(epoch: u64, sequence: u64) -> SignedRequest {
    request(Route::Gossip, Address::Process(process(6), epoch), sequence)
}

fn accept(receiver: &mut Receiver, route: Route, request: &SignedRequest, now: Now) -> Option<Rejection> {
    let checked = receiver.check(&keyring(1), route, &request.header, now).err();
    let accepted = receiver.accept(&keyring(1), route, &request.header, PAYLOAD, now).err();
    assert_eq!(checked, accepted);
    accepted
}

#[test]
fn a_request_is_accepted_once() {
    let mut receiver = b();
    assert_eq!(accept(&mut receiver, Route::Gossip, &gossip(0, 1), at(0)), None);
    assert_eq!(accept(&mut receiver, Route::Gossip, &gossip(0, 1), at(0)), Some(Rejection::Replayed));
    assert_eq!(accept(&mut receiver, Route::Gossip, &gossip(0, 2), at(0)), None);
}

#[test]
fn a_rejected_payload_does_not_use_up_its_sequence() {
    let mut receiver = b();
    let SignedRequest { header, .. } = &gossip(0, 1);
    let outcome = receiver.accept(&keyring(1), Route::Gossip, header, "Zm9yZ2Vk", at(0));
    assert_eq!(outcome.err(), Some(Rejection::Payload));
    assert_eq!(accept(&mut receiver, Route::Gossip, &gossip(0, 1), at(0)), None);
}

#[test]
fn a_header_that_was_verified_is_checked_again_in_all_but_its_signature() {
    let mut receiver = b();
    let SignedRequest { header, .. } = &gossip(0, 1);
    assert_eq!(receiver.check(&keyring(1), Route::Gossip, header, at(0)), Ok(()));
    let mut outcome = |keys, route, seconds| receiver.check(&keyring(keys), route, header, at(seconds));
    assert_eq!(outcome(2, Route::Gossip, 0), Err(Rejection::UnknownKey));
    assert_eq!(outcome(1, Route::Control, 0), Err(Rejection::Signature));
    assert_eq!(outcome(1, Route::List, 0), Err(Rejection::Signature));
    assert_eq!(outcome(1, Route::Gossip, 1_200), Err(Rejection::Stale));
    assert_eq!(outcome(1, Route::Gossip, 0), Ok(()));
}

#[test]
fn the_current_and_the_previous_epoch_are_accepted() {
    let mut receiver = b();
    for (epoch, seconds, outcome) in [
        (0, 599, None),
        (0, 1_199, None),
        (0, 1_200, Some(Rejection::Stale)),
        (1, 599, Some(Rejection::Stale)),
        (1, 1_200, None),
        (u64::MAX, 0, Some(Rejection::Stale)),
    ] {
        let request = gossip(epoch, seconds + 1);
        assert_eq!(accept(&mut receiver, Route::Gossip, &request, at(seconds)), outcome, "{epoch} {seconds}");
    }
}

#[test]
fn other_keys_and_malformed_headers_are_rejected() {
    let mut receiver = b();
    let SignedRequest { header, .. } = &gossip(0, 1);
    assert_eq!(receiver.check(&keyring(2), Route::Gossip, header, at(0)), Err(Rejection::UnknownKey));
    assert_eq!(receiver.check(&keyring(1), Route::List, header, at(0)), Err(Rejection::Signature));
    let outcome = receiver.accept(&keyring(1), Route::Gossip, "Shazbot 2.x", PAYLOAD, at(0));
    assert_eq!(outcome.err(), Some(Rejection::Malformed));
}

#[test]
fn a_group_is_accepted_by_a_process_that_has_met_a_sibling() {
    let mut receiver = b();
    let to_group = |sequence, clock| request(Route::Gossip, Address::Group(clock), sequence);
    assert_eq!(accept(&mut receiver, Route::Gossip, &to_group(1, WALL), at(0)), Some(Rejection::NoSibling));
    receiver.record_sibling(at(0).tick);
    assert_eq!(accept(&mut receiver, Route::Gossip, &to_group(1, WALL), at(0)), None);
    assert_eq!(accept(&mut receiver, Route::Gossip, &to_group(1, WALL), at(0)), Some(Rejection::Replayed));
    for clock in [WALL - 301_000, WALL + 301_000] {
        assert_eq!(accept(&mut receiver, Route::Gossip, &to_group(2, clock), at(0)), Some(Rejection::Stale));
    }
    let late = to_group(3, WALL + 60_000);
    assert_eq!(accept(&mut receiver, Route::Gossip, &late, at(60)), Some(Rejection::NoSibling));
}

#[test]
fn a_control_request_needs_the_sequence_of_a_recent_proof() {
    let mut receiver = b();
    let nonce = Nonce::new([3; 16]);
    let proof = receiver.prove(keyring(1).current(), nonce, at(100).tick);
    let Proof { process, epoch, sequence, .. } = Proof::read(&proof, &keyring(1), nonce).unwrap();
    let drain = request(Route::Control, Address::Process(process, epoch), sequence);
    assert_eq!(accept(&mut receiver, Route::Control, &drain, at(99)), Some(Rejection::Stale));
    assert_eq!(accept(&mut receiver, Route::Control, &drain, at(101)), None);
    assert_eq!(accept(&mut receiver, Route::Control, &drain, at(102)), Some(Rejection::Replayed));
    assert_eq!(accept(&mut receiver, Route::Control, &drain, at(161)), Some(Rejection::Stale));
    let to_group = request(Route::Control, Address::Group(WALL), sequence);
    receiver.record_sibling(at(0).tick);
    assert_eq!(accept(&mut receiver, Route::Control, &to_group, at(0)), Some(Rejection::Signature));
}

#[test]
fn a_control_request_that_was_held_back_does_not_undo_a_later_one() {
    let mut receiver = b();
    let control = |sequence| request(Route::Control, Address::Process(process(6), 0), sequence);
    assert_eq!(accept(&mut receiver, Route::Control, &control(2_000), at(3)), None);
    assert_eq!(accept(&mut receiver, Route::Control, &control(1_999), at(3)), Some(Rejection::Stale));
    assert_eq!(accept(&mut receiver, Route::Control, &control(2_001), at(3)), None);
}

#[test]
fn list_requests_lock_out_no_control_request() {
    let mut receiver = b();
    let of = |route, sequence| request(route, Address::Process(process(6), 0), sequence);
    for sequence in 0..MAX_LIST_REQUESTS as u64 {
        let list = of(Route::List, sequence);
        assert!(receiver.accept(&keyring(1), Route::List, &list.header, PAYLOAD, at(10)).is_ok());
    }
    let one_more = of(Route::List, MAX_LIST_REQUESTS as u64);
    let outcome = receiver.accept(&keyring(1), Route::List, &one_more.header, PAYLOAD, at(10));
    assert_eq!(outcome.err(), Some(Rejection::TooManySenders));
    assert_eq!(accept(&mut receiver, Route::Control, &of(Route::Control, 9_000), at(10)), None);
    // After a minute there is room again.
    let late = of(Route::List, 65_000);
    assert!(receiver.accept(&keyring(1), Route::List, &late.header, PAYLOAD, at(71)).is_ok());
}
