use std::collections::BTreeMap;

use super::*;

fn complete() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (SECRET, "s".to_owned()),
        (CONTROL_SECRET, "c".to_owned()),
        (MASTER_LIST, "https://store/list?sig=a%2Fb".to_owned()),
        (MASTER_LIST_UPDATE, "https://store/list?put=1".to_owned()),
        (MASTER_LIST_UPDATE_AUTH, "Bearer t".to_owned()),
        (BASE_URL, "http://h:1/".to_owned()),
    ])
}

fn read(variables: &BTreeMap<&'static str, String>) -> Result<(Config, Vec<String>), ConfigError> {
    Config::from_variables(|name| variables.get(name).cloned())
}

fn with(name: &'static str, value: &str) -> Result<(Config, Vec<String>), ConfigError> {
    let mut variables = complete();
    variables.insert(name, value.to_owned());
    read(&variables)
}

#[test]
fn required_variables_are_missed_in_order() {
    let mut variables = BTreeMap::new();
    for name in REQUIRED {
        assert_eq!(
            read(&variables).unwrap_err().to_string(),
            format!("Environment variable {name} is required")
        );
        variables.insert(name, "  ".to_owned());
        assert_eq!(read(&variables).unwrap_err(), ConfigError::Missing { variable: name });
        variables.insert(name, complete()[name].clone());
    }
    assert!(read(&variables).is_ok());
}

#[test]
fn defaults_are_the_documented_ones() {
    let (config, warnings) = read(&complete()).unwrap();
    assert_eq!(config.gossip_interval, Duration::from_secs(30));
    assert_eq!(config.probe_interval, Some(Duration::from_secs(1)));
    assert_eq!(config.master_list.announce_minimum, Duration::from_secs(300));
    assert_eq!(config.master_list.announce_interval, Duration::from_secs(600));
    assert!(!config.monitor && !config.master_list.update_on_shutdown);
    assert!(warnings.is_empty());
    assert_eq!(config.master_list.url, "https://store/list?sig=a%2Fb");
    assert!(config.master_list.is_one_resource());
}

#[test]
fn numbers_are_read_as_parse_int_does_with_decimals() {
    for (text, seconds) in
        [("30s", 30.0), ("0.5", 0.5), (" 7 ", 7.0), ("", 30.0), ("1e3", 1.0), ("+2", 2.0), ("1.2.3", 1.2)]
    {
        assert_eq!(
            with(GOSSIP_INTERVAL, text).unwrap().0.gossip_interval,
            Duration::from_secs_f64(seconds),
            "{text}"
        );
    }
    assert_eq!(with(GOSSIP_INTERVAL, "0.01").unwrap().0.gossip_interval, SHORTEST_GOSSIP_INTERVAL);
    assert_eq!(
        with(GOSSIP_INTERVAL, "99999999999999999999").unwrap().0.gossip_interval,
        Duration::from_secs(86_400)
    );
}

#[test]
fn probes_have_a_pace_or_none() {
    for (text, seconds) in [
        ("", Some(1.0)),
        ("0.5", Some(0.5)),
        ("2s", Some(2.0)),
        ("0.01", Some(0.2)),
        ("0", None),
        ("0.0s", None),
    ] {
        assert_eq!(
            with(PROBE_INTERVAL, text).unwrap().0.probe_interval,
            seconds.map(Duration::from_secs_f64),
            "{text}"
        );
    }
    assert_eq!(with(PROBE_INTERVAL, "1e9").unwrap().0.probe_interval, Some(Duration::from_secs(1)));
    assert_eq!(with(PROBE_INTERVAL, "99999999").unwrap().0.probe_interval, Some(Duration::from_secs(86_400)));
}

#[test]
fn senseless_values_are_refused_by_name() {
    for (name, text) in [
        (GOSSIP_INTERVAL, "0"),
        (GOSSIP_INTERVAL, "-1"),
        (GOSSIP_INTERVAL, "soon"),
        (GOSSIP_INTERVAL, "NaN"),
        (GOSSIP_INTERVAL, "."),
        (PROBE_INTERVAL, "-0.1"),
        (PROBE_INTERVAL, "never"),
        (MASTER_ANNOUNCE_MINIMUM, "-0.1"),
        (MASTER_ANNOUNCE_INTERVAL, "x1"),
        (BASE_URL, "h:1"),
        (BASE_URL, "http://u:p@h/"),
        (BASE_URL, "http://h/?q"),
        (MASTER_LIST, "list.json"),
        (MASTER_LIST_UPDATE, "data:,x"),
        (SECRET, "a\nb"),
        (CONTROL_SECRET, "€"),
    ] {
        let error = with(name, text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Environment variable {name} must be ")), "{error}");
        assert!(!error.contains("u:p"));
    }
}

#[test]
fn announcements_never_storm() {
    let mut variables = complete();
    variables.insert(MASTER_ANNOUNCE_MINIMUM, "0".to_owned());
    variables.insert(MASTER_ANNOUNCE_INTERVAL, "0".to_owned());
    assert_eq!(read(&variables).unwrap().0.master_list.announce_minimum, SHORTEST_ANNOUNCE_DELAY);
    variables.insert(MASTER_ANNOUNCE_INTERVAL, "2".to_owned());
    assert_eq!(read(&variables).unwrap().0.master_list.announce_minimum, Duration::ZERO);
}

#[test]
fn flags_are_true_in_any_case_and_warn_of_other_words() {
    assert!(with(MONITOR, "TRUE").unwrap().0.monitor);
    let (config, warnings) = with(MONITOR, "yes").unwrap();
    assert!(!config.monitor);
    assert!(warnings[0].contains(MONITOR));
    assert!(with(MONITOR, "False").unwrap().1.is_empty());
}

#[test]
fn a_base_url_that_nobody_else_may_reach_is_warned_of_and_taken() {
    for (url, reason) in [
        ("http://0.0.0.0:3000/", "where a server listens"),
        ("http://[::]:3000", "where a server listens"),
        ("http://169.254.3.4/", "one network segment"),
        ("http://[fe80::1]/", "one network segment"),
        ("http://0xa9fea9fe/", "metadata service"),
        ("http://239.0.0.1/", "many hosts"),
        ("http://255.255.255.255/", "all hosts"),
        ("http://h:0/", "port 0"),
    ] {
        let (_, warnings) = with(BASE_URL, url).unwrap();
        assert_eq!(warnings.len(), 1, "{url}");
        assert!(warnings[0].contains(BASE_URL) && warnings[0].contains(reason), "{warnings:?}");
    }
    for url in ["http://127.0.0.1:3000/", "http://localhost/", "http://10.0.0.1/", "http://[fd00::1]/"] {
        assert!(with(BASE_URL, url).unwrap().1.is_empty(), "{url}");
    }
}
