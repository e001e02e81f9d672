//! What values come to, and which are refused.

#![cfg(test)]

use super::*;

fn settings(pairs: &[(&str, &'static str)]) -> Result<Settings, Error> {
    typed(|keyword| pairs.iter().find(|(known, _)| *known == keyword).map(|(_, value)| *value))
}

#[test]
fn values_are_case_sensitive_as_in_libpq() {
    let error = settings(&[("sslmode", "REQUIRE")]).expect_err("case");
    assert_eq!(error.message, "invalid sslmode value: \"REQUIRE\"");
}

#[test]
fn an_empty_value_is_wrong_where_libpq_has_it_so() {
    for keyword in ["sslmode", "channel_binding", "target_session_attrs", "load_balance_hosts", "gssencmode"]
    {
        let error = settings(&[(keyword, "")]).expect_err(keyword);
        assert_eq!(error.message, format!("invalid {keyword} value: \"\""));
    }
    for keyword in
        ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_count", "tcp_user_timeout"]
    {
        let error = settings(&[(keyword, "")]).expect_err(keyword);
        assert_eq!(error.message, format!("invalid integer value \"\" for connection option \"{keyword}\""));
    }
    for keyword in ["require_auth", "requirepeer", "ssl_min_protocol_version", "sslsni"] {
        assert!(settings(&[(keyword, "")]).is_ok(), "{keyword}");
    }
}

#[test]
fn units_are_libpqs() {
    let found =
        settings(&[("tcp_user_timeout", "1500"), ("connect_timeout", " 3 "), ("keepalives_idle", "0")])
            .expect("valid");
    assert_eq!(found.tcp_user_timeout, Some(Duration::from_millis(1500)));
    assert_eq!(found.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(found.keepalives, Keepalives { enabled: true, idle: None, interval: None, count: None });
    assert_eq!(settings(&[("connect_timeout", "-1")]).expect("valid").connect_timeout, None);
    let error = settings(&[("connect_timeout", "3s")]).expect_err("unit");
    assert_eq!(error.message, "invalid integer value \"3s\" for connection option \"connect_timeout\"");
}

#[test]
fn require_auth_is_a_list_or_a_list_of_exclusions() {
    let only = settings(&[("require_auth", "md5,scram-sha-256")]).expect("valid").require_auth.expect("set");
    assert!(only.permits("md5") && only.permits("scram-sha-256"));
    assert!(!only.permits("none") && !only.permits("password"));
    let without = settings(&[("require_auth", "!password,!none")]).expect("valid").require_auth.expect("set");
    assert!(without.permits("md5") && !without.permits("none"));
    for bad in ["md5,!none", "!md5,none", "md5,md5", "nosuch", "md5,", ","] {
        assert!(settings(&[("require_auth", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn what_cannot_be_honoured_is_named() {
    for (keyword, value) in [
        ("gssencmode", "require"),
        ("scram_client_key", "x"),
        ("oauth_issuer", "x"),
        ("replication", "database"),
        ("min_protocol_version", "3.2"),
        ("ssl_max_protocol_version", "TLSv1.1"),
    ] {
        let error = settings(&[(keyword, value)]).expect_err(keyword);
        assert!(error.message.contains(keyword), "{error:?}");
    }
    for (keyword, value) in
        [("gssencmode", "prefer"), ("max_protocol_version", "3.2"), ("ssl_min_protocol_version", "tlsv1")]
    {
        assert!(settings(&[(keyword, value)]).is_ok(), "{keyword}");
    }
}

#[test]
fn weak_modes_do_not_go_with_the_systems_roots_nor_with_direct_tls() {
    assert!(settings(&[("sslmode", "require"), ("sslrootcert", "system")]).is_err());
    assert!(settings(&[("sslmode", "verify-full"), ("sslrootcert", "system")]).is_ok());
    assert!(settings(&[("sslmode", "prefer"), ("sslnegotiation", "direct")]).is_err());
    assert!(settings(&[("sslmode", "require"), ("sslnegotiation", "direct")]).is_ok());
}
