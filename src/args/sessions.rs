//! Which sessions are meant: the filters, and what names a single session.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::duration;
use crate::model::filter::{ClientFilter, Filter, Name, STATES, StateFilter, Term};
use crate::model::nearest::nearest;
use crate::model::session::Named;

/// What the groups of filters are headed by.
pub(crate) const FILTERS: &str = "Filters (repeat for more values, * matches anything, !VALUE excludes)";

/// Which sessions are meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = FILTERS)]
pub(crate) struct Filters {
    /// Sessions connected to this database
    ///
    /// In names \* and a leading \! are the characters; any other backslash is one, too.
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) db: Vec<Term<Name>>,
    /// Sessions of this role
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) role: Vec<Term<Name>>,
    /// Sessions with this application_name
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) app: Vec<Term<Name>>,
    /// Sessions from this address, network (CIDR) or `local`
    ///
    /// An address can have a port: 10.0.0.7:41572.
    #[arg(long, value_name = "ADDR", hide_possible_values = true, value_parser = Worded { parse: client_term, words: &["local"] })]
    pub(crate) client: Vec<Term<ClientFilter>>,
    /// active, idle, idle-in-transaction, aborted, waiting
    ///
    /// Sessions in this state. Several are separated by commas, or the flag is repeated. PostgreSQL's own words, like "idle in transaction", and those of the
    /// JSON documents, like idle_in_transaction, are taken as well. idle-in-transaction includes aborted ones; waiting means waiting
    /// for a lock.
    #[arg(long, value_name = "STATE", value_delimiter = ',', hide_possible_values = true, value_parser = Worded { parse: state_term, words: STATE_WORDS })]
    pub(crate) state: Vec<Term<StateFilter>>,
    /// Sessions whose query text matches (POSIX)
    #[arg(long, value_name = "REGEX", value_parser = text_term)]
    pub(crate) query: Vec<Term<String>>,
    /// Sessions idle, in a transaction or not, for this long
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(crate) idle_for: Option<Duration>,
    /// Sessions in a transaction at least this old
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(crate) xact_for: Option<Duration>,
    /// Sessions running a statement at least this old
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(crate) query_for: Option<Duration>,
    /// Server processes, walsenders and workers too
    #[arg(long)]
    pub(crate) all_backends: bool,
    /// Refused with a hint: it means different things in different tools
    #[arg(long, value_name = "NAME", hide = true, num_args = 0..=1, default_missing_value = "", value_parser = no_user_flag)]
    pub(crate) user: Option<String>,
}

impl Filters {
    /// These, and of `others` what these do not say.
    pub(crate) fn or(self, others: Self) -> Self {
        fn first<T>(of_these: Vec<T>, of_others: Vec<T>) -> Vec<T> {
            if of_these.is_empty() { of_others } else { of_these }
        }
        Self {
            db: first(self.db, others.db),
            role: first(self.role, others.role),
            app: first(self.app, others.app),
            client: first(self.client, others.client),
            state: first(self.state, others.state),
            query: first(self.query, others.query),
            idle_for: self.idle_for.or(others.idle_for),
            xact_for: self.xact_for.or(others.xact_for),
            query_for: self.query_for.or(others.query_for),
            all_backends: self.all_backends || others.all_backends,
            user: self.user,
        }
    }

    /// What they select among the sessions of these names, or among all where there are none.
    pub(crate) fn among(&self, named: &[Named]) -> Filter {
        Filter { named: named.to_vec(), ..self.filter() }
    }

    /// What they select, as plain data.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            named: Vec::new(),
            databases: self.db.clone(),
            roles: self.role.clone(),
            applications: self.app.clone(),
            clients: self.client.clone(),
            states: self.state.clone(),
            queries: self.query.clone(),
            idle_for: self.idle_for,
            xact_for: self.xact_for,
            query_for: self.query_for,
        }
    }
}

/// Splits a leading `!` off, and refuses an empty rest.
fn term(text: &str) -> Result<(bool, &str), String> {
    let (exclude, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    if rest.is_empty() {
        return Err("the value is empty; leave the flag out to select everything".into());
    }
    Ok((exclude, rest))
}

/// Reads a name or a pattern of names, with `!` before it to exclude.
///
/// # Errors
/// When nothing is left to compare with.
pub(crate) fn name_term(text: &str) -> Result<Term<Name>, String> {
    let (exclude, rest) = term(text)?;
    // A backslash takes the meaning off a `*` behind it, and in front off a `!`; anywhere else it is a character of the name.
    let unescaped = rest.strip_prefix('\\').filter(|rest| rest.trim_start_matches('\\').starts_with('!'));
    let rest = unescaped.unwrap_or(rest);
    let mut pieces = vec![String::new()];
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes = character == '\\' && characters.peek() == Some(&'*');
        match (character, pieces.last_mut()) {
            ('*', _) => pieces.push(String::new()),
            (_, Some(piece)) if escapes => piece.extend(characters.next()),
            (_, Some(piece)) => piece.push(character),
            (_, None) => {}
        }
    }
    let value = if pieces.len() == 1 { Name::Exact(pieces.concat()) } else { Name::Glob(pieces) };
    Ok(Term { exclude, value })
}

/// Reads where a client comes from: an address, one with a port, a network, or `local`.
///
/// # Errors
/// When it is none of them.
pub(crate) fn client_term(text: &str) -> Result<Term<ClientFilter>, String> {
    let (exclude, rest) = term(text)?;
    if rest == "local" {
        return Ok(Term { exclude, value: ClientFilter::Local });
    }
    if let Ok(peer) = rest.parse() {
        return Ok(Term { exclude, value: ClientFilter::Peer(peer) });
    }
    let wrong = || {
        format!(
            "\"{rest}\" is not an address (with a port or without), a network like 10.0.0.0/8, or `local`"
        )
    };
    let (address, bits) = rest.split_once('/').map_or((rest, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(all), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
    if bits > all {
        return Err(wrong());
    }
    Ok(Term { exclude, value: ClientFilter::Network(address, bits) })
}

pub(super) fn state_term(text: &str) -> Result<Term<StateFilter>, String> {
    let (exclude, rest) = term(text)?;
    if let Some((_, value)) = STATES.iter().find(|(word, _)| *word == rest) {
        return Ok(Term { exclude, value: *value });
    }
    let near = nearest(rest, STATES.iter().map(|(word, _)| *word));
    let meant = near.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default();
    let words = STATE_WORDS.join(", ");
    Err(format!("no such state{meant} (states: {words}, or PostgreSQL's own words)"))
}

/// The states of PgBouncer's clients and of its connections to servers, those of all versions.
const POOLER_STATES: &[&str] = &[
    "active",
    "waiting",
    "idle",
    "used",
    "tested",
    "new",
    "login",
    "waiting_login",
    "active_cancel",
    "being_canceled",
    "active_cancel_req",
    "waiting_cancel_req",
];

/// Reads states of a pooler's connections.
pub(crate) const fn pooler_state() -> Worded<Term<String>> {
    Worded { parse: pooler_state_term, words: POOLER_STATES }
}

fn pooler_state_term(text: &str) -> Result<Term<String>, String> {
    let (exclude, rest) = term(text)?;
    if POOLER_STATES.contains(&rest) {
        return Ok(Term { exclude, value: rest.to_owned() });
    }
    let meant = match nearest(rest, POOLER_STATES.iter().copied()) {
        _ if STATES.iter().any(|(word, _)| *word == rest) => {
            "; that is a state of the server's sessions: pgconn ls --state, with --pooler to see the clients"
                .to_owned()
        }
        Some(word) => format!("; did you mean \"{word}\"?"),
        None => String::new(),
    };
    Err(format!("a pooler has no such state{meant} (states: {})", POOLER_STATES.join(", ")))
}

/// The states worth completing: those that are one word.
const STATE_WORDS: &[&str] = &["active", "idle", "idle-in-transaction", "aborted", "waiting"];

/// A parser of values whose usual ones are known, so that shells can complete them; it takes others as well.
#[derive(Clone)]
pub(crate) struct Worded<T> {
    /// Reads a value.
    pub(crate) parse: fn(&str) -> Result<T, String>,
    /// The usual ones.
    pub(crate) words: &'static [&'static str],
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Worded<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let parse = self.parse;
        StringValueParser::new().try_map(move |text| parse(&text)).parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(|word| PossibleValue::new(*word))))
    }
}

/// Reads any text, with `!` before it to exclude.
///
/// # Errors
/// When nothing is left to compare with.
pub(super) fn text_term(text: &str) -> Result<Term<String>, String> {
    let (exclude, rest) = term(text)?;
    Ok(Term { exclude, value: rest.into() })
}

fn no_user_flag(_: &str) -> Result<String, String> {
    Err("there is no --user: -U (--username) says who connects, --role selects whose sessions".into())
}

/// Reads what names a session: a pid, or a session id as listings and the server's log (`%c`) show it.
///
/// # Errors
/// When it is neither.
pub(crate) fn named(text: &str) -> Result<Named, String> {
    let wrong = || "neither a process id nor a session id like 67a1b2c3.4f2a".to_owned();
    let positive = |pid: i32| (pid > 0).then_some(pid).ok_or_else(wrong);
    match text.split_once('.') {
        None => {
            let digits = text.chars().all(|character| character.is_ascii_digit());
            let pid = if digits { text.parse().ok() } else { None };
            Ok(Named { pid: positive(pid.ok_or_else(wrong)?)?, started: None })
        }
        Some((started, pid)) => {
            let hexadecimal = |text: &str| {
                let digits = text.chars().all(|character| character.is_ascii_hexdigit());
                if digits { i64::from_str_radix(text, 16).ok() } else { None }
            };
            let (started, pid) = (hexadecimal(started), hexadecimal(pid));
            let pid = pid.and_then(|pid| i32::try_from(pid).ok()).ok_or_else(wrong)?;
            Ok(Named { pid: positive(pid)?, started: Some(started.ok_or_else(wrong)?) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_can_be_patterns_exclusions_or_escaped() {
        let exact = |text: &str| Name::Exact(text.into());
        assert_eq!(name_term("a").unwrap(), Term { exclude: false, value: exact("a") });
        assert_eq!(name_term("!a").unwrap(), Term { exclude: true, value: exact("a") });
        assert_eq!(name_term("\\!a\\*").unwrap(), Term { exclude: false, value: exact("!a*") });
        for (typed, name) in [
            ("a\\b", "a\\b"),
            ("CORP\\joe", "CORP\\joe"),
            ("\\\\!", "\\!"),
            ("a\\\\*", "a\\*"),
            ("a\\", "a\\"),
            ("a\\!", "a\\!"),
        ] {
            assert_eq!(name_term(typed).unwrap().value, exact(name), "{typed}");
        }
        assert_eq!(name_term("!\\!a").unwrap(), Term { exclude: true, value: exact("!a") });
        assert_eq!(name_term("a*b").unwrap().value, Name::Glob(vec!["a".into(), "b".into()]));
        assert!(name_term("**").unwrap().value.fits_everything());
        assert!(name_term("").is_err() && name_term("!").is_err());
    }

    #[test]
    fn clients_are_addresses_networks_or_local() {
        assert_eq!(client_term("local").unwrap().value, ClientFilter::Local);
        assert_eq!(
            client_term("!10.0.0.0/8").unwrap().value,
            ClientFilter::Network("10.0.0.0".parse().unwrap(), 8)
        );
        for peer in ["127.0.0.1:41572", "[::1]:80"] {
            assert_eq!(client_term(peer).unwrap().value, ClientFilter::Peer(peer.parse().unwrap()));
        }
        assert_eq!(client_term("::1").unwrap().value, ClientFilter::Network("::1".parse().unwrap(), 128));
        for wrong in ["10.0.0", "10.0.0.0/33", "db1", "10.0.0.0/", "::1/129"] {
            assert!(client_term(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sessions_are_named_by_pid_or_session_id() {
        assert_eq!(named("4711"), Ok(Named { pid: 4711, started: None }));
        assert_eq!(named("67a1b2c3.4f2a"), Ok(Named { pid: 0x4f2a, started: Some(0x67a1_b2c3) }));
        for wrong in
            ["", "0", "-1", "+1", "1.", ".1", "1.0", "x", "99999999999", "1.+1", "1.2.3", "1.ffffffff"]
        {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_is_written_as_its_flags() {
        let term = |text: &str| name_term(text).unwrap();
        let filter = Filter {
            databases: vec![term("app"), term("!test*")],
            applications: vec![term("a\\*b c*")],
            states: vec![state_term("idle-in-transaction").unwrap()],
            idle_for: Some(Duration::from_secs(90)),
            ..Filter::default()
        };
        assert_eq!(
            filter.to_string(),
            "--db app --db '!test*' --app 'a\\*b c*' --state idle-in-transaction --idle-for 90s"
        );
    }

    #[test]
    fn a_misspelt_state_is_recognised() {
        assert!(state_term("idel").unwrap_err().contains("did you mean \"idle\""));
        assert_eq!(
            state_term("!idle").unwrap(),
            Term { exclude: true, value: StateFilter::Verbatim("idle") }
        );
    }

    #[test]
    fn a_pooler_has_states_of_its_own() {
        assert_eq!(pooler_state_term("!waiting").unwrap(), Term { exclude: true, value: "waiting".into() });
        assert!(pooler_state_term("waitng").unwrap_err().contains("did you mean \"waiting\"?"));
        assert!(pooler_state_term("foo").unwrap_err().contains("(states: active, "));
        assert!(pooler_state_term("idle-in-transaction").unwrap_err().contains("pgconn ls --state"));
    }

    #[test]
    fn every_completed_state_is_a_state() {
        assert!(STATE_WORDS.iter().all(|word| state_term(word).is_ok()));
    }

    proptest! {
        #[test]
        fn a_name_is_written_as_it_is_read(name in "[a!*\\\\]{1,6}", exclude in any::<bool>()) {
            let written = format!("{}{}", if exclude { "!" } else { "" }, Name::pattern(&name));
            prop_assert_eq!(name_term(&written), Ok(Term { exclude, value: Name::Exact(name) }));
        }

        #[test]
        fn no_value_makes_a_parser_panic(text in any::<String>()) {
            let _ = (name_term(&text), client_term(&text), state_term(&text), named(&text));
        }
    }
}
