//! Merging of native claims: their worth, the change of their subject, and the effects.

use std::sync::Arc;

use crate::protocol::context::RunState;
use crate::protocol::context::effect::Effect;
use crate::protocol::merging::about_self;
use crate::protocol::merging::intake::Known;
use crate::protocol::merging::native::{self, NativeClaim, Worth};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::Origin;
use crate::protocol::types::status::Control;
use crate::protocol::types::status::Status::{self, Dead, Left, Online, Suspect};
use crate::protocol::types::time::{Incarnation, Stamp};

const A: &str = "http://a/";
const NOW: u64 = 100_000;

fn a() -> Arc<str> {
    A.into()
}

fn stamp(stamp: u64) -> Stamp {
    Stamp(EPOCH + stamp)
}

fn claim(url: &str, status: Status, incarnation: u32, at: u64) -> Claim {
    let accusers = if status == Suspect { [1].into_iter().collect() } else { Accusers::default() };
    Claim {
        base_url: url.into(),
        status,
        incarnation: Incarnation(incarnation),
        last_update: stamp(at),
        monitor: false,
        age: 0,
        accusers,
    }
}

/// The outcome of a claim about the member A: its worth, A's status and stamp, and the effects.
fn merge(parts: &mut Parts, claim: &Claim, origin: Origin) -> (Worth, (Status, u64), Vec<Effect>) {
    let said = NativeClaim { claim, origin };
    let (a, Parts { members, exchanges, cx, .. }) = (a(), &mut *parts);
    let known = Known::of(members, &a).unwrap();
    let worth = native::merge_known(members, exchanges, cx, &known, said, at(NOW));
    (worth, parts.status_and_stamp(A), parts.effects())
}

/// The outcome of a rumour about A, which is no member.
fn merge_new(parts: &mut Parts, claim: &Claim) -> (Worth, Vec<Effect>) {
    let url = BaseUrl::parse(A).unwrap();
    let said = NativeClaim { claim, origin: Origin::Rumour };
    let worth = parts.merging.merge_new_native(&mut parts.members, &mut parts.cx, &url, said, at(NOW));
    (worth, parts.effects())
}

/// The effects of a native claim about this server.
fn merge_own(parts: &mut Parts, claim: &Claim) -> Vec<Effect> {
    about_self::merge_native(&mut parts.members, &mut parts.exchanges, &mut parts.cx, claim, at(NOW));
    parts.effects()
}

/// A server that has just started, and its claim about itself.
fn starting() -> (Parts, Claim) {
    let mut parts = Parts::native();
    parts.cx.run_state = RunState::Starting;
    let own = parts.members.local.claim();
    (parts, own)
}

#[test]
fn a_start_supersedes_an_earlier_process_once() {
    let (mut parts, own) = starting();
    let earlier = Claim { incarnation: own.incarnation.next(), ..own };
    let spread = vec![Parts::spread("http://me/"), Effect::PushToFew];
    assert_eq!(merge_own(&mut parts, &earlier), spread);
    let after = parts.members.local.claim();
    assert_eq!(after.incarnation, earlier.incarnation.next());
    assert!(after.last_update > earlier.last_update);
    // A sibling that starts at the same time would answer each version with the next one.
    let sibling = Claim { incarnation: after.incarnation.next(), ..after };
    assert_eq!(merge_own(&mut parts, &sibling), [vec![Effect::RecordSibling], spread].concat());
    assert_eq!(parts.members.local.incarnation(), sibling.incarnation);
}

#[test]
fn a_drained_start_adopts_a_second_incarnation_after_a_pause() {
    let (mut parts, own) = starting();
    parts.members.local.control(Control::Drain, at(NOW));
    let mut held = own.incarnation;
    // The earlier process at once, a sibling once, and then not before the pause is over.
    for is_adopted in [true, true, false] {
        let claim = Claim { incarnation: held.next(), status: Online, ..own.clone() };
        merge_own(&mut parts, &claim);
        held = if is_adopted { claim.incarnation } else { held };
        assert_eq!(parts.members.local.incarnation(), held);
    }
}

#[test]
fn a_start_does_not_supersede_itself() {
    let (mut parts, own) = starting();
    // Others show a higher stamp if theirs was outdone by a tombstone.
    for last_update in [own.last_update, own.last_update.next()] {
        assert_eq!(merge_own(&mut parts, &Claim { last_update, ..own.clone() }), vec![]);
    }
    assert_eq!(parts.members.local.claim(), own);
    // An earlier process of the same second.
    let earlier = Claim { last_update: Stamp(own.last_update.0 - 1), ..own.clone() };
    assert_ne!(merge_own(&mut parts, &earlier), vec![]);
    let after = parts.members.local.claim();
    assert_eq!(after.incarnation, own.incarnation.next());
    assert_eq!((merge_own(&mut parts, &after), parts.members.local.claim()), (vec![], after));
}

#[test]
fn an_equal_claim_has_no_effect() {
    for status in [Online, Dead, Left] {
        let mut parts = Parts::native();
        parts.add_native(A, status, 7);
        let outcome = merge(&mut parts, &claim(A, status, 7, 0), Origin::Rumour);
        assert_eq!(outcome, (Worth::Known, (status, 0), vec![]));
    }
}

#[test]
fn a_suspicion_is_spread_unless_it_came_with_a_roster() {
    let suspicion = claim(A, Suspect, 7, 0);
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    let expected = vec![Effect::ScheduleSuspicion(a()), Parts::spread(A)];
    assert_eq!(merge(&mut parts, &suspicion, Origin::Rumour), (Worth::News, (Suspect, 0), expected));
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    let expected = vec![Effect::ScheduleSuspicion(a())];
    assert_eq!(merge(&mut parts, &suspicion, Origin::Transfer), (Worth::News, (Suspect, 0), expected));
}

#[test]
fn another_accuser_shortens_a_suspicion() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    merge(&mut parts, &claim(A, Suspect, 7, 0), Origin::Rumour);
    let second = Claim { accusers: [2].into_iter().collect(), ..claim(A, Suspect, 7, 0) };
    let expected = vec![Effect::ScheduleSuspicion(a()), Parts::spread(A)];
    assert_eq!(merge(&mut parts, &second, Origin::Rumour), (Worth::News, (Suspect, 0), expected));
    assert_eq!(parts.members.roster.suspicion_of(A).unwrap().accusers.len(), 2);
    assert_eq!(merge(&mut parts, &second, Origin::Rumour), (Worth::Known, (Suspect, 0), vec![]));
}

#[test]
fn a_fourth_accuser_is_merged_but_is_no_news() {
    let accused_by = |accusers: &[u32]| {
        let accusers = accusers.iter().copied().collect();
        Claim { accusers, ..claim(A, Suspect, 7, 0) }
    };
    let known = (Worth::Known, (Suspect, 0), vec![]);
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    merge(&mut parts, &accused_by(&[4, 5]), Origin::Rumour);
    assert_eq!(merge(&mut parts, &accused_by(&[6]), Origin::Rumour).0, Worth::News);
    for (said, held) in [([2, 5], [2, 4, 5]), ([7, 8], [2, 4, 5]), ([1, 3], [1, 2, 3])] {
        assert_eq!(merge(&mut parts, &accused_by(&said), Origin::Rumour), known);
        assert_eq!(parts.members.roster.suspicion_of(A).unwrap().accusers, held.into_iter().collect());
    }
}

#[test]
fn a_refutation_ends_a_suspicion() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    merge(&mut parts, &claim(A, Suspect, 7, 0), Origin::Rumour);
    let expected = vec![Parts::spread(A)];
    let outcome = merge(&mut parts, &claim(A, Online, 8, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::News, (Online, 20), expected));
    assert_eq!(parts.members.roster.suspicion_of(A), None);
}

#[test]
fn a_message_of_a_server_that_refused_is_recorded() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    parts.member(A).record_closed_port();
    let expected = vec![Effect::RecordMessage(a()), Parts::spread(A)];
    let outcome = merge(&mut parts, &claim(A, Online, 8, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::News, (Online, 20), expected));
}

#[test]
fn a_death_is_spread_to_native_servers_and_legacy_peers() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    let expected = vec![
        Effect::ScheduleDrop(stamp(20)),
        Effect::WatchAbsence(a()),
        Effect::SendDeathNotices,
        Parts::spread(A),
    ];
    let outcome = merge(&mut parts, &claim(A, Dead, 7, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::News, (Dead, 20), expected));
}

#[test]
fn an_outdated_claim_changes_nothing_and_gets_an_objection() {
    let mut parts = Parts::native();
    parts.add_native(A, Online, 7);
    let outcome = merge(&mut parts, &claim(A, Dead, 6, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::Outdated, (Online, 0), vec![]));
    let mut parts = Parts::native();
    parts.add_native(A, Dead, 7);
    let outcome = merge(&mut parts, &claim(A, Online, 7, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::Outdated, (Dead, 0), vec![Effect::DisputeDeath(a())]));
}

#[test]
fn a_revived_server_that_was_never_met_is_a_stranger() {
    let mut parts = Parts::native();
    parts.add_native(A, Dead, 7);
    let expected = vec![Effect::GatherStranger(a(), Origin::Rumour), Parts::spread(A)];
    let outcome = merge(&mut parts, &claim(A, Online, 8, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::News, (Online, 20), expected));
}

#[test]
fn a_new_native_server_is_a_stranger() {
    let mut parts = Parts::native();
    parts.add(A, Online, 30);
    parts.members.hide(&mut parts.cx, &a(), at(0).tick, at(0));
    parts.effects();
    let expected =
        vec![Effect::ForgetHidden(a()), Effect::GatherStranger(a(), Origin::Rumour), Parts::spread(A)];
    let outcome = merge_new(&mut parts, &claim(A, Online, 7, 20));
    assert_eq!((outcome, parts.status_and_stamp(A)), ((Worth::News, expected), (Online, 20)));
    assert_eq!(parts.member(A).highest_seen(), stamp(30), "the stamp of the hidden server");
}

#[test]
fn the_archive_blocks_an_earlier_incarnation() {
    let mut parts = Parts::native();
    parts.members.archive.insert(A, stamp(20), Incarnation(7));
    assert_eq!(merge_new(&mut parts, &claim(A, Online, 7, 90)), (Worth::Known, vec![]));
    assert_eq!(merge_new(&mut parts, &claim(A, Online, 0, 90)), (Worth::Known, vec![]));
    assert_eq!(merge_new(&mut parts, &claim(A, Online, 8, 10)).0, Worth::News);
}

#[test]
fn a_legacy_peer_that_has_spoken_since_stays_online() {
    let mut parts = Parts::native();
    parts.add(A, Online, 10);
    let outcome = merge(&mut parts, &claim(A, Dead, 7, 5), Origin::Rumour);
    assert_eq!(outcome, (Worth::Outdated, (Online, 10), vec![]));
    assert!(!parts.member(A).is_native());
}

#[test]
fn a_legacy_peer_that_claims_to_be_native_is_native() {
    let mut parts = Parts::native();
    parts.add(A, Dead, 10);
    let online = claim(A, Online, 7, 5);
    let expected = vec![Effect::DisputeDeath(a())];
    assert_eq!(merge(&mut parts, &online, Origin::Rumour), (Worth::Outdated, (Dead, 10), expected));
    let (worth, (status, _), _) =
        merge(&mut parts, &Claim { incarnation: Incarnation(8), ..online }, Origin::Subject);
    assert_eq!((worth, status, parts.member(A).is_native()), (Worth::News, Online, true));
}

#[test]
fn the_finding_of_a_native_server_about_a_legacy_peer_is_spread() {
    let mut parts = Parts::native();
    parts.add(A, Online, 10);
    let expected = vec![Effect::WatchAbsence(a()), Effect::ScheduleDrop(stamp(20)), Parts::spread(A)];
    let outcome = merge(&mut parts, &claim(A, Dead, 0, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::News, (Dead, 20), expected));
    let outcome = merge(&mut parts, &claim(A, Dead, 0, 20), Origin::Rumour);
    assert_eq!(outcome, (Worth::Known, (Dead, 20), vec![]));
}

#[test]
fn a_plain_claim_about_this_server_is_refuted_if_it_is_not_older() {
    let mut parts = Parts::plain();
    let held = parts.members.local.stamp();
    about_self::merge_plain(&mut parts.members, &mut parts.cx, Online, held.next(), at(NOW));
    assert_eq!(parts.effects(), []);
    about_self::merge_plain(&mut parts.members, &mut parts.cx, Dead, held, at(NOW));
    assert_eq!(parts.effects(), [Effect::AnnounceRefutation]);
    assert!(parts.members.local.stamp() > held);
}

#[test]
fn a_suspicion_of_this_server_is_refuted_and_worsens_its_health() {
    let mut parts = Parts::native();
    parts.cx.run_state = RunState::Running;
    let held = parts.members.local.incarnation();
    let me: Arc<str> = "http://me/".into();
    assert_eq!(merge_own(&mut parts, &claim(&me, Suspect, held.0 - 1, 0)), []);
    let stretch = parts.exchanges.health.stretch();
    let effects = merge_own(&mut parts, &claim(&me, Suspect, held.0, 0));
    assert_eq!(effects, [Parts::spread(&me), Effect::PushToFew]);
    assert_eq!(parts.members.local.incarnation(), held.next());
    assert!(parts.exchanges.health.stretch() > stretch);
}

#[test]
fn a_higher_incarnation_of_this_server_shows_a_sibling() {
    let mut parts = Parts::native();
    parts.cx.run_state = RunState::Running;
    let me: Arc<str> = "http://me/".into();
    let higher = parts.members.local.incarnation().next();
    let effects = merge_own(&mut parts, &claim(&me, Online, higher.0, 0));
    assert_eq!(effects, [Effect::RecordSibling, Parts::spread(&me), Effect::PushToFew]);
    assert_eq!(parts.members.local.incarnation(), higher);
}
