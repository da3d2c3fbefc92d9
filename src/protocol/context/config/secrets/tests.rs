use super::*;

fn set(gossip: &str, previous: &str, control: &str, previous_control: &str) -> SecretSet {
    let texts = [gossip, previous, control, previous_control, "", "", "authorization"];
    let text_of = |variable| {
        let index = SecretVariable::ALL.iter().position(|other| *other == variable).unwrap();
        texts[index]
    };
    SecretSet::read(|variable| Ok(variable.parse(text_of(variable)).unwrap())).unwrap()
}

#[test]
fn each_variable_is_replaced_alone() {
    let before = set("a", "b", "c", "d");
    for variable in SecretVariable::ALL {
        let mut after = before.clone();
        let secrets = variable.parse("new").unwrap();
        after.set(variable, secrets.clone());
        for other in SecretVariable::ALL {
            let expected = if other == variable { secrets.clone() } else { before.of(other) };
            assert_eq!(after.of(other), expected, "{variable:?} {other:?}");
        }
    }
}

#[test]
fn the_current_and_all_previous_secrets_are_accepted() {
    let set = set("new", " old \r\n\n  older\n", "control", "");
    for secret in ["new", " old", "older\t"] {
        assert!(set.gossip.accept(secret), "{secret}");
        assert!(!set.control.accept(secret), "{secret}");
    }
    for other in ["", "ol", "control", "new\nold", "old \n older"] {
        assert!(!set.gossip.accept(other), "{other}");
    }
    assert!(set.control.accept("control"));
    assert!(set.gossip.current().matches("new") && set.gossip.previous().len() == 2);
}

#[test]
fn the_read_secret_is_optional() {
    let mut set = set("a", "b", "c", "d");
    assert!(["", "a", "b", "c", "d"].iter().all(|header| !set.read.accept(header)));
    set.set(SecretVariable::Read, SecretVariable::Read.parse(" new\n").unwrap());
    set.set(SecretVariable::PreviousRead, SecretVariable::PreviousRead.parse("old\nolder").unwrap());
    assert!(["new", "old", "older"].iter().all(|header| set.read.accept(header)));
    assert!(!set.read.accept("") && !set.control.accept("new") && !set.gossip.accept("new"));
}

#[test]
fn a_repeated_secret_counts_once() {
    let set = set("new", "old\nnew\nolder\nold", "control", "");
    let distinct: Vec<_> = set.gossip.distinct().into_iter().map(Secret::expose).collect();
    assert_eq!(distinct, ["new", "old", "older"]);
}

#[test]
fn the_number_of_previous_secrets_is_limited() {
    let many = |count: usize| (0..count).map(|n| format!("secret {n}\n")).collect::<String>();
    let variable = SecretVariable::PreviousControl;
    assert_eq!(variable.parse(&many(MAX_PREVIOUS_SECRETS)).unwrap().len(), MAX_PREVIOUS_SECRETS);
    let error = variable.parse(&many(MAX_PREVIOUS_SECRETS + 1)).unwrap_err();
    assert_eq!(error, "at most 8 secrets, one per line");
}

#[test]
fn an_invalid_text_is_described_without_its_content() {
    for variable in SecretVariable::ALL {
        let error = variable.parse_file("hunter2 €").unwrap_err();
        assert!(error.contains("HTTP header") && !error.contains("hunter2"), "{error}");
    }
    assert!(SecretVariable::Gossip.parse("two\nlines").is_err());
    assert_eq!(SecretVariable::PreviousGossip.parse("two\nlines").unwrap().len(), 2);
}

#[test]
fn only_previous_secrets_may_be_empty() {
    for variable in SecretVariable::ALL {
        let outcome = variable.parse_file(" \r\n ");
        if variable.is_list() {
            assert_eq!(outcome, Ok(Vec::new()));
        } else {
            assert_eq!(outcome, Err("it is empty".to_owned()));
        }
    }
}

#[test]
fn weak_previous_secrets_cause_warnings_by_name() {
    let long = |letter: &str| letter.repeat(16);
    assert_eq!(set(&long("a"), &long("b"), &long("c"), &long("d")).warnings(), [""; 0]);
    let warnings = set(&long("a"), &long("c"), &long("c"), "short\n").warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("SHAZBOT_SECRET_PREVIOUS shares a secret with SHAZBOT_CONTROL_SECRET:"));
    assert!(warnings[1].contains("SHAZBOT_CONTROL_SECRET_PREVIOUS has a secret shorter than 16"));
    let mut set = set(&long("a"), "", &long("c"), "");
    set.set(SecretVariable::Read, SecretVariable::Read.parse(&long("c")).unwrap());
    set.set(SecretVariable::PreviousRead, SecretVariable::PreviousRead.parse(&long("a")).unwrap());
    let warnings = set.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("SHAZBOT_READ_SECRET_PREVIOUS shares a secret with SHAZBOT_SECRET: whoever")
    );
    assert!(warnings[1].contains("SHAZBOT_READ_SECRET equals SHAZBOT_CONTROL_SECRET: whoever may look"));
}
