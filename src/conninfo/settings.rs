//! The settings that steer connecting, validated and typed. Spelling and messages are libpq's
//! (`pqConnectOptions2`): values are case-sensitive.

use super::error::Error;
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
                let message =
                    format!("{problem} require_auth method \"{word}\" cannot be mixed with {other} methods");
                return Err(Error::new(message).about("require_auth"));
            }
            if !METHODS.contains(&method) {
                return Err(invalid("require_auth", word));
            }
            if methods.iter().any(|known| known == method) {
                let message = format!("require_auth method \"{word}\" is specified more than once");
                return Err(Error::new(message).about("require_auth"));
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

/// Validates the values that `get` returns (an empty one is a value); `Err` names what is wrong or what pgconn cannot honour.
pub(super) fn typed<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Settings, Error> {
    let text = |keyword: &str| get(keyword).unwrap_or_default();
    refuse_unsupported(&get)?;
    let settings = Settings {
        ssl_mode: word("sslmode", get("sslmode"), SSL_MODES, SslMode::Prefer)?,
        ssl_negotiation: word(
            "sslnegotiation",
            get("sslnegotiation"),
            &[("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)],
            SslNegotiation::Postgres,
        )?,
        ssl_cert_mode: word(
            "sslcertmode",
            get("sslcertmode"),
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
            get("channel_binding"),
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
            get("target_session_attrs"),
            TARGET_SESSIONS,
            TargetSession::Any,
        )?,
        load_balance: word(
            "load_balance_hosts",
            get("load_balance_hosts"),
            &[("disable", LoadBalance::Disable), ("random", LoadBalance::Random)],
            LoadBalance::Disable,
        )?,
        connect_timeout: positive("connect_timeout", get("connect_timeout"))?.map(Duration::from_secs),
        keepalives: Keepalives {
            enabled: number("keepalives", get("keepalives"))? != Some(0),
            idle: positive("keepalives_idle", get("keepalives_idle"))?.map(Duration::from_secs),
            interval: positive("keepalives_interval", get("keepalives_interval"))?.map(Duration::from_secs),
            count: positive("keepalives_count", get("keepalives_count"))?
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        },
        tcp_user_timeout: positive("tcp_user_timeout", get("tcp_user_timeout"))?.map(Duration::from_millis),
        require_peer: get("requirepeer").filter(|user| !user.is_empty()).map(str::to_owned),
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
        ))
        .about("sslmode"));
    }
    if settings.ssl_negotiation == SslNegotiation::Direct && settings.ssl_mode < SslMode::Require {
        return Err(Error::new(format!(
            "weak sslmode \"{ssl_mode}\" may not be used with sslnegotiation=direct (use \"require\", \"verify-ca\", or \"verify-full\")"
        ))
        .about("sslmode"));
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
fn refuse_unsupported<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<(), Error> {
    let text = |keyword: &str| get(keyword).unwrap_or_default();
    if !text("replication").is_empty() {
        return Err(Error::new("the keyword \"replication\" is not for users of pgconn")
            .hinted("pgconn sets it itself when it needs a replication connection to get in"));
    }
    match get("gssencmode") {
        None | Some("disable" | "prefer") => {}
        Some("require") => {
            return Err(Error::new("gssencmode=require cannot be honoured: pgconn has no GSSAPI support")
                .hinted("sslmode=verify-full encrypts and verifies the server, too"));
        }
        Some(other) => return Err(invalid("gssencmode", other)),
    }
    let unsupported = [
        ("scram_client_key", "use a password"),
        ("scram_server_key", "use a password"),
        ("oauth_issuer", "use another authentication method"),
        ("oauth_client_id", "use another authentication method"),
        ("oauth_client_secret", "use another authentication method"),
        ("oauth_scope", "use another authentication method"),
    ];
    for (keyword, hint) in unsupported {
        if !text(keyword).is_empty() {
            return Err(Error::new(format!("the keyword \"{keyword}\" cannot be honoured by pgconn"))
                .about(keyword)
                .hinted(hint));
        }
    }
    for keyword in ["min_protocol_version", "max_protocol_version"] {
        match get(keyword) {
            None | Some("3.0") => {}
            Some("3.2" | "latest") if keyword == "max_protocol_version" => {}
            Some("3.2" | "latest") => {
                return Err(Error::new("min_protocol_version above 3.0 cannot be honoured by pgconn"));
            }
            Some(other) => return Err(invalid(keyword, other)),
        }
    }
    Ok(())
}

fn invalid(keyword: &'static str, value: &str) -> Error {
    Error::new(format!("invalid {keyword} value: \"{value}\"")).about(keyword)
}

/// One of the words that a keyword knows; the default holds when it has no value. An empty value is wrong, as in libpq: it
/// is what remains of a variable that was to ask for more.
fn word<T: Copy>(
    keyword: &'static str,
    value: Option<&str>,
    words: &[(&str, T)],
    default: T,
) -> Result<T, Error> {
    let Some(value) = value else { return Ok(default) };
    let found = words.iter().find(|(known, _)| *known == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        invalid(keyword, value).hinted(format!("it is one of {}", known.join(", ")))
    })
}

/// `ssl_min_protocol_version` and its sister compare without case in libpq.
fn tls_version(keyword: &'static str, value: &str) -> Result<Option<TlsVersion>, Error> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "tlsv1" | "tlsv1.1" => Ok(Some(TlsVersion::Older)),
        "tlsv1.2" => Ok(Some(TlsVersion::V1_2)),
        "tlsv1.3" => Ok(Some(TlsVersion::V1_3)),
        _ => Err(invalid(keyword, value)),
    }
}

/// An integer with blanks round it (`parse_int_param`).
pub(super) fn integer(keyword: &'static str, value: &str) -> Result<i32, Error> {
    let number = value.trim_matches(super::keyword::is_blank);
    number.parse().map_err(|_| {
        Error::new(format!("invalid integer value \"{value}\" for connection option \"{keyword}\""))
            .about(keyword)
    })
}

/// An integer, when a value is given; an empty one is wrong, as in libpq.
fn number(keyword: &'static str, value: Option<&str>) -> Result<Option<i32>, Error> {
    value.map(|value| integer(keyword, value)).transpose()
}

/// Reads a whole number at which zero and less mean "not set".
fn positive(keyword: &'static str, value: Option<&str>) -> Result<Option<u64>, Error> {
    Ok(number(keyword, value)?.and_then(|number| u64::try_from(number).ok()).filter(|&number| number > 0))
}

#[cfg(test)]
mod tests;
