//! The owners of keys.

use std::fs;
use std::path::Path;

use super::super::support::parts::{Parts, at};
use crate::protocol::members::Members;
use crate::protocol::owners::{KeyNumber, Owners};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::status::{Control, Status};

const KEYS: usize = 2_000;
/// The share of keys that may differ from the expected one, which is over four standard deviations.
const TOLERANCE: f64 = 0.04;

fn key(number: usize) -> KeyNumber {
    KeyNumber::of(&format!("session:{number}"))
}

/// The URLs in the order in which they would own a key.
fn ranking(owners: &mut Owners, members: &Members, key: KeyNumber) -> Vec<String> {
    let first = owners.first(members, key, usize::MAX);
    first.into_iter().map(|entry| entry.base_url.to_string()).collect()
}

/// The owner of each key.
fn owners_of_all(owners: &mut Owners, members: &Members) -> Vec<String> {
    (0..KEYS)
        .map(|number| owners.first(members, key(number), 1).pop().unwrap().base_url.to_string())
        .collect()
}

fn cluster(others: usize) -> Parts {
    let mut parts = Parts::native();
    for number in 0..others {
        parts.add(&format!("http://other-{number}/"), Status::Online, 0);
    }
    parts
}

#[test]
fn a_server_that_goes_or_comes_moves_its_keys_only() {
    let mut parts = cluster(9);
    let mut owners = Owners::default();
    let before = owners_of_all(&mut owners, &parts.members);
    parts.members.roster.transition("http://other-3/", Status::Dead, at(1));
    let without = owners_of_all(&mut owners, &parts.members);
    let mut moved = 0;
    for (before, after) in before.iter().zip(&without) {
        assert_ne!(after, "http://other-3/");
        assert!(before == after || before == "http://other-3/", "{before} {after}");
        moved += usize::from(before != after);
    }
    assert!((moved as f64 / KEYS as f64 - 0.1).abs() < TOLERANCE, "{moved} of {KEYS} have moved");
    parts.members.roster.transition("http://other-3/", Status::Online, at(2));
    assert_eq!(owners_of_all(&mut owners, &parts.members), before);
}

#[test]
fn each_server_owns_its_share() {
    let parts = cluster(9);
    let all = owners_of_all(&mut Owners::default(), &parts.members);
    for (identity, _) in parts.members.roster.iter() {
        let share = all.iter().filter(|owner| **owner == *identity).count() as f64 / KEYS as f64;
        assert!((share - 0.1).abs() < TOLERANCE, "{identity} owns {share}");
    }
}

#[test]
fn a_server_owns_what_it_is_the_first_for() {
    let parts = cluster(3);
    let mut owners = Owners::default();
    let all = owners_of_all(&mut owners, &parts.members);
    for (number, owner) in all.iter().enumerate() {
        assert_eq!(owners.owns(&parts.members, key(number)), owner == "http://me/");
    }
    assert!(all.iter().any(|owner| owner == "http://me/"));
}

#[test]
fn only_servers_shown_online_own_keys() {
    let mut parts = cluster(3);
    let mut owners = Owners::default();
    for (url, status) in
        [("http://suspect/", Status::Suspect), ("http://dead/", Status::Dead), ("http://left/", Status::Left)]
    {
        parts.add(url, status, 0);
    }
    let online = |owners: &mut Owners, members: &Members| {
        let mut urls = ranking(owners, members, key(1));
        urls.sort_unstable();
        urls
    };
    let mut expected =
        vec!["http://me/", "http://other-0/", "http://other-1/", "http://other-2/", "http://suspect/"];
    assert_eq!(online(&mut owners, &parts.members), expected);
    parts.members.roster.remove("http://other-0/", at(1));
    expected.remove(1);
    assert_eq!(online(&mut owners, &parts.members), expected);
    parts.members.local.control(Control::Drain, at(2));
    expected.remove(0);
    assert_eq!(online(&mut owners, &parts.members), expected);
    assert!((0..KEYS).all(|number| !owners.owns(&parts.members, key(number))));
    parts.members.local.control(Control::Return, at(3));
    expected.insert(0, "http://me/");
    assert_eq!(online(&mut owners, &parts.members), expected);
}

#[test]
fn a_drained_server_alone_leaves_keys_without_an_owner() {
    let mut parts = cluster(0);
    let mut owners = Owners::default();
    assert!(owners.owns(&parts.members, key(1)));
    parts.members.local.control(Control::Drain, at(1));
    assert!(!owners.owns(&parts.members, key(1)));
    assert!(owners.first(&parts.members, key(1), 5).is_empty());
}

/// The rows of a table in `docs/owners.md`, whose first cell matches.
fn rows(is_row: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/owners.md");
    let document = fs::read_to_string(path).unwrap();
    let cells = |line: &str| -> Option<Vec<String>> {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(line.split(" | ").map(|cell| cell.trim_matches('`').to_owned()).collect())
    };
    document.lines().filter_map(cells).filter(|cells| is_row(&cells[0])).collect()
}

/// Reads a JSON string, with U+FFFD in place of lone surrogates, which no `String` can contain.
fn read_key(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| {
        let is_high_or_low = |at: usize| json[at..].starts_with("\\ud");
        let surrogates: Vec<usize> = (0..json.len()).filter(|at| is_high_or_low(*at)).collect();
        let mut text = json.to_owned();
        for at in surrogates {
            text.replace_range(at..at + "\\ud800".len(), "\\ufffd");
        }
        serde_json::from_str(&text).unwrap()
    })
}

#[test]
fn the_document_shows_the_vectors() {
    let servers = rows(|cell| cell.parse::<usize>().is_ok());
    let mut parts = cluster(0);
    parts.members.local.control(Control::Drain, at(1));
    for row in &servers {
        assert_eq!(**BaseUrl::parse(&row[1]).unwrap().identity(), row[2]);
        parts.add(&row[1], Status::Online, 0);
    }
    let vectors = rows(|cell| cell.starts_with('"'));
    assert_eq!(vectors.len(), 50);
    let mut owners = Owners::default();
    for row in vectors {
        let key = KeyNumber::of(&read_key(&row[0]));
        assert_eq!(format!("{key:?}"), format!("KeyNumber({})", u64::from_str_radix(&row[1], 16).unwrap()));
        let order = ranking(&mut owners, &parts.members, key);
        let number = |url: &String| {
            let identity = BaseUrl::parse(url).unwrap().identity().to_string();
            (servers.iter().position(|row| row[2] == identity).unwrap() + 1).to_string()
        };
        assert_eq!(order.iter().map(number).collect::<Vec<_>>().join(" "), row[2], "{}", row[0]);
    }
}
