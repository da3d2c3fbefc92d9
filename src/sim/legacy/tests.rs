//! A legacy peer on its own: its rounds, its drain, its announcements.

use super::*;
use crate::protocol::message::Lists;
use crate::sim::clock::present;

const A: &str = "http://a/";
const B: &str = "http://b/";

fn entry(url: &str, last_update: u64) -> Entry {
    Entry { base_url: url.into(), monitor: false, last_update: Stamp(last_update) }
}

fn peer() -> Legacy {
    let setup = Setup {
        base_url: "http://me/".into(),
        names: Names::default(),
        monitor: false,
        gossip_interval: 30_000,
        announce_minimum: 300_000,
        announce_interval: 0,
    };
    let known = setup.names.listing(&Lists { online: vec![entry(A, 100)], offline: vec![] });
    Legacy::running(setup, 1, present(0, 0), &known)
}

fn wake(peer: &mut Legacy) -> Vec<LegacyRequest> {
    peer.handle_timeout(present(peer.timeout().unwrap(), 0));
    peer.take_requests()
}

#[test]
fn a_round_that_fails_twice_buries_the_partner() {
    let mut peer = peer();
    for is_retry in [false, true] {
        let requests = wake(&mut peer);
        let [LegacyRequest::Gossip { id, base_url, .. }] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!(&**base_url, A);
        peer.handle_reply(present(30_000, 0), *id, None);
        assert_eq!(peer.view(A).unwrap().0, !is_retry);
    }
    assert!(peer.timeout().is_some_and(|at| at > 55_000));
}

#[test]
fn any_gossip_brings_a_drained_peer_back() {
    let mut peer = peer();
    peer.handle_control(present(1, 0), Control::Drain);
    assert_eq!(peer.view("http://me/").map(|view| view.0), Some(false));
    peer.handle_request(present(2, 0), &Listing::default());
    assert_eq!(peer.view("http://me/").map(|view| view.0), Some(true));
}

#[test]
fn a_start_and_a_leave_are_announced() {
    let setup = peer().setup;
    let mut peer = Legacy::start(setup, 1, present(0, 0));
    assert!(matches!(&peer.take_requests()[..], [LegacyRequest::Download { .. }]));
    let known = Lists { online: vec![entry(A, 1), entry(B, 1)], offline: vec![] };
    let known = peer.names().listing(&known);
    peer.handle_download(present(5, 0), Some(&known));
    let ids: Vec<u64> = peer
        .take_requests()
        .iter()
        .map(|wish| match wish {
            LegacyRequest::Gossip { id, .. } => *id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(!peer.is_running());
    for id in ids {
        peer.handle_reply(present(6, 0), id, None);
    }
    assert!(peer.is_running());
    peer.handle_leave(present(7, 0));
    assert_eq!(peer.take_requests().len(), 2);
    assert!(!peer.is_gone());
}
