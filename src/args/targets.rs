//! Which servers a run is about, when it is about several.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Which servers.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Many servers")]
pub(crate) struct TargetArgs {
    /// Ask every server that this file lists
    ///
    /// In TOML: a table `target` for each, with its name, its service or conninfo, and what else there is to say: labels (a table of texts),
    /// pooler (the connection string of the console of the pooler in front of it), password_command, protected (acts need
    /// --yes=NAME), production (questions say so). What looks or monitors asks all of them; everything else takes one: --only NAME.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) targets: Option<PathBuf>,
    /// Ask every server that this command prints
    ///
    /// As Prometheus' http_sd JSON, or host:port or a connection string per line. It is split into words and run without a shell, for 15s at most.
    #[arg(long, global = true, value_name = "CMD", conflicts_with = "targets")]
    pub(crate) targets_command: Option<OsString>,
    /// Only those of this name or label (repeatable)
    ///
    /// Of these servers; * is any text. At doctor, only this rule, too.
    #[arg(long, global = true, value_name = "NAME|LABEL=VALUE|RULE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) only: Vec<String>,
    /// How many servers are asked at once [default: 8]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) parallel: Option<u16>,
}

/// Consent on the command line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Yes {
    /// Do it without asking
    ///
    /// For a protected server of a list it takes its name.
    #[arg(short, long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    yes: Option<String>,
}

impl Yes {
    /// Whether nobody is to be asked.
    pub(crate) const fn is_given(&self) -> bool {
        self.yes.is_some()
    }

    /// The server that it is for, when one was named.
    pub(crate) fn target(&self) -> Option<&str> {
        self.yes.as_deref().filter(|name| !name.is_empty())
    }
}
