//! How extensions are written and read.

use super::*;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Stamp};

fn claim(url: &str, status: Status) -> Claim {
    Claim {
        base_url: url.into(),
        status,
        incarnation: Incarnation(7),
        last_update: Stamp(1_700_000_000_000),
        monitor: true,
        age: 0,
        accusers: Accusers::default(),
    }
}

fn full() -> Extension {
    let suspect = Claim { accusers: [1, 2].into_iter().collect(), ..claim("http://s/", Status::Suspect) };
    Extension {
        me: claim("http://a/", Status::Online),
        instance: u64::MAX,
        kind: Kind::Sync(Some(Box::new([5; BUCKETS]))),
        living: 3,
        hash: 0x0f,
        lag: 12,
        claims: vec![suspect, Claim { age: 60, ..claim("http://d/", Status::Dead) }],
        malformed: 0,
        fresh: vec![0, 1],
        found: Some(("http://f/".into(), Finding::PortClosed)),
        elsewhere: vec!["http://e/".into()],
        clock: Some(Stamp(1_700_000_000_000)),
        siblings: true,
        epoch: 8,
    }
}

#[test]
fn a_signed_payload_omits_what_its_signature_says() {
    let signed = full().to_signed_json("http://a/");
    assert!(signed.starts_with(r#"{"me":["","alive",7,1700000000000,1],"kind":"sync""#), "{signed}");
    assert_eq!(Extension::read_signed(&signed, "http://a/", u64::MAX), Some(full()));
    assert_eq!(Extension::read(&signed), None);
    let spelt = full().to_signed_json("http://other/");
    assert_eq!(Extension::read_signed(&spelt, "http://other/", u64::MAX), Some(full()));
}

#[test]
fn a_written_extension_is_read_back() {
    let all = [Kind::Push, Kind::Probe, Kind::ProbeFor("http://t/".into()), Kind::Sync(None), full().kind];
    for kind in all {
        let extension = Extension { kind, ..full() };
        assert_eq!(Extension::read(&extension.to_json()), Some(extension));
    }
}

#[test]
fn claims_are_compact_and_readable() {
    assert_eq!(
        serde_json::to_string(&full().claims).unwrap(),
        r#"[["http://s/","suspect",7,1700000000000,1,[1,2]],["http://d/","dead",7,1700000000000,1,60]]"#
    );
}

#[test]
fn additions_of_later_versions_are_ignored() {
    let text = r#"{"me":["http://a/","alive",7,5,0,{},"more"],"id":"1","kind":"waltz","new":[{}],
        "claims":[["http://b/","zombie",1,1,0],["http://c/","left",1,1,0,9,9],null,["http://d/"],[]]}"#;
    let read = Extension::read(text).unwrap();
    assert_eq!(read.kind, Kind::Other);
    assert_eq!((read.claims.len(), read.malformed), (1, 4));
    assert_eq!(read.claims[0].age, 9);
}

#[test]
fn different_notations_give_the_same_extension() {
    let plain = r#"{"me":["http://a/","alive",7,5,1],"id":"f","kind":"probe-for","living":3,"hash":"a","lag":2,
        "target":"http://t/","found":["http://f/","alive"],"fresh":[1,0],
        "claims":[["http://s/","suspect",7,5,0,[1]],["http://d/","dead",7,5,0,60],["http://e/","suspect",7,5,0,null]]}"#;
    let odd = r#"{"me":["http:\/\/a/","al\u0069ve",7.0,0.5e1,1.0],"id":"\u0066","kind":"probe\u002dfor","living":3e0,
        "hash":"\u0061","lag":20e-1,"t\u0061rget":"http://\u0074/","found":["http://f/","\u0061live"],"fresh":[1.0,-0],
        "claims":[["http://s/","\u0073uspect",7,5,0,[1.0]],["http://d/","de\u0061d",7,5,-0,6e1],
            ["http://e/","suspect",7,5,0,1e400]]}"#;
    assert_eq!(Extension::read(plain).unwrap().claims.len(), 3);
    assert_eq!(Extension::read(odd), Extension::read(plain));
}

#[test]
fn malformed_extensions_are_ignored() {
    for text in [
        "",
        "null",
        "1",
        "[]",
        "{}",
        r#"{"me":[],"id":"1","kind":"push"}"#,
        r#"{"me":["http://a/","alive",-1,5,0],"id":"1","kind":"push"}"#,
    ] {
        assert_eq!(Extension::read(text), None, "{text}");
    }
}
