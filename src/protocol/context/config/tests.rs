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
fn an_error_names_all_missing_variables_in_order() {
    let mut variables = BTreeMap::new();
    for (index, name) in REQUIRED.into_iter().enumerate() {
        for missing in ["", "  "] {
            variables.insert(name, missing.to_owned());
            let error = read(&variables).unwrap_err();
            assert_eq!(error.to_string(), format!("Environment variable {name} is required"));
            assert_eq!(error, ConfigError::Missing { variables: REQUIRED[index..].to_vec() });
        }
        variables.insert(name, complete()[name].clone());
    }
    assert!(read(&variables).is_ok());
}

#[test]
fn an_error_about_a_url_shows_the_url_and_the_broken_rule() {
    let long = format!("http://h/{}", "x".repeat(600));
    for (name, text, expected) in [
        (BASE_URL, "10.0.0.7:3000", "a URL such as https://10.0.0.7:3000/, not \"10.0.0.7:3000\""),
        (BASE_URL, "ftp://h/", "an http or https URL, not \"ftp://h/\""),
        (BASE_URL, "http://u:pw@h/", "a URL without credentials, not \"http://…@h/\""),
        (BASE_URL, "http://h/?key=pw", "a URL without a query, not \"http://h/?…\""),
        (BASE_URL, "http://h/#pw", "a URL without a fragment, not \"http://h/#…\""),
        (BASE_URL, &long, "a URL of at most 512 bytes, not \"http://h/xxx"),
        (MASTER_LIST, "list.json?key=pw", "an http, https or data URL, not \"list.json?…\""),
        (MASTER_LIST, "http://h:99999/", "a URL with a port of at most 65535, not \"http://h:99999/\""),
        (BASE_URL, "http://h:99999/", "a URL with a port of at most 65535, not \"http://h:99999/\""),
        (MASTER_LIST, "https://", "a URL with a host, not \"https:"),
        (MASTER_LIST, "http://1.2.3.256/", "a URL with a valid host, not \"http://1.2.3.256/\""),
        (MASTER_LIST_UPDATE, "data:,pw", "an http or https URL, not \"data:…\""),
    ] {
        let error = with(name, text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Environment variable {name} must be {expected}")), "{error}");
        assert!(!error.contains("pw"), "{error}");
        assert!(error.chars().count() < 400, "{error}");
    }
}

#[test]
fn a_secret_in_place_of_a_url_is_not_shown() {
    let mut variables = complete();
    variables.insert(SECRET, "correct horse".to_owned());
    for text in ["correct horse", "c", "ftp://h/correct horse/", "ftp://h/correct"] {
        variables.insert(MASTER_LIST, text.to_owned());
        let error = read(&variables).unwrap_err().to_string();
        assert!(!error.contains("correct") && !error.contains("\"c\""), "{error}");
    }
}

#[test]
fn probable_mistakes_cause_warnings() {
    for (name, text, usual) in [
        (GOSSIP_INTERVAL, "30000", "3600"),
        (PROBE_INTERVAL, "1000ms", "300"),
        (MASTER_ANNOUNCE_MINIMUM, "300000", "86400"),
        (MASTER_ANNOUNCE_INTERVAL, "600000", "86400"),
        (BASE_URL, "http://h:1/clustershazbot", "http://h:1/app/"),
        (BASE_URL, "http://h:1/app/clustershazbot/", "http://h:1/clustershazbots/"),
        (MONITOR, "1", "true"),
    ] {
        let warnings = with(name, text).unwrap().1;
        assert_eq!(warnings.len(), 1, "{name}={text}: {warnings:?}");
        assert!(warnings[0].starts_with(&format!("Clustershazbot: environment variable {name} ")));
        assert!(with(name, usual).unwrap().1.is_empty(), "{name}={usual}");
    }
}

#[test]
fn equal_or_short_secrets_cause_warnings_by_name() {
    let warnings = |secret: &str, control_secret: &str| {
        let mut variables = complete();
        variables.insert(SECRET, secret.to_owned());
        variables.insert(CONTROL_SECRET, control_secret.to_owned());
        read(&variables).unwrap().0.secrets.warnings()
    };
    assert!(warnings("0123456789abcdef", " 0123456789abcdeF ").is_empty());
    let equal = warnings("0123456789abcdef", "0123456789abcdef\n");
    assert!(equal.len() == 1 && equal[0].contains("SHAZBOT_SECRET equals SHAZBOT_CONTROL_SECRET"));
    let short = warnings("0123456789abcde", "schlüsselchens16");
    assert!(short.len() == 1 && short[0].contains("SHAZBOT_SECRET is shorter than 16"), "{short:?}");
    let both = warnings("pw", "pw");
    assert!(both.len() == 3 && both.iter().all(|warning| !warning.contains("pw")), "{both:?}");
}

/// Reads the variables, where files have the content that their path names.
fn read_with_files(variables: &BTreeMap<&'static str, String>) -> Result<Config, ConfigError> {
    let file = |path: &str| {
        if path == "absent" { Err("it cannot be read (gone)".to_owned()) } else { Ok(path.to_owned()) }
    };
    Config::read(|name| variables.get(name).cloned(), file).map(|(config, _)| config)
}

#[test]
fn each_secret_may_be_in_a_file() {
    for variable in SecretVariable::ALL {
        let mut variables = complete();
        variables.remove(variable.name());
        variables.insert(variable.file_name(), "from a file".to_owned());
        let config = read_with_files(&variables).unwrap();
        assert_eq!(config.secrets.of(variable), variable.parse("from a file").unwrap());
        assert_eq!(config.secret_files, [SecretFile { variable, path: "from a file".to_owned() }]);
    }
    let (config, _) = read(&complete()).unwrap();
    assert!(config.secret_files.is_empty() && config.secrets.gossip.previous().is_empty());
}

#[test]
fn an_error_about_a_file_names_its_variable_and_not_its_path() {
    for variable in SecretVariable::ALL {
        let (name, file_name) = (variable.name(), variable.file_name());
        let mut variables = complete();
        variables.remove(name);
        for (path, reason) in
            [("absent", "it cannot be read (gone)"), ("h\u{0}unter2", "its content must be ")]
        {
            variables.insert(file_name, path.to_owned());
            let error = read_with_files(&variables).unwrap_err().to_string();
            let expected = format!(
                "Environment variable {file_name} must be the path of a file for {name}, but {reason}"
            );
            assert!(error.starts_with(&expected), "{error}");
            assert!(!error.contains("unter2"), "{error}");
        }
        variables.insert(name, "x".to_owned());
        let error = read_with_files(&variables).unwrap_err().to_string();
        assert_eq!(error, format!("Environment variable {file_name} must be unset if {name} is set"));
        variables.insert(name, " ".to_owned());
        variables.insert(file_name, "x".to_owned());
        assert!(read_with_files(&variables).is_ok(), "an empty variable is not set");
    }
}

#[test]
fn no_error_shows_a_secret_of_a_file() {
    let mut variables = complete();
    variables.insert(SecretVariable::PreviousControl.file_name(), "first one\ncorrect horse".to_owned());
    variables.insert(MASTER_LIST, "ftp://h/correct horse/".to_owned());
    let error = read_with_files(&variables).unwrap_err().to_string();
    assert!(error.contains(MASTER_LIST) && !error.contains("correct"), "{error}");
}

#[test]
fn an_invalid_pattern_is_rejected_by_name() {
    for (text, expected) in [
        ("10.0.0.0/8 h:0", "patterns with a port from 1 to 65535, or without one, not \"h:0\""),
        ("ftp://h", "patterns with the scheme http:// or https://, or without one, not \"ftp://h\""),
        ("10.0.0.1/8", "networks such as 10.0.0.0/8 or [fd00::]/8, without bits after the prefix, not \""),
        ("https://u:pw@h:1", "patterns such as 10.0.0.0/8, [fd00::1], web-1:3000"),
        ("a.*", "patterns with * only alone or before a name, as in *.example.com, not \"a.*\""),
        (&"h ".repeat(257), "at most 256 patterns"),
    ] {
        let error = with(ALLOW, text).unwrap_err().to_string();
        let expected = format!("Environment variable SHAZBOT_ALLOW must be {expected}");
        assert!(error.starts_with(&expected) && !error.contains("pw"), "{error}");
    }
}

#[test]
fn without_patterns_every_server_is_allowed() {
    for text in ["", " \n"] {
        assert_eq!(with(ALLOW, text).unwrap().0.allowed, None);
    }
    let (config, warnings) = with(ALLOW, "10.0.0.0/8\nh").unwrap();
    assert!(config.allowed.is_some() && warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_list_that_does_not_allow_the_server_itself_causes_a_warning() {
    // A name may resolve to an allowed address.
    for (text, count) in [("other", 1), ("h:2", 1), ("https://h", 1), ("10.0.0.0/8", 0), ("http://h:1", 0)] {
        let warnings = with(ALLOW, text).unwrap().1;
        assert_eq!(warnings.len(), count, "{text}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("SHAZBOT_ALLOW does not allow")));
    }
}

#[test]
fn there_are_three_log_levels() {
    for level in ["", "info", "WARN", " silent\n"] {
        assert!(with(LOG, level).is_ok(), "{level}");
    }
    let error = with(LOG, "debug").unwrap_err().to_string();
    assert_eq!(error, "Environment variable SHAZBOT_LOG must be info, warn or silent");
}

#[test]
fn defaults_are_as_documented() {
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
fn numbers_are_parsed_like_parse_int_with_decimals() {
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
fn a_probe_interval_of_zero_turns_probes_off() {
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
fn invalid_values_are_rejected_by_name() {
    for (name, text) in [
        (GOSSIP_INTERVAL, "0"),
        (GOSSIP_INTERVAL, "-1"),
        (GOSSIP_INTERVAL, "soon"),
        (GOSSIP_INTERVAL, "NaN"),
        (GOSSIP_INTERVAL, "."),
        (PROBE_INTERVAL, "-0.1"),
        (PROBE_INTERVAL, "never"),
        (MAX_SERVERS, "99"),
        (MAX_SERVERS, "100001"),
        (MAX_SERVERS, "100,000"),
        (MAX_SERVERS, "100_000"),
        (MAX_SERVERS, "5000.5"),
        (MAX_SERVERS, "1e5"),
        (MAX_SERVERS, "-200"),
        (MAX_SERVERS, "many"),
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
fn the_number_of_servers_can_only_be_lowered() {
    for (text, servers) in [("", 100_000), ("100", 100), (" 5000 ", 5_000), ("100000", 100_000)] {
        assert_eq!(with(MAX_SERVERS, text).unwrap().0.max_servers, servers, "{text:?}");
    }
    let error = with(MAX_SERVERS, "99").unwrap_err().to_string();
    assert!(error.ends_with("must be a whole number from 100 to 100000"), "{error}");
}

#[test]
fn announcements_have_a_minimum_delay() {
    let mut variables = complete();
    variables.insert(MASTER_ANNOUNCE_MINIMUM, "0".to_owned());
    variables.insert(MASTER_ANNOUNCE_INTERVAL, "0".to_owned());
    assert_eq!(read(&variables).unwrap().0.master_list.announce_minimum, SHORTEST_ANNOUNCE_DELAY);
    variables.insert(MASTER_ANNOUNCE_INTERVAL, "2".to_owned());
    assert_eq!(read(&variables).unwrap().0.master_list.announce_minimum, Duration::ZERO);
}

#[test]
fn flags_ignore_case_and_other_words_cause_warnings() {
    assert!(with(MONITOR, "TRUE").unwrap().0.monitor);
    let (config, warnings) = with(MONITOR, "yes").unwrap();
    assert!(!config.monitor);
    assert!(warnings[0].contains(MONITOR));
    assert!(with(MONITOR, "False").unwrap().1.is_empty());
}

#[test]
fn an_unreachable_base_url_is_accepted_with_a_warning() {
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
