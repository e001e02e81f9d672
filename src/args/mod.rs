//! Argument groups that commands share, and the parsers of their values. What was typed, checked for its form only.

mod duration;
pub(crate) mod filter_line;
mod sessions;
mod targets;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use crate::conninfo::{Given, is_pattern, text_of};
use crate::render::Format;
use duration::interval;
pub(crate) use duration::{duration, duration_or_zero, time_limit};
pub(crate) use sessions::{FILTERS, Filters, Worded, client_term, name_term, named, pooler_state};
pub(crate) use targets::{TargetArgs, Yes};

/// Where to connect, with psql's flags and psql's precedence.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection (as psql)")]
pub(crate) struct Connection {
    /// Server host name, address or socket directory
    #[arg(short = 'h', long, global = true, value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub(crate) host: Option<OsString>,
    /// Server port
    #[arg(short, long, global = true, value_name = "PORT")]
    pub(crate) port: Option<OsString>,
    /// Role to log in as
    ///
    /// To select sessions of a role, use --role.
    #[arg(short = 'U', long, global = true, value_name = "ROLE", value_hint = ValueHint::Username)]
    pub(crate) username: Option<OsString>,
    /// Database to connect to, or a connection string
    ///
    /// Or a URI. To select sessions in a database, use --db.
    #[arg(short = 'd', long, global = true, value_name = "DBNAME|URI")]
    pub(crate) dbname: Option<OsString>,
    /// Entry of the connection service file
    ///
    /// Several, or a pattern (prod-*), ask every server of these names.
    #[arg(short = 'S', long, global = true, value_name = "NAME")]
    pub(crate) service: Vec<OsString>,
    /// Never ask for a password
    #[arg(short = 'w', long, global = true, conflicts_with = "password")]
    pub(crate) no_password: bool,
    /// Run a command that prints the password
    ///
    /// When the server asks for one; PGCONN_PASSWORD_COMMAND names one, too. It is split into words and run without a shell, with PGHOST, PGPORT, PGUSER and PGDATABASE of the login in its
    /// environment, for 15s at most; once for each login, and once more after a wrong password. What it prints is never sent
    /// in clear over TCP without TLS.
    #[arg(long, global = true, value_name = "CMD", conflicts_with = "password")]
    pub(crate) password_command: Option<OsString>,
    /// Ask for a password before connecting
    #[arg(short = 'W', long, global = true)]
    pub(crate) password: bool,
    /// Limit on connecting and on each statement [default: 10s]
    ///
    /// On connecting to one address; for check, metrics and ping on the whole run.
    #[arg(short, long, global = true, value_name = "DUR", value_parser = time_limit)]
    pub(crate) timeout: Option<Duration>,
    /// Keep trying to connect for this long
    ///
    /// While the server is full, down or starting.
    #[arg(long, global = true, value_name = "DUR", value_parser = duration)]
    pub(crate) connect_wait: Option<Duration>,
    /// When every slot is taken, use a replication connection
    ///
    /// When every ordinary slot is taken; the role needs SUPERUSER or REPLICATION. Without it auto, and never for what changes the
    /// server.
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) emergency: Option<Emergency>,
    /// Which servers, when there are several.
    #[command(flatten)]
    pub(crate) many: TargetArgs,
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
    /// The services that were named.
    pub(crate) fn services(&self) -> Vec<String> {
        self.service.iter().map(|name| text_of(name.as_bytes())).collect()
    }

    /// Whether a list of servers was asked for, even if it is of one.
    pub(crate) fn is_list(&self) -> bool {
        let services = self.services();
        self.many.targets.is_some()
            || self.many.targets_command.is_some()
            || services.len() > 1
            || services.iter().any(|name| is_pattern(name))
    }

    /// What settings are resolved from.
    pub(crate) fn given(&self) -> Given {
        let text = |value: &Option<OsString>| value.as_ref().map(|value| text_of(value.as_bytes()));
        let service = self.service.first().map(|name| text_of(name.as_bytes()));
        Given {
            host: text(&self.host),
            port: text(&self.port),
            username: text(&self.username),
            dbname: text(&self.dbname),
            service,
            password_command: text(&self.password_command),
            no_password: self.no_password,
            force_password: self.password,
            called: None,
        }
    }
}

/// How the result is to be written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write JSON (short for --format json)
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Output format
    #[arg(short = 'F', long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Write the result to a file (- is stdout)
    ///
    /// All of it or nothing.
    #[arg(short, long, global = true, value_name = "FILE", value_parser = output_file, value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Look again every 2s, or every DUR, until Ctrl-C
    ///
    /// The value stands only behind =. For the commands that look or monitor. One connection is used for all looks (ping makes a new one each time); when it
    /// is lost, it is made again.
    /// On a terminal each result replaces the one before and what changed is marked with *; elsewhere results follow each
    /// other; JSON is one document per line.
    #[arg(long, global = true, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = interval)]
    pub(crate) watch: Option<Duration>,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice: each SQL text as it is sent
    ///
    /// The connection used, SQLSTATEs.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: clap::ColorChoice,
    /// Show long texts whole, every column and every row
    ///
    /// On a terminal, too, but with --watch.
    #[arg(long, global = true)]
    pub(crate) full: bool,
    /// Keep query texts out of the result
    #[arg(long, global = true)]
    pub(crate) no_query: bool,
    /// Do without defaults of one's own (config.toml)
    ///
    /// Those of $XDG_CONFIG_HOME/pgconn/config.toml, or of the file that PGCONN_CONFIG names.
    #[arg(long, global = true)]
    pub(crate) no_config: bool,
}

impl OutputArgs {
    /// The format asked for.
    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or(if self.json { Format::Json } else { Format::Table })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_format_is_not_a_file() {
        assert!(output_file("json").unwrap_err().contains("-F json"));
        assert_eq!(output_file("./json"), Ok(PathBuf::from("./json")));
    }

    proptest! {
        #[test]
        fn no_value_makes_a_parser_panic(text in any::<String>()) {
            let _ = (duration(&text), output_file(&text));
        }
    }
}
