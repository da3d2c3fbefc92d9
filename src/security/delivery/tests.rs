use super::*;
use crate::protocol::config::LegacyPolicy;
use crate::protocol::time::Stamp;
use crate::security::keys::Keys;
use crate::security::message::Route;
use crate::security::process::ProcessNumber;
use crate::security::receiver::{Receiver, Rejection};

mod answers;

const A: &str = "http://a.test/";
const B: &str = "http://b.test/";
const NONCE: Nonce = Nonce::new([4; 16]);
const PAYLOAD: &str = "cGF5bG9hZA";

fn keyring() -> Keyring {
    Keyring::new(Keys::from_stretched(&[1; 32]), Vec::new())
}

fn process(number: u64) -> ProcessNumber {
    ProcessNumber::new(number).unwrap()
}

fn at(seconds: u64) -> Now {
    Now { tick: Tick(seconds * 1_000), wall: Stamp(1_700_000_000_000 + seconds * 1_000) }
}

fn a(policy: LegacyPolicy) -> Sessions {
    Sessions::new(A, process(5), policy)
}

fn b(number: u64) -> Receiver {
    Receiver::new(B, process(number), Tick(0))
}

fn gossip() -> Delivery {
    Delivery::new(B, Content::Gossip, false)
}

/// Lets B answer the challenge of a delivery.
fn prove(delivery: &mut Delivery, sessions: &mut Sessions, receiver: &Receiver, now: Now) {
    assert_eq!(delivery.next(sessions, NONCE, now), Step::Challenge(NONCE));
    let proof = receiver.prove(keyring().current(), NONCE, now.tick);
    let answer = ListAnswer::Success(Some(&proof));
    assert_eq!(delivery.record_list(sessions, &keyring(), answer, now.tick), Next::Continue);
}

/// Sends a signed message. Returns the outcome at B, and the verified payload of its response.
fn exchange(
    delivery: &mut Delivery,
    sessions: &mut Sessions,
    receiver: &mut Receiver,
    now: Now,
) -> Result<Option<String>, Rejection> {
    let Step::Signed(address) = delivery.next(sessions, NONCE, now) else { panic!("not signed") };
    let sent = delivery.sign(sessions, keyring().current(), address, PAYLOAD);
    let header = receiver.accept(&keyring(), Route::Gossip, sent.header(), PAYLOAD, now)?;
    let response = receiver.sign_response(&keyring(), &header, "YW5zd2Vy", now.tick).unwrap();
    let keyring = keyring();
    let response = delivery.read_response(sessions, &keyring, &sent, &response, now.tick);
    Ok(response.map(|response| response.payload.to_owned()))
}

fn reject(delivery: &mut Delivery, sessions: &mut Sessions, by: RejectedBy, now: Now) -> Next {
    delivery.record_rejection(sessions, by, now.tick)
}

#[test]
fn a_first_contact_is_a_challenge_and_the_message_is_signed() {
    let (mut sessions, mut receiver) = (a(LegacyPolicy::Allow), b(6));
    let mut delivery = gossip();
    prove(&mut delivery, &mut sessions, &receiver, at(0));
    let answer = exchange(&mut delivery, &mut sessions, &mut receiver, at(0));
    assert_eq!(answer, Ok(Some("YW5zd2Vy".to_owned())));
    // The next message needs no challenge, also in later epochs.
    for seconds in [1, 900, 1_700] {
        let answer = exchange(&mut gossip(), &mut sessions, &mut receiver, at(seconds));
        assert!(answer.is_ok(), "{seconds}");
    }
}

#[test]
fn a_peer_that_proves_nothing_is_met_by_the_policy() {
    for (policy, is_known, step) in [
        (LegacyPolicy::Allow, false, Step::Raw(NONCE)),
        (LegacyPolicy::Known, false, Step::Withhold),
        (LegacyPolicy::Known, true, Step::Raw(NONCE)),
        (LegacyPolicy::Off, true, Step::Withhold),
    ] {
        let mut sessions = a(policy);
        let mut delivery = Delivery::new(B, Content::Gossip, is_known);
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
        let answer = ListAnswer::Success(None);
        assert_eq!(delivery.record_list(&mut sessions, &keyring(), answer, at(0).tick), Next::Continue);
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), step, "{policy:?} {is_known}");
    }
}

#[test]
fn an_unproved_list_counts_unless_version_1_is_excluded() {
    for (policy, next) in [
        (LegacyPolicy::Allow, Next::Deliver),
        (LegacyPolicy::Known, Next::Deliver),
        (LegacyPolicy::Off, Next::Continue),
    ] {
        let mut sessions = a(policy);
        for challenge in [ListAnswer::Success(None), ListAnswer::Failure] {
            let mut delivery = Delivery::new(B, Content::List, true);
            assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
            let mut answered = delivery.record_list(&mut sessions, &keyring(), challenge, Tick(0));
            if challenge == ListAnswer::Failure {
                assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::List);
                answered =
                    delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(None), Tick(0));
            }
            assert_eq!(answered, next, "{policy:?} {challenge:?}");
            assert_eq!(delivery.is_withheld(false), challenge != ListAnswer::Failure);
            if next == Next::Continue {
                assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Withhold);
            }
        }
    }
}

#[test]
fn an_unanswered_challenge_is_repeated_once_without_its_header() {
    let mut sessions = a(LegacyPolicy::Allow);
    for content in [Content::Gossip, Content::List] {
        let mut delivery = Delivery::new(B, content, false);
        let mut step = |delivery: &mut Delivery| delivery.next(&mut sessions, NONCE, at(0));
        assert_eq!(step(&mut delivery), Step::Challenge(NONCE));
        let fail = |delivery: &mut Delivery, sessions: &mut Sessions| {
            delivery.record_list(sessions, &keyring(), ListAnswer::Failure, Tick(0))
        };
        assert_eq!(fail(&mut delivery, &mut sessions), Next::Continue);
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::List);
        let next = fail(&mut delivery, &mut sessions);
        match content {
            Content::List => assert_eq!(next, Next::Deliver),
            _ => {
                assert_eq!(next, Next::Continue);
                assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Raw(NONCE));
            }
        }
    }
}

#[test]
fn a_proof_of_another_url_proves_nothing() {
    let mut sessions = a(LegacyPolicy::Off);
    let mut delivery = Delivery::new("http://c.test/", Content::Gossip, false);
    prove(&mut delivery, &mut sessions, &b(6), at(0));
    assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Withhold);
    assert!(!sessions.has_proved("http://c.test/"));
}

#[test]
fn a_restarted_peer_is_challenged_again() {
    let (mut sessions, mut receiver) = (a(LegacyPolicy::Allow), b(6));
    prove(&mut gossip(), &mut sessions, &receiver, at(0));
    exchange(&mut gossip(), &mut sessions, &mut receiver, at(0)).unwrap();
    let mut restarted = b(7);
    let mut delivery = gossip();
    let outcome = exchange(&mut delivery, &mut sessions, &mut restarted, at(5));
    assert_eq!(outcome, Err(Rejection::Signature));
    assert_eq!(reject(&mut delivery, &mut sessions, RejectedBy::Itself, at(5)), Next::Continue);
    prove(&mut delivery, &mut sessions, &restarted, at(5));
    exchange(&mut delivery, &mut sessions, &mut restarted, at(5)).unwrap();
}

#[test]
fn a_peer_that_rejects_everything_is_challenged_once_a_second() {
    let (mut sessions, receiver) = (a(LegacyPolicy::Allow), b(6));
    prove(&mut gossip(), &mut sessions, &receiver, at(0));
    let rejected = |sessions: &mut Sessions, now| reject(&mut gossip(), sessions, RejectedBy::Another, now);
    assert_eq!(rejected(&mut sessions, at(0)), Next::Continue);
    assert_eq!(rejected(&mut sessions, at(0)), Next::Deliver);
    assert_eq!(rejected(&mut sessions, at(1)), Next::Continue);
}

#[test]
fn messages_that_are_rejected_within_a_second_cause_one_challenge() {
    let (mut sessions, receiver) = (a(LegacyPolicy::Allow), b(6));
    prove(&mut gossip(), &mut sessions, &receiver, at(0));
    let mut rejected = |now, expected| {
        let mut delivery = gossip();
        assert!(matches!(delivery.next(&mut sessions, NONCE, now), Step::Signed(_)));
        assert_eq!(reject(&mut delivery, &mut sessions, RejectedBy::Itself, now), expected);
        if expected == Next::Continue {
            prove(&mut delivery, &mut sessions, &receiver, now);
        }
    };
    rejected(at(0), Next::Continue);
    for _ in 0..5 {
        rejected(at(0), Next::Deliver);
    }
    rejected(at(1), Next::Continue);
}

#[test]
fn a_proved_url_is_sent_the_raw_secret_only_after_two_foreign_rejections() {
    for (policy, last) in
        [(LegacyPolicy::Allow, Step::Raw(NONCE)), (LegacyPolicy::Known, Step::Challenge(NONCE))]
    {
        let (mut sessions, receiver) = (a(policy), b(6));
        let rejected = |sessions: &mut Sessions, by, seconds| {
            reject(&mut gossip(), sessions, by, at(seconds));
        };
        prove(&mut gossip(), &mut sessions, &receiver, at(0));
        for seconds in [1, 2] {
            rejected(&mut sessions, RejectedBy::Another, seconds);
            assert_eq!(gossip().next(&mut sessions, NONCE, at(seconds)), Step::Challenge(NONCE));
        }
        prove(&mut gossip(), &mut sessions, &receiver, at(3));
        assert!(matches!(gossip().next(&mut sessions, NONCE, at(3)), Step::Signed(_)));
        rejected(&mut sessions, RejectedBy::Another, 4);
        prove(&mut gossip(), &mut sessions, &receiver, at(5));
        let step = gossip().next(&mut sessions, NONCE, at(5));
        let expected = if policy == LegacyPolicy::Allow { last } else { step };
        assert_eq!(step, expected);
        assert_eq!(policy == LegacyPolicy::Known, matches!(step, Step::Signed(_)));
        let warned = usize::from(policy == LegacyPolicy::Allow);
        assert_eq!([(); 2].map(|()| sessions.take_raw_again().len()), [warned, 0]);
    }
}

#[test]
fn siblings_are_sent_the_raw_secret_after_two_foreign_rejections_too() {
    let (mut sessions, first, second) = (a(LegacyPolicy::Allow), b(6), b(7));
    for (receiver, seconds) in [(&first, 1), (&second, 2)] {
        let mut delivery = gossip();
        assert_eq!(delivery.next(&mut sessions, NONCE, at(seconds)), Step::Challenge(NONCE));
        let proof = receiver.prove(keyring().current(), NONCE, Tick(0));
        delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(Some(&proof)), at(seconds).tick);
        assert!(matches!(delivery.next(&mut sessions, NONCE, at(seconds)), Step::Signed(_)));
        reject(&mut delivery, &mut sessions, RejectedBy::Another, at(seconds));
    }
    let mut delivery = gossip();
    // It answers again after another one, so they are siblings.
    prove(&mut delivery, &mut sessions, &first, at(5));
    assert_eq!(delivery.next(&mut sessions, NONCE, at(5)), Step::Raw(NONCE));
}

#[test]
fn a_proved_url_that_stops_proving_is_sent_nothing() {
    let (mut sessions, receiver) = (a(LegacyPolicy::Allow), b(6));
    prove(&mut gossip(), &mut sessions, &receiver, at(0));
    let mut delivery = gossip();
    reject(&mut delivery, &mut sessions, RejectedBy::Another, at(1));
    assert_eq!(delivery.next(&mut sessions, NONCE, at(1)), Step::Challenge(NONCE));
    delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(None), at(1).tick);
    assert_eq!(delivery.next(&mut sessions, NONCE, at(1)), Step::Withhold);
}

#[test]
fn siblings_behind_one_url_are_addressed_as_a_group() {
    let (mut sessions, mut first, mut second) = (a(LegacyPolicy::Allow), b(6), b(7));
    // The balancer sends proofs to one process and messages to the other.
    let mut delivery = gossip();
    for _ in 0..2 {
        prove(&mut delivery, &mut sessions, &first, at(0));
        let outcome = exchange(&mut delivery, &mut sessions, &mut second, at(0));
        assert_eq!(outcome, Err(Rejection::Signature));
        reject(&mut delivery, &mut sessions, RejectedBy::Itself, at(0));
        delivery = gossip();
    }
    second.record_sibling(Tick(0));
    assert!(exchange(&mut gossip(), &mut sessions, &mut second, at(1)).unwrap().is_some());
    first.record_sibling(Tick(0));
    assert!(exchange(&mut gossip(), &mut sessions, &mut first, at(1)).unwrap().is_some());
}

#[test]
fn a_restart_does_not_make_a_group() {
    let (mut sessions, mut receiver) = (a(LegacyPolicy::Allow), b(6));
    prove(&mut gossip(), &mut sessions, &receiver, at(0));
    exchange(&mut gossip(), &mut sessions, &mut receiver, at(0)).unwrap();
    // Several messages are in flight while the peer restarts.
    let mut in_flight = [gossip(), gossip(), gossip()];
    for delivery in &mut in_flight {
        assert!(matches!(delivery.next(&mut sessions, NONCE, at(1)), Step::Signed(_)));
    }
    for delivery in &mut in_flight {
        reject(delivery, &mut sessions, RejectedBy::Itself, at(1));
    }
    prove(&mut gossip(), &mut sessions, &b(7), at(2));
    exchange(&mut gossip(), &mut sessions, &mut b(7), at(2)).unwrap();
}

#[test]
fn a_group_that_rejects_is_challenged_again() {
    let (mut sessions, first, mut second) = (a(LegacyPolicy::Allow), b(6), b(7));
    for _ in 0..2 {
        let mut delivery = gossip();
        prove(&mut delivery, &mut sessions, &first, at(0));
        exchange(&mut delivery, &mut sessions, &mut second, at(0)).unwrap_err();
        reject(&mut delivery, &mut sessions, RejectedBy::Itself, at(0));
    }
    let mut delivery = gossip();
    let outcome = exchange(&mut delivery, &mut sessions, &mut second, at(1));
    assert_eq!(outcome, Err(Rejection::NoSibling));
    reject(&mut delivery, &mut sessions, RejectedBy::Itself, at(1));
    prove(&mut gossip(), &mut sessions, &second, at(2));
    exchange(&mut gossip(), &mut sessions, &mut second, at(2)).unwrap();
}

#[test]
fn a_process_that_answers_again_after_another_one_has_a_sibling() {
    let (mut sessions, first, second) = (a(LegacyPolicy::Allow), b(6), b(7));
    for receiver in [&first, &second, &first] {
        let mut delivery = Delivery::new(B, Content::List, false);
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
        let proof = receiver.prove(keyring().current(), NONCE, Tick(0));
        delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(Some(&proof)), Tick(0));
    }
    let step = gossip().next(&mut sessions, NONCE, at(0));
    assert!(matches!(step, Step::Signed(Address::Group(_))), "{step:?}");
}

#[test]
fn a_proof_at_the_own_url_names_the_process_that_answers() {
    for number in [5, 6] {
        let mut sessions = a(LegacyPolicy::Off);
        let mut delivery = Delivery::new(A, Content::OwnUrl, false);
        prove(&mut delivery, &mut sessions, &Receiver::new(A, process(number), Tick(0)), at(0));
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Answered(process(number)));
    }
}

#[test]
fn a_signed_request_that_comes_before_a_late_proof_replaces_it() {
    for is_second in [false, true] {
        let mut sessions = a(LegacyPolicy::Allow);
        let mut delivery = gossip();
        let fail = |delivery: &mut Delivery, sessions: &mut Sessions| {
            delivery.record_list(sessions, &keyring(), ListAnswer::Failure, Tick(1_000))
        };
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
        fail(&mut delivery, &mut sessions);
        if is_second {
            assert_eq!(delivery.next(&mut sessions, NONCE, at(1)), Step::List);
            fail(&mut delivery, &mut sessions);
        }
        sessions.record_request(B, process(6), 0, Tick(1_000));
        exchange(&mut delivery, &mut sessions, &mut b(6), at(2)).unwrap();
    }
}

#[test]
fn a_signed_request_replaces_a_challenge() {
    let mut sessions = a(LegacyPolicy::Off);
    sessions.record_request(B, process(6), 0, Tick(0));
    assert!(
        !sessions.has_proved(B),
        "a request shows that its sender has the secret, but not who answers at its URL"
    );
    exchange(&mut gossip(), &mut sessions, &mut b(6), at(0)).unwrap();
    assert!(sessions.has_proved(B));
}

#[test]
fn a_proof_in_the_answer_to_a_raw_message_ends_raw_messages() {
    let (mut sessions, receiver) = (a(LegacyPolicy::Allow), b(6));
    let mut delivery = gossip();
    assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
    delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(None), Tick(0));
    assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Raw(NONCE));
    let proof = receiver.prove(keyring().current(), NONCE, Tick(0));
    assert!(delivery.record_raw_proof(&mut sessions, &keyring(), NONCE, &proof, Tick(0)));
    assert!(matches!(gossip().next(&mut sessions, NONCE, at(0)), Step::Signed(_)));
}

#[test]
fn after_an_epoch_one_signed_message_is_tried_again() {
    let (mut sessions, mut receiver) = (a(LegacyPolicy::Allow), b(6));
    for seconds in [1, 3] {
        prove(&mut gossip(), &mut sessions, &receiver, at(seconds));
        reject(&mut gossip(), &mut sessions, RejectedBy::Another, at(seconds));
    }
    prove(&mut gossip(), &mut sessions, &receiver, at(4));
    assert_eq!(gossip().next(&mut sessions, NONCE, at(602)), Step::Raw(NONCE));
    let mut delivery = gossip();
    prove(&mut delivery, &mut sessions, &receiver, at(603));
    assert!(matches!(delivery.next(&mut sessions, NONCE, at(603)), Step::Signed(_)));
    // One rejection suffices now.
    reject(&mut delivery, &mut sessions, RejectedBy::Another, at(603));
    prove(&mut gossip(), &mut sessions, &receiver, at(604));
    assert_eq!(gossip().next(&mut sessions, NONCE, at(604)), Step::Raw(NONCE));
    assert_eq!(sessions.take_raw_again().len(), 1);
    // A success ends it.
    let mut delivery = gossip();
    prove(&mut delivery, &mut sessions, &receiver, at(1_203));
    assert!(exchange(&mut delivery, &mut sessions, &mut receiver, at(1_203)).is_ok());
    assert!(matches!(gossip().next(&mut sessions, NONCE, at(1_204)), Step::Signed(_)));
}
