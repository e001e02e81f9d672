//! The settings that steer connecting, validated and typed. Spelling and messages are libpq's
//! (`pqConnectOptions2`): values are case-sensitive.

use super::Error;
use std::time::Duration;

/// `sslmode`, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    /// Never TLS.
    Disable,
    /// Plaintext first, then TLS.
    Allow,
    /// TLS first, then plaintext.
    Prefer,
    /// TLS; the certificate is checked only when there is a root certificate.
    Require,
    /// TLS, and the certificate's chain is checked.
    VerifyCa,
    /// TLS, and the chain and the host name are checked.
    VerifyFull,
}

/// `channel_binding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelBinding {
    /// Never.
    Disable,
    /// When the server offers it.
    Prefer,
    /// Or no connection.
    Require,
}

/// `sslnegotiation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslNegotiation {
    /// Ask in PostgreSQL's protocol first.
    Postgres,
    /// TLS from the first byte (17+).
    Direct,
}

/// `sslcertmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslCertMode {
    /// Never send a client certificate.
    Disable,
    /// Send one when there is one and the server asks.
    Allow,
    /// The server must ask for one.
    Require,
}

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetSession {
    /// Any server.
    Any,
    /// Sessions that can write.
    ReadWrite,
    /// Sessions that cannot write.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// A standby if one can be had, else any.
    PreferStandby,
}

/// `load_balance_hosts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadBalance {
    /// In the order given.
    Disable,
    /// Shuffled.
    Random,
}

/// A TLS version as `ssl_min_protocol_version` names it; older than 1.2 only ever as a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    /// 1.0 or 1.1, which pgconn never speaks.
    Older,
    /// 1.2
    V1_2,
    /// 1.3
    V1_3,
}

/// `require_auth`: the authentication methods that the server may use, by libpq's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequireAuth {
    /// The setting as written, for messages.
    pub(crate) text: String,
    negated: bool,
    methods: Vec<String>,
}

impl RequireAuth {
    /// Whether the server may ask for `method` (`none` is no authentication at all).
    pub(crate) fn permits(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method) != self.negated
    }

    fn parse(text: &str) -> Result<Option<Self>, Error> {
        const METHODS: [&str; 7] = ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"];
        if text.is_empty() {
            return Ok(None);
        }
        let negated = text.starts_with('!');
        let mut methods = Vec::new();
        for word in text.split(',') {
            let (is_negated, method) = word.strip_prefix('!').map_or((false, word), |method| (true, method));
            if is_negated != negated {
                let problem = if is_negated { "negative" } else { "non-negative" };
                let other = if is_negated { "non-negative" } else { "negative" };
                return Err(Error::new(format!(
                    "{problem} require_auth method \"{word}\" cannot be mixed with {other} methods"
                )));
            }
            if !METHODS.contains(&method) {
                return Err(invalid("require_auth", word));
            }
            if methods.iter().any(|known| known == method) {
                return Err(Error::new(format!(
                    "require_auth method \"{word}\" is specified more than once"
                )));
            }
            methods.push(method.to_owned());
        }
        Ok(Some(Self { text: text.to_owned(), negated, methods }))
    }
}

/// TCP keepalive; `None` leaves the system's own value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalives {
    /// Whether probes are sent at all.
    pub(crate) enabled: bool,
    /// Silence before the first probe.
    pub(crate) idle: Option<Duration>,
    /// Time between probes.
    pub(crate) interval: Option<Duration>,
    /// Probes that may be lost.
    pub(crate) count: Option<u32>,
}

/// Everything typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `sslmode`
    pub(crate) ssl_mode: SslMode,
    /// `sslnegotiation`
    pub(crate) ssl_negotiation: SslNegotiation,
    /// `sslcertmode`
    pub(crate) ssl_cert_mode: SslCertMode,
    /// `sslsni`
    pub(crate) ssl_sni: bool,
    /// `ssl_min_protocol_version`; `None` for no bound of the user's.
    pub(crate) ssl_min: Option<TlsVersion>,
    /// `ssl_max_protocol_version`
    pub(crate) ssl_max: Option<TlsVersion>,
    /// `channel_binding`
    pub(crate) channel_binding: ChannelBinding,
    /// `require_auth`
    pub(crate) require_auth: Option<RequireAuth>,
    /// `target_session_attrs`
    pub(crate) target_session: TargetSession,
    /// `load_balance_hosts`
    pub(crate) load_balance: LoadBalance,
    /// `connect_timeout`, per address; `None` when not set, or set to no limit.
    pub(crate) connect_timeout: Option<Duration>,
    /// `keepalives*`
    pub(crate) keepalives: Keepalives,
    /// `tcp_user_timeout`
    pub(crate) tcp_user_timeout: Option<Duration>,
    /// `requirepeer`: the operating-system user that the server must run as.
    pub(crate) require_peer: Option<String>,
    /// DateStyle, TimeZone and geqo from PGDATESTYLE, PGTZ and PGGEQO, which libpq sends when connecting.
    pub(crate) startup: Vec<(&'static str, String)>,
}

/// Validates the values that `get` returns; `Err` names what is wrong or what pgconn cannot honour.
pub(super) fn typed<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Settings, Error> {
    let text = |keyword: &str| get(keyword).unwrap_or_default();
    refuse_unsupported(&text)?;
    let settings = Settings {
        ssl_mode: word("sslmode", text("sslmode"), SSL_MODES, SslMode::Prefer)?,
        ssl_negotiation: word(
            "sslnegotiation",
            text("sslnegotiation"),
            &[("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)],
            SslNegotiation::Postgres,
        )?,
        ssl_cert_mode: word(
            "sslcertmode",
            text("sslcertmode"),
            &[
                ("disable", SslCertMode::Disable),
                ("allow", SslCertMode::Allow),
                ("require", SslCertMode::Require),
            ],
            SslCertMode::Allow,
        )?,
        ssl_sni: text("sslsni") != "0",
        ssl_min: tls_version("ssl_min_protocol_version", text("ssl_min_protocol_version"))?,
        ssl_max: tls_version("ssl_max_protocol_version", text("ssl_max_protocol_version"))?,
        channel_binding: word(
            "channel_binding",
            text("channel_binding"),
            &[
                ("disable", ChannelBinding::Disable),
                ("prefer", ChannelBinding::Prefer),
                ("require", ChannelBinding::Require),
            ],
            ChannelBinding::Prefer,
        )?,
        require_auth: RequireAuth::parse(text("require_auth"))?,
        target_session: word(
            "target_session_attrs",
            text("target_session_attrs"),
            TARGET_SESSIONS,
            TargetSession::Any,
        )?,
        load_balance: word(
            "load_balance_hosts",
            text("load_balance_hosts"),
            &[("disable", LoadBalance::Disable), ("random", LoadBalance::Random)],
            LoadBalance::Disable,
        )?,
        connect_timeout: positive("connect_timeout", text("connect_timeout"))?.map(Duration::from_secs),
        keepalives: Keepalives {
            enabled: integer("keepalives", text("keepalives"))? != Some(0),
            idle: positive("keepalives_idle", text("keepalives_idle"))?.map(Duration::from_secs),
            interval: positive("keepalives_interval", text("keepalives_interval"))?.map(Duration::from_secs),
            count: positive("keepalives_count", text("keepalives_count"))?
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        },
        tcp_user_timeout: positive("tcp_user_timeout", text("tcp_user_timeout"))?.map(Duration::from_millis),
        require_peer: get("requirepeer").map(str::to_owned),
        startup: Vec::new(),
    };
    check_together(&settings, text("sslrootcert"), text("sslmode"))?;
    Ok(settings)
}

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const TARGET_SESSIONS: &[(&str, TargetSession)] = &[
    ("any", TargetSession::Any),
    ("read-write", TargetSession::ReadWrite),
    ("read-only", TargetSession::ReadOnly),
    ("primary", TargetSession::Primary),
    ("standby", TargetSession::Standby),
    ("prefer-standby", TargetSession::PreferStandby),
];

/// Settings that contradict each other.
fn check_together(settings: &Settings, root: &str, ssl_mode: &str) -> Result<(), Error> {
    if root == "system" && settings.ssl_mode < SslMode::VerifyFull {
        return Err(Error::new(format!(
            "weak sslmode \"{ssl_mode}\" may not be used with sslrootcert=system (use \"verify-full\")"
        )));
    }
    if settings.ssl_negotiation == SslNegotiation::Direct && settings.ssl_mode < SslMode::Require {
        return Err(Error::new(format!(
            "weak sslmode \"{ssl_mode}\" may not be used with sslnegotiation=direct (use \"require\", \"verify-ca\", or \"verify-full\")"
        )));
    }
    match (settings.ssl_min, settings.ssl_max) {
        (_, Some(TlsVersion::Older)) => {
            Err(Error::new("pgconn speaks TLS 1.2 and 1.3 only, so ssl_max_protocol_version cannot be lower"))
        }
        (Some(min), Some(max)) if min > max => Err(Error::new("invalid SSL protocol version range")),
        _ => Ok(()),
    }
}

/// Keywords whose meaning pgconn cannot honour: each says so by name, and none is ignored silently when ignoring
/// it would weaken or change the connection.
fn refuse_unsupported<'a>(text: &impl Fn(&str) -> &'a str) -> Result<(), Error> {
    if !text("replication").is_empty() {
        return Err(Error::new("the keyword \"replication\" is not for users of pgconn")
            .hinted("pgconn sets it itself when it needs a replication connection to get in"));
    }
    match text("gssencmode") {
        "" | "disable" | "prefer" => {}
        "require" => {
            return Err(Error::new("gssencmode=require cannot be honoured: pgconn has no GSSAPI support")
                .hinted("use sslmode for encryption"));
        }
        other => return Err(invalid("gssencmode", other)),
    }
    let unsupported = [
        ("sslcrldir", "name the file with sslcrl"),
        ("scram_client_key", "use a password"),
        ("scram_server_key", "use a password"),
        ("oauth_issuer", "use another authentication method"),
        ("oauth_client_id", "use another authentication method"),
        ("oauth_client_secret", "use another authentication method"),
        ("oauth_scope", "use another authentication method"),
        ("sslkeylogfile", "leave it out"),
    ];
    for (keyword, hint) in unsupported {
        if !text(keyword).is_empty() {
            return Err(
                Error::new(format!("the keyword \"{keyword}\" cannot be honoured by pgconn")).hinted(hint)
            );
        }
    }
    for keyword in ["min_protocol_version", "max_protocol_version"] {
        match text(keyword) {
            "" | "3.0" => {}
            "3.2" | "latest" if keyword == "max_protocol_version" => {}
            "3.2" | "latest" => {
                return Err(Error::new("min_protocol_version above 3.0 cannot be honoured by pgconn"));
            }
            other => return Err(invalid(keyword, other)),
        }
    }
    Ok(())
}

fn invalid(keyword: &str, value: &str) -> Error {
    Error::new(format!("invalid {keyword} value: \"{value}\""))
}

/// One of the words that a keyword knows; an empty value is the default.
fn word<T: Copy>(keyword: &str, value: &str, words: &[(&str, T)], default: T) -> Result<T, Error> {
    if value.is_empty() {
        return Ok(default);
    }
    let found = words.iter().find(|(known, _)| *known == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        invalid(keyword, value).hinted(format!("it is one of {}", known.join(", ")))
    })
}

/// `ssl_min_protocol_version` and its sister compare without case in libpq.
fn tls_version(keyword: &str, value: &str) -> Result<Option<TlsVersion>, Error> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "tlsv1" | "tlsv1.1" => Ok(Some(TlsVersion::Older)),
        "tlsv1.2" => Ok(Some(TlsVersion::V1_2)),
        "tlsv1.3" => Ok(Some(TlsVersion::V1_3)),
        _ => Err(invalid(keyword, value)),
    }
}

/// An integer with blanks round it (`parse_int_param`); an empty value is none.
pub(super) fn integer(keyword: &str, value: &str) -> Result<Option<i32>, Error> {
    if value.is_empty() {
        return Ok(None);
    }
    let number = value.trim_matches(super::keyword::is_blank);
    number.parse().map(Some).map_err(|_| {
        Error::new(format!("invalid integer value \"{value}\" for connection option \"{keyword}\""))
    })
}

/// The same for settings at which zero and less mean "not set".
fn positive(keyword: &str, value: &str) -> Result<Option<u64>, Error> {
    Ok(integer(keyword, value)?.and_then(|number| u64::try_from(number).ok()).filter(|&number| number > 0))
}

#[cfg(test)]
mod tests {
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
        let only =
            settings(&[("require_auth", "md5,scram-sha-256")]).expect("valid").require_auth.expect("set");
        assert!(only.permits("md5") && only.permits("scram-sha-256"));
        assert!(!only.permits("none") && !only.permits("password"));
        let without =
            settings(&[("require_auth", "!password,!none")]).expect("valid").require_auth.expect("set");
        assert!(without.permits("md5") && !without.permits("none"));
        for bad in ["md5,!none", "!md5,none", "md5,md5", "nosuch", "md5,", ","] {
            assert!(settings(&[("require_auth", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (keyword, value) in [
            ("gssencmode", "require"),
            ("sslcrldir", "/x"),
            ("scram_client_key", "x"),
            ("oauth_issuer", "x"),
            ("sslkeylogfile", "x"),
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
}
