//! Uploads of the master list.

use super::master_list::{announcing_every_second, list, online};
use crate::protocol::context::output::Severity;
use crate::protocol::tests::support::fakes::Fake;
use crate::protocol::tests::support::rig::{A, B, C, ME};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::wire::document::Condition;

/// A world whose machine announces itself at this interval, in seconds.
fn announcing_every(seconds: u64) -> World {
    let mut world = World::new(4);
    world.store.body = Some("{\"online\":[]}".to_owned());
    let mut config = config(ME);
    config.master_list.announce_minimum = std::time::Duration::from_secs(seconds);
    config.master_list.announce_interval = std::time::Duration::ZERO;
    world.start(config, 0);
    world
}

fn body(world: &World) -> String {
    world.store.body.clone().unwrap_or_default()
}

fn conditions(world: &World) -> Vec<Condition> {
    world.uploads().into_iter().map(|(_, condition)| condition.clone()).collect()
}

#[test]
fn nothing_is_written_after_a_failed_download() {
    for answer in [(403, ""), (500, "{\"online\":[]}"), (200, "<html>"), (200, "{}"), (200, "{\"online\":[")]
    {
        let mut world = announcing_every_second(Some("{\"online\":[]}"));
        world.store.next_downloads = vec![answer; 100].into();
        world.run_for(20_000);
        assert!(world.uploads().is_empty(), "{answer:?}");
    }
}

#[test]
fn a_missing_or_empty_list_is_created_on_condition() {
    for status in [404, 204] {
        let mut world = announcing_every_second(None);
        world.store.next_downloads = vec![(status, ""); 2].into();
        world.run_for(1_500);
        assert_eq!(conditions(&world), [Condition::Absent], "{status}");
        assert!(body(&world).contains(ME));
    }
}

#[test]
fn a_store_that_refuses_conditional_creation_is_written_without_condition() {
    let mut world = announcing_every_second(None);
    world.store.next_downloads = vec![(204, ""); 3].into();
    world.store.next_uploads = [412].into();
    world.run_for(1_500);
    assert_eq!(conditions(&world), [Condition::Absent, Condition::None]);
}

#[test]
fn the_etag_is_the_condition_so_another_writer_is_not_overwritten() {
    let mut world = announcing_every_second(Some(&list(&[online(C, 1)])));
    world.store.has_conditions = true;
    world.store.next_uploads = [412].into();
    world.run_for(1_050);
    world.store.version = 7;
    world.run_for(350);
    assert_eq!(conditions(&world), ["\"0\"", "\"7\""].map(|tag| Condition::Unchanged(tag.to_owned())));
    assert!(body(&world).contains(ME) && body(&world).contains(C));
}

#[test]
fn after_three_conflicts_the_next_announcement_tries_again() {
    let mut world = announcing_every(10);
    world.store.has_conditions = true;
    world.store.next_uploads = [412, 412, 412].into();
    world.run_for(10_100);
    for version in [1, 2] {
        world.store.version = version;
        world.run_for(650);
    }
    assert_eq!(world.uploads().len(), 3);
    let pauses = world.upload_pauses();
    assert!((200..=310).contains(&pauses[0]) && (400..=610).contains(&pauses[1]), "{pauses:?}");
    assert_eq!(world.logs(Severity::Error), ["Failed to upload master list to http://store/list:"]);
    world.run_for(7_000);
    assert_eq!(world.uploads().len(), 3);
    world.run_for(3_000);
    assert_eq!(world.uploads().len(), 4);
    assert!(body(&world).contains(ME));
}

#[test]
fn one_rejected_condition_changes_nothing() {
    for status in [400, 405, 501] {
        let mut world = announcing_every(10);
        world.store.has_conditions = true;
        world.store.next_uploads = [status].into();
        world.run_for(12_000);
        assert_eq!(conditions(&world), vec![Condition::Unchanged("\"0\"".to_owned()); 2], "{status}");
        assert!(body(&world).contains(ME));
        world.receive(&[(A, EPOCH)], &[]);
        world.run_for(10_000);
        assert_eq!(conditions(&world)[2..], [Condition::Unchanged("\"1\"".to_owned())], "{status}");
        assert!(world.logs(Severity::Error).is_empty(), "{:?}", world.logs(Severity::Error));
    }
}

#[test]
fn a_store_without_conditions_is_written_unconditionally_for_an_hour() {
    for status in [400, 405, 501] {
        let mut world = announcing_every(600);
        world.store.has_conditions = true;
        world.store.next_uploads = [status, status].into();
        world.run_for(602_000);
        assert_eq!(conditions(&world)[2..], [Condition::None], "{status}");
        for (minutes, expected) in [(30, Condition::None), (40, Condition::Unchanged("\"2\"".to_owned()))] {
            world.run_for(minutes * 60_000);
            let newcomer = if minutes == 30 { A } else { B };
            world.find_alive(newcomer);
            world.run_for(602_000);
            assert_eq!(conditions(&world)[0], expected, "{status} after {minutes} min");
        }
    }
}

#[test]
fn different_rejections_do_not_show_a_store_without_conditions() {
    let mut world = announcing_every(10);
    world.store.has_conditions = true;
    world.store.next_uploads = [400, 501, 400, 400].into();
    world.run_for(15_000);
    assert_eq!(conditions(&world), vec![Condition::Unchanged("\"0\"".to_owned()); 3]);
    assert_eq!(world.logs(Severity::Error).len(), 1);
}

#[test]
fn a_store_that_rejects_the_upload_itself_keeps_its_conditions() {
    let mut world = announcing_every(10);
    world.store.has_conditions = true;
    world.store.next_uploads = [400, 400, 400].into();
    world.run_for(15_000);
    assert_eq!(conditions(&world)[2..], [Condition::None]);
    assert_eq!(world.logs(Severity::Error).len(), 1);
    world.run_for(10_000);
    assert_eq!(conditions(&world)[3..], [Condition::Unchanged("\"0\"".to_owned())]);
}

#[test]
fn an_etag_unchanged_after_a_conflict_is_useless() {
    let mut world = announcing_every(10);
    world.store.has_conditions = true;
    world.store.has_useless_tags = true;
    world.run_for(12_000);
    assert_eq!(conditions(&world), [Condition::Unchanged("\"0\"".to_owned()), Condition::None]);
    world.receive(&[(A, EPOCH)], &[]);
    world.run_for(10_000);
    assert_eq!(conditions(&world)[2..], [Condition::Unchanged("\"1\"".to_owned()), Condition::None]);
    assert!(body(&world).contains(A));
    assert_eq!(world.logs(Severity::Warning).iter().filter(|line| line.contains("ETag")).count(), 1);
}

#[test]
fn transient_errors_are_retried() {
    for status in [409, 429, 500, 502, 503, 504] {
        let mut world = announcing_every(60);
        world.store.has_conditions = true;
        world.store.next_uploads = vec![status; 4].into();
        world.run_for(66_000);
        let pauses = world.upload_pauses();
        assert_eq!(pauses.len(), 4, "{status}: {pauses:?}");
        for (pause, least) in pauses.iter().zip([200, 400, 800, 1_600]) {
            assert!((least..=least * 3 / 2 + 10).contains(pause), "{status}: {pauses:?}");
        }
        assert!(body(&world).contains(ME));
    }
}

#[test]
fn a_list_removed_in_between_is_created() {
    let mut world = announcing_every(10);
    world.store.has_conditions = true;
    world.store.next_uploads = [404].into();
    world.run_for(10_100);
    world.store.body = None;
    world.run_for(500);
    assert_eq!(conditions(&world), [Condition::Unchanged("\"0\"".to_owned()), Condition::Absent]);
    assert!(body(&world).contains(ME));
}

#[test]
fn retry_after_is_honoured() {
    let mut world = announcing_every(60);
    world.store.next_uploads = [429].into();
    world.store.retry_after = Some(std::time::Duration::from_secs(20));
    world.run_for(79_000);
    assert_eq!(world.uploads().len(), 1);
    world.run_for(3_000);
    assert_eq!(world.uploads().len(), 2);
    // A pause beyond the next announcement postpones that.
    world.find_alive(A);
    world.store.next_uploads = [429].into();
    world.store.retry_after = Some(std::time::Duration::from_secs(300));
    world.run_for(330_000);
    assert_eq!(world.uploads().len(), 1);
    world.run_for(80_000);
    assert_eq!(world.uploads().len(), 2);
}

#[test]
fn a_permanent_error_waits_for_the_next_announcement() {
    let mut world = announcing_every(10);
    world.store.next_uploads = [403].into();
    world.run_for(19_000);
    assert_eq!(world.uploads().len(), 1);
    world.run_for(2_000);
    assert_eq!(world.uploads().len(), 2);
}

#[test]
fn two_resources_are_written_without_conditions() {
    let mut world = World::with(|config| {
        config.master_list.update_url = "http://store/upload".to_owned();
        config.master_list.announce_minimum = std::time::Duration::from_secs(1);
        config.master_list.announce_interval = std::time::Duration::ZERO;
    });
    world.store.has_conditions = true;
    world.run_for(1_500);
    assert_eq!(conditions(&world), [Condition::None]);
}

#[test]
fn only_servers_with_tombstones_are_removed_from_the_list() {
    let by_hand = r#"{"baseUrl":"http://by-hand/","lastUpdate":0,"note":"keep"}"#;
    let odd =
        [r#"{"odd":[1,{"deep":null}]}"#, r#"{"baseUrl":"ftp://x/","lastUpdate":1}"#, r#"{"baseUrl":5}"#];
    let far = r#"{"baseUrl":"http://far/","lastUpdate":9e15}"#;
    let mut all = vec![online(A, 1), online(B, EPOCH + 9), by_hand.to_owned(), far.to_owned()];
    all.extend(odd.map(str::to_owned));
    let mut world = announcing_every_second(Some(&list(&all)));
    world.receive(&[], &[(A, EPOCH), (B, EPOCH)]);
    world.run_for(1_400);
    let written = body(&world);
    assert!(!written.contains(A), "{written}");
    for kept in odd.iter().chain([&B, &"http://by-hand/", &far, &ME]) {
        assert!(written.contains(kept), "{kept} in {written}");
    }
    assert!(!written.contains("offline"));
}

#[test]
fn a_comeback_to_be_verified_stays_on_the_list() {
    let mut world = announcing_every_second(None);
    world.find_dead(A);
    let claim = world.wall() + 60_000;
    world.store.body = Some(list(&[online(A, claim)]));
    world.run_for(2_000);
    assert!(!world.is_online(A));
    assert!(body(&world).contains(A));
}

#[test]
fn a_server_is_on_the_list_once_whatever_its_spellings() {
    let mut world = announcing_every_second(Some(&list(&[
        online("http://ME:80", 5),
        online(ME, 6),
        online("HTTP://A", 1),
        online(A, 2),
    ])));
    world.receive(&[(A, EPOCH)], &[]);
    world.run_for(1_500);
    assert_eq!(body(&world).matches(ME).count(), 1);
    assert_eq!(body(&world).matches("baseUrl").count(), 2);
}

#[test]
fn an_unchanged_list_is_not_written() {
    let mut world = announcing_every_second(None);
    world.run_for(600_000);
    assert!(world.downloads().len() > 500);
    assert_eq!(world.uploads().len(), 1);
}

#[test]
fn a_server_renews_its_own_entry_when_it_is_an_hour_old() {
    let mut world = announcing_every_second(None);
    world.run_for(4 * 3_600_000 + 60_000);
    assert_eq!(world.uploads().len(), 5);
}

#[test]
fn a_drained_server_removes_itself_and_returns() {
    let mut world = announcing_every_second(None);
    world.run_for(1_500);
    world.drain();
    world.run_for(1_500);
    assert!(!body(&world).contains(ME));
    world.bring_back();
    world.run_for(1_500);
    assert!(body(&world).contains(ME));
}

#[test]
fn a_server_known_to_be_dead_is_removed_whatever_its_stamp() {
    let mut world = announcing_every_second(None);
    world.find_dead(A);
    let two_days_ahead = world.wall() + 2 * 24 * 60 * 60 * 1_000;
    world.store.body = Some(list(&[online(A, two_days_ahead), online(B, two_days_ahead)]));
    world.run_for(2_000);
    assert!(!body(&world).contains(A), "{}", body(&world));
    assert!(body(&world).contains(B), "{}", body(&world));
}

#[test]
fn stamps_that_others_reject_are_rewritten() {
    let mut world = announcing_every_second(Some("{\"online\":[]}"));
    world.set_fake(A, Fake::Online);
    world.find_alive(A);
    let two_days_ahead = world.wall() + 2 * 24 * 60 * 60 * 1_000;
    for far in [ME, A] {
        let entries = [ME, A].map(|url| online(url, if url == far { two_days_ahead } else { world.wall() }));
        world.store.body = Some(list(&entries));
        world.run_for(2_000);
        assert!(!body(&world).contains(&two_days_ahead.to_string()), "{far} in {}", body(&world));
    }
}
