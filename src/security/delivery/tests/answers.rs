use super::*;
use crate::security::answer::Answer;

/// Signs a message for B, and records this answer to it.
fn answer(delivery: &mut Delivery, sessions: &mut Sessions, answer: (u16, &str), now: Now) -> Answer {
    let Step::Signed(address) = delivery.next(sessions, NONCE, now) else { panic!("not signed") };
    let sent = delivery.sign(sessions, keyring().current(), address, PAYLOAD);
    let (status, body) = answer;
    delivery.record_answer(sessions, &keyring(), &sent, (status, body.as_bytes()), now.tick)
}

#[test]
fn a_rejection_is_recognised_by_its_text_whatever_its_status() {
    for (status, body, outcome) in [
        (401, "", Answer::Retry),
        (401, r#"{"error":"Unauthorized: Invalid signature"}"#, Answer::Retry),
        (500, r#"{"error":"Unauthorized: Invalid signature"}"#, Answer::Retry),
        (500, "Unauthorized: The body is not the one that was signed", Answer::Retry),
        (500, "Internal Server Error", Answer::Other),
        (401, "Clustershazbot engine not started", Answer::Other),
    ] {
        let mut sessions = a(LegacyPolicy::Allow);
        let mut delivery = gossip();
        prove(&mut delivery, &mut sessions, &b(6), at(0));
        let answered = answer(&mut delivery, &mut sessions, (status, body), at(0));
        assert_eq!(answered, outcome, "{status} {body}");
    }
}

#[test]
fn a_body_that_is_changed_on_its_way_twice_makes_the_messages_raw() {
    let mut sessions = a(LegacyPolicy::Allow);
    for second in [0, 10] {
        let mut delivery = gossip();
        if second == 0 {
            prove(&mut delivery, &mut sessions, &b(6), at(second));
        }
        let changed = (401, "Unauthorized: The body is not the one that was signed");
        assert_eq!(answer(&mut delivery, &mut sessions, changed, at(second)), Answer::Retry);
        prove(&mut delivery, &mut sessions, &b(6), at(second));
    }
    assert_eq!(gossip().next(&mut sessions, NONCE, at(20)), Step::Raw(NONCE));
    assert_eq!(sessions.take_raw_again().len(), 1);
}

#[test]
fn requests_of_a_peer_that_no_signed_message_reaches_do_not_bring_them_back() {
    for (policy, is_signed) in [(LegacyPolicy::Allow, false), (LegacyPolicy::Known, true)] {
        let mut sessions = a(policy);
        let hear = |sessions: &mut Sessions| sessions.record_request(B, process(6), 0, Tick(0));
        hear(&mut sessions);
        let mut delivery = gossip();
        assert_eq!(answer(&mut delivery, &mut sessions, (401, "no"), at(0)), Answer::Retry);
        assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
        delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(None), Tick(0));
        hear(&mut sessions);
        let step = gossip().next(&mut sessions, NONCE, at(1));
        assert_eq!(matches!(step, Step::Signed(_)), is_signed, "{policy:?}: {step:?}");
    }
}

#[test]
fn requests_between_two_messages_do_not_prevent_the_challenge_after_an_unsigned_success() {
    let mut sessions = a(LegacyPolicy::Allow);
    let hear = |sessions: &mut Sessions| sessions.record_request(B, process(6), 0, Tick(0));
    hear(&mut sessions);
    let lists = (200, r#"{"message":"OK","online":[],"offline":[]}"#);
    assert_eq!(answer(&mut gossip(), &mut sessions, lists, at(0)), Answer::Unsigned);
    hear(&mut sessions);
    let mut delivery = gossip();
    assert_eq!(delivery.next(&mut sessions, NONCE, at(10)), Step::Challenge(NONCE));
    delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(None), Tick(10_000));
    hear(&mut sessions);
    assert_eq!(delivery.next(&mut sessions, NONCE, at(10)), Step::Raw(NONCE));
    hear(&mut sessions);
    assert_eq!(gossip().next(&mut sessions, NONCE, at(20)), Step::Raw(NONCE));
}

#[test]
fn too_many_rejections_lead_to_a_challenge_as_one_does() {
    let mut sessions = a(LegacyPolicy::Allow);
    let mut delivery = gossip();
    prove(&mut delivery, &mut sessions, &b(6), at(0));
    let limited = (429, r#"{"error":"Too many requests without the secret"}"#);
    assert_eq!(answer(&mut delivery, &mut sessions, limited, at(0)), Answer::Retry);
    assert_eq!(delivery.next(&mut sessions, NONCE, at(0)), Step::Challenge(NONCE));
}
