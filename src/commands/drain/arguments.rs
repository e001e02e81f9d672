//! What the command line of `drain` takes.

use std::time::Duration;

use clap::ValueEnum;

use crate::analyze::fence::Fence;
use crate::args;
use crate::error::Failure;
use crate::model::closable::ClosableKind;

/// Arguments of `drain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database, by its exact name
    #[arg(long, value_name = "NAME", required_unless_present_any = ["role", "restore"])]
    pub(super) db: Option<String>,
    /// The role, by its exact name
    ///
    /// It is kept out of every database; with --db, only its sessions there are ended.
    #[arg(long, value_name = "NAME")]
    pub(super) role: Option<String>,
    /// How to keep new connections out
    ///
    /// Without it, by the mildest that keeps out everybody who is in.
    #[arg(long, value_enum, value_name = "FENCE")]
    fence: Option<FenceName>,
    /// Hold it closed and empty this long
    #[arg(long = "for", value_name = "DUR", value_parser = args::duration, conflicts_with = "command")]
    pub(super) hold: Option<Duration>,
    /// How long ending its sessions may take
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = args::duration)]
    pub(super) verify: Duration,
    /// Show what would be done, and stop there
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Open what a drain that was killed left closed
    ///
    /// As it was by the state file, else as the server shows it.
    #[arg(long, conflicts_with_all = ["hold", "fence", "verify", "command"])]
    pub(super) restore: bool,
    #[command(flatten)]
    pub(super) yes: args::Yes,
    /// Command to run while it is closed and empty
    ///
    /// Stdout is its alone, and PGHOST, PGPORT, PGUSER, PGDATABASE and the like lead it to another database of the same server.
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,
}

/// The fences, by the names under which they are typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FenceName {
    /// CONNECTION LIMIT 0: superusers still enter, the owner not
    Limit,
    /// CONNECT revoked: its owner and superusers still enter
    Revoke,
    /// ALLOW_CONNECTIONS false: nobody enters
    Hard,
}

impl Args {
    /// What is closed: a role where one is named, else the database.
    pub(super) fn closable(&self) -> (ClosableKind, &str) {
        match (&self.role, &self.db) {
            (Some(role), _) => (ClosableKind::Role, role),
            (None, database) => (ClosableKind::Database, database.as_deref().unwrap_or_default()),
        }
    }

    /// The fence that was named, which for a role is always its limit.
    pub(super) fn fence(&self) -> Result<Option<Fence>, Failure> {
        let named = self.fence.map(|name| match name {
            FenceName::Limit => Fence::Limit,
            FenceName::Revoke => Fence::Revoke,
            FenceName::Hard => Fence::Hard,
        });
        match (&self.role, named) {
            (Some(_), Some(Fence::Revoke | Fence::Hard)) => {
                Err(Failure::usage("a role is kept out by its connection limit alone")
                    .hinted("leave out --fence, or --role"))
            }
            _ => Ok(named),
        }
    }
}
