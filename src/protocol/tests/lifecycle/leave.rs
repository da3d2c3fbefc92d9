//! The leave: it counts at once, reaches many, and ends in time.

use crate::protocol::context::output::Event;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, ME};
use crate::protocol::tests::support::world::{EPOCH, World};

#[test]
fn a_leave_counts_at_once_and_ends_when_all_have_answered() {
    let mut world = World::among(&[A, B]);
    world.leave();
    assert!(!world.is_online(ME) && !world.has_shut_down());
    world.run_for(10);
    assert!(world.has_shut_down());
    for peer in [A, B] {
        assert_eq!(world.gossip_to(peer).len(), 1);
        assert_eq!(&*world.gossip_to(peer)[0].1.offline[0].base_url, ME);
    }
    world.run_for(1_000_000);
    assert_eq!(world.sent.len(), 2, "nothing is sent after the end");
    assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
}

#[test]
fn peers_that_hang_delay_a_leave_by_five_seconds() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Held);
    world.leave();
    world.run_for(4_990);
    assert!(!world.has_shut_down());
    world.run_for(20);
    assert!(world.has_shut_down());
}

#[test]
fn peers_that_refuse_do_not_delay_a_leave() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Refuses);
    world.leave();
    world.run_for(10);
    assert!(world.has_shut_down());
}

#[test]
fn requests_in_flight_are_aborted_and_late_answers_ignored() {
    let mut world = World::among(&[A, B]);
    world.set_fake(A, Fake::Held);
    world.drain();
    world.bring_back();
    world.run_for(50);
    let exchange = world.last_to(A);
    world.leave();
    let before = world.nodes[ME].machine.lists();
    world.answer(exchange, &[(A, EPOCH + 50_000), (ME, EPOCH + 60_000), ("http://new/", EPOCH)], &[]);
    assert_eq!(world.nodes[ME].machine.lists(), before);
}

#[test]
fn a_second_try_does_not_follow_a_leave() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Refuses);
    world.run_for(33_100);
    world.set_fake(A, Fake::Online);
    world.leave();
    world.run_for(10);
    let sent = world.gossip_to(A).len();
    world.run_for(60_000);
    assert_eq!(world.gossip_to(A).len(), sent);
}

#[test]
fn no_answer_shows_a_leaving_server_online() {
    let mut world = World::among(&[A]);
    world.set_fake(A, Fake::Held);
    world.leave();
    let wall = world.wall();
    for claim in [wall, wall + 100_000] {
        let answer = world.receive(&[(ME, claim), (A, wall)], &[]);
        assert!(answer.online.iter().all(|entry| &*entry.base_url != ME));
        assert!(answer.offline.iter().any(|entry| &*entry.base_url == ME && entry.last_update.0 > claim));
    }
    world.bring_back();
    assert!(!world.is_online(ME));
}

#[test]
fn a_second_leave_is_the_same_leave() {
    let mut world = World::among(&[A]);
    world.leave();
    world.leave();
    world.run_for(10_000);
    world.leave();
    world.run_for(10_000);
    let ends = world.nodes[ME].events.iter().filter(|event| **event == Event::ShutDown).count();
    assert_eq!((ends, world.gossip_to(A).len()), (1, 1));
}

#[test]
fn a_download_in_flight_causes_no_upload_and_no_retry_after_a_leave() {
    for outcome in [200, 500] {
        let mut world = World::among(&[A]);
        world.set_fake(A, Fake::Held);
        world.store.body = Some(format!(r#"{{"online":[{{"baseUrl":"{ME}","lastUpdate":0}}]}}"#));
        if outcome == 500 {
            world.store.next_downloads = [(500, ""); 9].into();
        }
        let before = world.downloads().len();
        world.act(ME, |machine, now| machine.announce_to_master_list(now));
        world.leave();
        world.run_for(4_000);
        assert_eq!(world.downloads().len(), before + 1);
        assert!(world.uploads().is_empty());
    }
}

#[test]
fn a_leaving_server_removes_itself_from_the_list_if_configured() {
    let mut world = World::with(|config| config.master_list.update_on_shutdown = true);
    let other = r#"{"baseUrl":"http://other/","lastUpdate":0,"note":"by hand"}"#;
    world.find_alive(A);
    world.store.body =
        Some(format!(r#"{{"online":[{{"baseUrl":"{ME}","lastUpdate":1}},{other},{{"odd":1}}]}}"#));
    world.leave();
    world.run_for(1_000);
    assert!(world.has_shut_down());
    let body = world.store.body.clone().unwrap();
    assert!(!body.contains(ME) && body.contains("http://other/") && body.contains(r#"{"odd":1}"#), "{body}");
}

#[test]
fn a_list_that_does_not_answer_delays_a_leave_by_ten_seconds() {
    let mut world = World::with(|config| config.master_list.update_on_shutdown = true);
    world.store.hangs = true;
    world.leave();
    world.run_for(9_900);
    assert!(!world.has_shut_down());
    world.run_for(200);
    assert!(world.has_shut_down());
    assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
}

#[test]
fn a_list_that_cannot_be_downloaded_is_not_written_at_a_leave() {
    let mut world = World::with(|config| config.master_list.update_on_shutdown = true);
    world.store.next_downloads = [(403, "")].into();
    world.leave();
    world.run_for(1_000);
    assert!(world.has_shut_down() && world.uploads().is_empty());
}

#[test]
fn the_last_upload_and_its_download_are_retried_after_transient_errors() {
    for (downloads, uploads) in [(4, vec![]), (0, vec![500, 409, 503, 502]), (2, vec![504, 400])] {
        let mut world = World::with(|config| config.master_list.update_on_shutdown = true);
        world.store.body = Some(format!(r#"{{"online":[{{"baseUrl":"{ME}","lastUpdate":1}}]}}"#));
        world.store.has_conditions = true;
        world.store.next_downloads = vec![(503, ""); downloads].into();
        world.store.next_uploads = uploads.into();
        world.leave();
        world.run_for(5_000);
        assert!(world.has_shut_down());
        assert!(!world.store.body.clone().unwrap().contains(ME));
    }
}

#[test]
fn the_last_upload_is_retried_for_five_seconds() {
    for is_download in [true, false] {
        let mut world = World::with(|config| config.master_list.update_on_shutdown = true);
        world.store.body = Some(format!(r#"{{"online":[{{"baseUrl":"{ME}","lastUpdate":1}}]}}"#));
        if is_download {
            world.store.next_downloads = vec![(500, ""); 50].into();
        } else {
            world.store.next_uploads = vec![500; 50].into();
        }
        world.leave();
        world.run_for(4_900);
        assert!(!world.has_shut_down());
        world.run_for(100);
        assert!(world.has_shut_down());
        assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
    }
}
