//! Argument groups that commands share, and the parsers of their values. What was typed, checked for its form only.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use crate::conninfo::Given;
use crate::model::act::Named;
use crate::model::filter::{Client, Filter, Name, STATES, State, Term};
use crate::render::Format;

/// Where to connect, with psql's flags and psql's precedence.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection (as psql)")]
pub(crate) struct Connection {
    /// Server host name, address or socket directory
    #[arg(short = 'h', long, global = true, value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub(crate) host: Option<String>,
    /// Server port
    #[arg(short, long, global = true, value_name = "PORT")]
    pub(crate) port: Option<String>,
    /// Role to log in as (to select sessions of a role, use --role)
    #[arg(short = 'U', long, global = true, value_name = "ROLE", value_hint = ValueHint::Username)]
    pub(crate) username: Option<String>,
    /// Database to connect to, or a connection string or URI (to select sessions in a database, use --db)
    #[arg(short = 'd', long, global = true, value_name = "DBNAME|URI")]
    pub(crate) dbname: Option<String>,
    /// Entry of the connection service file
    #[arg(short = 'S', long, global = true, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Never ask for a password
    #[arg(short = 'w', long, global = true, conflicts_with = "password")]
    pub(crate) no_password: bool,
    /// Ask for a password before connecting
    #[arg(short = 'W', long, global = true)]
    pub(crate) password: bool,
    /// Time limit for connecting to one address and for each statement [default: 10s]
    #[arg(short, long, global = true, value_name = "DUR", value_parser = time_limit)]
    pub(crate) timeout: Option<Duration>,
    /// Keep trying to connect for this long while the server is full, down or starting
    #[arg(long, global = true, value_name = "DUR", value_parser = duration)]
    pub(crate) connect_wait: Option<Duration>,
    /// When every ordinary slot is taken: use a replication connection, for which the role needs SUPERUSER or REPLICATION
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) emergency: Emergency,
}

/// When to get in through a walsender's slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emergency {
    /// When the server has no slot left for this role
    #[default]
    Auto,
    /// Never
    Never,
    /// Always
    Always,
}

impl Connection {
    /// The bound on each statement.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(10))
    }

    /// The same as settings are resolved from.
    pub(crate) fn given(&self) -> Given {
        Given {
            host: self.host.clone(),
            port: self.port.clone(),
            username: self.username.clone(),
            dbname: self.dbname.clone(),
            service: self.service.clone(),
            no_password: self.no_password,
            force_password: self.password,
        }
    }
}

/// How the result is to be written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Write JSON (short for --format json)
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Output format
    #[arg(short = 'F', long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Write the result to a file, all of it or nothing
    #[arg(short, long, global = true, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Look again every 2s, or every DUR (the value only with =), until Ctrl-C
    ///
    /// For the commands that look or monitor. One connection is used for all looks; when it is lost, it is made again.
    /// On a terminal each result replaces the one before and what changed is marked with *; elsewhere results follow each
    /// other; JSON is one document per line.
    #[arg(long, global = true, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = interval)]
    pub(crate) watch: Option<Duration>,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: the connection used, SQLSTATEs
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: clap::ColorChoice,
    /// Show long texts whole on a terminal, too
    #[arg(long, global = true)]
    pub(crate) full: bool,
    /// Keep query texts out of the result
    #[arg(long, global = true)]
    pub(crate) no_query: bool,
}

impl Output {
    /// The format asked for.
    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or(if self.json { Format::Json } else { Format::Table })
    }
}

/// Which sessions are meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters (repeat for more values, * matches anything, !VALUE excludes)")]
pub(crate) struct Filters {
    /// Sessions connected to this database
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) db: Vec<Term<Name>>,
    /// Sessions of this role
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) role: Vec<Term<Name>>,
    /// Sessions with this application_name
    #[arg(long, value_name = "NAME", value_parser = name_term)]
    pub(crate) app: Vec<Term<Name>>,
    /// Sessions from this address, network (CIDR) or `local`
    #[arg(long, value_name = "ADDR", hide_possible_values = true, value_parser = Worded { parse: client_term, words: &["local"] })]
    pub(crate) client: Vec<Term<Client>>,
    /// Sessions in this state: active, idle, idle-in-transaction, aborted, waiting
    ///
    /// PostgreSQL's own words, like "idle in transaction", are taken as well. idle-in-transaction includes aborted
    /// ones; waiting means waiting for a lock.
    #[arg(long, value_name = "STATE", hide_possible_values = true, value_parser = Worded { parse: state_term, words: STATE_WORDS })]
    pub(crate) state: Vec<Term<State>>,
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
    /// The same as plain data.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
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

/// The longest duration that can be asked for: a century.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Reads a duration such as `30s`, `5m` or `1h30m`.
///
/// # Errors
/// With what is wrong: no unit, an unknown or ambiguous unit, too long.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a duration cannot be empty; write it with a unit, like 30s".into());
    }
    if text.chars().all(|character| character.is_ascii_digit() || character == '.') {
        return Err(format!("{text} what? write the unit, like {text}s or {text}m"));
    }
    if text.contains('M') {
        return Err("M is ambiguous; write m for minutes or ms for milliseconds".into());
    }
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; units are ms, s, m, h, d, like 30s or 1h30m"))?;
    if duration > LONGEST {
        return Err("that is over a hundred years".into());
    }
    Ok(duration)
}

/// Reads a time limit: a duration that a server takes as a timeout.
///
/// # Errors
/// As [`duration`], and for limits under a millisecond or over what a server can count.
pub(crate) fn time_limit(text: &str) -> Result<Duration, String> {
    let limit = duration(text)?;
    if limit < Duration::from_millis(1) || limit.as_millis() > 2_147_483_647 {
        return Err("a time limit is between 1ms and 24 days".into());
    }
    Ok(limit)
}

fn interval(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every < Duration::from_millis(100) || every > Duration::from_secs(86_400) {
        return Err("the time between two looks is between 100ms and 1d".into());
    }
    Ok(every)
}

fn output_file(text: &str) -> Result<PathBuf, String> {
    use clap::ValueEnum;
    if text.is_empty() {
        return Err("a file name cannot be empty".into());
    }
    match Format::value_variants()
        .iter()
        .filter_map(Format::to_possible_value)
        .find(|known| known.matches(text, false))
    {
        Some(known) => Err(format!(
            "-o writes to a file; for the format use -F {0}, to really write a file of that name -o ./{0}",
            known.get_name()
        )),
        None => Ok(text.into()),
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
    // A backslash takes the meaning off the character behind it, for names that really hold `*` or start with `!`.
    let mut pieces = vec![String::new()];
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => pieces.push(String::new()),
            _ => {
                let literal = if character == '\\' { characters.next().unwrap_or('\\') } else { character };
                if let Some(piece) = pieces.last_mut() {
                    piece.push(literal);
                }
            }
        }
    }
    let value = if pieces.len() == 1 { Name::Exact(pieces.concat()) } else { Name::Glob(pieces) };
    Ok(Term { exclude, value })
}

/// Reads where a client comes from: an address, a network, or `local`.
///
/// # Errors
/// When it is none of them.
pub(crate) fn client_term(text: &str) -> Result<Term<Client>, String> {
    let (exclude, rest) = term(text)?;
    if rest == "local" {
        return Ok(Term { exclude, value: Client::Local });
    }
    let wrong = || format!("\"{rest}\" is not an address, a network like 10.0.0.0/8, or `local`");
    let (address, bits) = rest.split_once('/').map_or((rest, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(all), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
    if bits > all {
        return Err(wrong());
    }
    Ok(Term { exclude, value: Client::Network(address, bits) })
}

fn state_term(text: &str) -> Result<Term<State>, String> {
    let (exclude, rest) = term(text)?;
    if let Some((_, value)) = STATES.iter().find(|(word, _)| *word == rest) {
        return Ok(Term { exclude, value: *value });
    }
    let near = nearest(rest, STATES.iter().map(|(word, _)| *word));
    let meant = near.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default();
    let words = STATE_WORDS.join(", ");
    Err(format!("no such state{meant} (states: {words}, or PostgreSQL's own words)"))
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
pub(crate) fn text_term(text: &str) -> Result<Term<String>, String> {
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

/// Returns the candidate that `typed` most likely meant, if one is near enough.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(typed, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for (text, expected) in [
            ("30", "30 what? write the unit"),
            ("", "cannot be empty"),
            ("5M", "ambiguous"),
            ("5 parsecs", "units are"),
            ("9999y", "hundred"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(time_limit("0s").is_err() && time_limit("30d").is_err());
    }

    #[test]
    fn names_can_be_patterns_exclusions_or_escaped() {
        let exact = |text: &str| Name::Exact(text.into());
        assert_eq!(name_term("a").unwrap(), Term { exclude: false, value: exact("a") });
        assert_eq!(name_term("!a").unwrap(), Term { exclude: true, value: exact("a") });
        assert_eq!(name_term("\\!a\\*").unwrap(), Term { exclude: false, value: exact("!a*") });
        assert_eq!(name_term("a*b").unwrap().value, Name::Glob(vec!["a".into(), "b".into()]));
        assert!(name_term("**").unwrap().value.fits_everything());
        assert!(name_term("").is_err() && name_term("!").is_err());
    }

    #[test]
    fn clients_are_addresses_networks_or_local() {
        assert_eq!(client_term("local").unwrap().value, Client::Local);
        assert_eq!(
            client_term("!10.0.0.0/8").unwrap().value,
            Client::Network("10.0.0.0".parse().unwrap(), 8)
        );
        assert_eq!(client_term("::1").unwrap().value, Client::Network("::1".parse().unwrap(), 128));
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
            states: vec![state_term("idle-in-transaction").unwrap()],
            idle_for: Some(Duration::from_secs(90)),
            ..Filter::default()
        };
        assert_eq!(filter.to_string(), "--db app --db !test* --state idle-in-transaction --idle-for 90s");
    }

    #[test]
    fn a_misspelt_state_is_recognised() {
        assert!(state_term("idel").unwrap_err().contains("did you mean \"idle\""));
        assert_eq!(state_term("!idle").unwrap(), Term { exclude: true, value: State::Verbatim("idle") });
    }

    #[test]
    fn every_completed_state_is_a_state() {
        assert!(STATE_WORDS.iter().all(|word| state_term(word).is_ok()));
    }

    #[test]
    fn a_format_is_not_a_file() {
        assert!(output_file("json").unwrap_err().contains("-F json"));
        assert_eq!(output_file("./json"), Ok(PathBuf::from("./json")));
    }

    proptest! {
        #[test]
        fn no_value_makes_a_parser_panic(text in any::<String>()) {
            let _ = (duration(&text), name_term(&text), client_term(&text), state_term(&text), output_file(&text), named(&text));
        }
    }
}
