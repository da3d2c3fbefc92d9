//! Admission: the subject of an entry or a claim, and whether it is admitted.

use std::sync::Arc;

use crate::protocol::context::effect::{CheckReason, Effect};
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::merging::intake::{self, ListEntry, Subject};
use crate::protocol::merging::native;
use crate::protocol::merging::outsiders::{Direction, LeftOut};
use crate::protocol::merging::plain::{PlainClaim, PlainSource};
use crate::protocol::tests::support::parts::{Parts, at};
use crate::protocol::tests::support::world::EPOCH;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::allow::AllowList;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::Source;
use crate::protocol::types::status::{ListKind, Status};
use crate::protocol::types::time::{Incarnation, Stamp};
use crate::protocol::wire::message::ReceivedEntry;

const A: &str = "http://a/";
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// The admitted form of an entry that claims a server online.
fn admit(parts: &mut Parts, source: Source, url: &str, stamp: u64) -> Option<(Subject<'static>, PlainClaim)> {
    let entry = ReceivedEntry { base_url: url.into(), monitor: false, last_update: (EPOCH + stamp) as f64 };
    let slot = parts.members.roster.slot_of(url);
    let said = ListEntry { source, listed: ListKind::Online, entry: &entry };
    parts.merging.take_in(&parts.members, &mut parts.exchanges, &mut parts.cx, slot, said, at(0))
}

#[test]
fn an_entry_is_about_this_server_a_member_or_a_new_one() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 0);
    let subject = |parts: &mut Parts, url| admit(parts, Source::Request, url, 5).unwrap().0;
    assert!(matches!(subject(&mut parts, "HTTP://ME:80"), Subject::LocalServer));
    assert!(matches!(subject(&mut parts, "http://A/"), Subject::Known(known) if **known == *A));
    assert!(matches!(subject(&mut parts, "http://b"), Subject::New(url) if &**url.identity() == "http://b/"));
}

#[test]
fn an_entry_of_the_master_list_is_unconfirmed() {
    let mut parts = Parts::plain();
    let source_of = |parts: &mut Parts, source| admit(parts, source, A, 5).unwrap().1.source;
    assert_eq!(source_of(&mut parts, Source::MasterList), PlainSource::MasterList);
    assert_eq!(source_of(&mut parts, Source::Request), PlainSource::Peer);
}

#[test]
fn an_answer_defers_its_servers_own_entry() {
    let mut parts = Parts::plain();
    let peer = parts.add(A, Status::Online, 0);
    let id = parts.ask(&peer, Purpose::Round);
    assert!(admit(&mut parts, Source::Exchange(id), A, 5).is_none());
    let own = parts.exchanges.in_flight.end(id).unwrap().own_entry.unwrap();
    assert_eq!((own.online, own.stamp), (true, Stamp(EPOCH + 5)));
}

#[test]
fn a_list_requested_for_a_verification_counts_for_its_server_only() {
    let mut parts = Parts::plain();
    let peer = parts.add(A, Status::Online, 0);
    let id = parts.ask(&peer, Purpose::Inquiry);
    assert!(admit(&mut parts, Source::Exchange(id), "http://b/", 5).is_none());
    let id = parts.ask(&peer, Purpose::Round);
    assert!(admit(&mut parts, Source::Exchange(id), "http://b/", 5).is_some());
}

#[test]
fn a_claim_too_far_ahead_is_rejected_and_its_subject_checked_if_it_contradicts() {
    let mut parts = Parts::plain();
    parts.add(A, Status::Online, 0);
    parts.add("http://b/", Status::Dead, 0);
    assert!(admit(&mut parts, Source::Request, A, DAY).is_some());
    assert!(admit(&mut parts, Source::Request, A, DAY + 1).is_none());
    assert_eq!(parts.effects(), []);
    assert!(admit(&mut parts, Source::Request, "http://b/", DAY + 1).is_none());
    assert_eq!(parts.effects(), [Effect::Check("http://b/".into(), CheckReason::NeedsList)]);
}

#[test]
fn a_servers_own_claim_too_far_ahead_counts_as_made_now() {
    let mut parts = Parts::plain();
    let peer = parts.add(A, Status::Online, 0);
    let id = parts.ask(&peer, Purpose::Round);
    assert!(admit(&mut parts, Source::Exchange(id), A, DAY + 1).is_none());
    let own = parts.exchanges.in_flight.end(id).unwrap().own_entry.unwrap();
    assert_eq!(own.stamp, at(0).wall);
}

/// The admitted form of a native claim about A: its status and its stamp.
fn admit_native(
    parts: &mut Parts,
    status: Status,
    incarnation: Incarnation,
    stamp: u64,
) -> Option<(Status, Stamp)> {
    let accusers = Accusers::default();
    let (base_url, last_update): (Arc<str>, _) = (A.into(), Stamp(EPOCH + stamp));
    let claim = Claim { base_url, status, incarnation, last_update, monitor: false, age: 0, accusers };
    let claim = native::correct(&claim, at(0)).unwrap_or(claim);
    let subject = intake::identify_shared(&parts.members, &parts.cx, &claim.base_url).ok()?;
    let Parts { merging, members, cx, .. } = parts;
    let is_admitted = merging.admits_native(members, cx, &subject, claim.incarnation, at(0));
    is_admitted.then_some((claim.status, claim.last_update))
}

#[test]
fn a_suspicion_of_a_legacy_peer_is_not_admitted() {
    let mut parts = Parts::native();
    let taken = admit_native(&mut parts, Status::Suspect, Incarnation::NONE, 5);
    assert_eq!(taken, Some((Status::Online, Stamp(EPOCH + 5))));
}

#[test]
fn a_stamp_too_far_ahead_is_clamped_and_an_incarnation_rejected() {
    let mut parts = Parts::native();
    let taken = admit_native(&mut parts, Status::Online, Incarnation(7), DAY + 1);
    assert_eq!(taken, Some((Status::Online, at(0).wall)));
    let ahead = Incarnation::first(Stamp(EPOCH + 2 * DAY));
    assert_eq!(admit_native(&mut parts, Status::Online, ahead, 5), None);
    // An incarnation already held may be confirmed.
    parts.add_native(A, Status::Online, ahead.0);
    assert!(admit_native(&mut parts, Status::Suspect, ahead, 5).is_some());
}

#[test]
fn a_server_that_no_pattern_allows_is_not_admitted() {
    for (patterns, is_admitted) in [("a", true), ("b", false), ("10.0.0.0/8", true), ("http://a:81", false)] {
        let mut parts = Parts::native();
        parts.cx.config.allowed = Some(AllowList::parse(patterns).unwrap());
        for source in [Source::Request, Source::MasterList] {
            assert_eq!(admit(&mut parts, source, A, 5).is_some(), is_admitted, "{patterns}");
        }
        let native = admit_native(&mut parts, Status::Online, Incarnation(7), 5);
        assert_eq!(native.is_some(), is_admitted, "{patterns}");
        assert!(admit(&mut parts, Source::Request, "http://me/", 5).is_some(), "itself");
    }
}

#[test]
fn a_server_that_may_not_be_contacted_comes_back_by_its_answer_only() {
    let mut parts = Parts::native();
    let a = parts.add(A, Status::Online, 0);
    parts.merging.outsiders.leave_out(&mut parts.members, &mut parts.cx, &a, LeftOut::NotAllowed, at(0));
    for (direction, is_member) in [(Direction::Request, false), (Direction::Answer, true)] {
        parts.merging.outsiders.admit_sender(&mut parts.members, &parts.cx, &a, direction, at(1));
        assert_eq!(parts.members.roster.get(A).is_some(), is_member, "{direction:?}");
    }
}
