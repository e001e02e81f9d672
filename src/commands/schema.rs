//! `pgconn schema`: the JSON Schemas of everything that pgconn prints as JSON. They are generated from the types that
//! are printed, committed, and held equal to them by a test.

use std::io;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use super::Context;
use super::manual::{Group, Manual};
use crate::exit::Exit;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("Which outputs have a schema?", "pgconn schema"),
        ("What `pgconn stats --json` prints", "pgconn schema stats"),
        ("What an error looks like on stderr with --json", "pgconn schema error"),
    ],
)
.offline();

/// A schema by the `kind` of its document, without the blanks and line ends that make it readable: they are a third of it.
macro_rules! schema {
    ($kind:literal) => {{
        const TEXT: &str = include_str!(concat!("../../schemas/", $kind, ".json"));
        const LINES: [u8; compact_length(TEXT)] = compact(TEXT);
        ($kind, &LINES)
    }};
}

/// The schemas by the `kind` of the document, in the order of the alphabet.
pub(crate) const SCHEMAS: &[(&str, &[u8])] = &[
    schema!("blockers"),
    schema!("cancel"),
    schema!("check"),
    schema!("conninfo"),
    schema!("doctor"),
    schema!("drain"),
    schema!("error"),
    schema!("health"),
    schema!("kill"),
    schema!("long"),
    schema!("ls"),
    schema!("metrics"),
    schema!("ping"),
    schema!("pooler"),
    schema!("show"),
    schema!("size"),
    schema!("size_lint"),
    schema!("stats"),
    schema!("target_error"),
    schema!("targets"),
    schema!("timeout"),
];

/// How many bytes a text has without its line ends and the blanks that its lines begin with.
const fn compact_length(text: &str) -> usize {
    let (bytes, mut at, mut length, mut begins) = (text.as_bytes(), 0, 0, true);
    while at < bytes.len() {
        begins = bytes[at] == b'\n' || begins && bytes[at] == b' ';
        length += !begins as usize;
        at += 1;
    }
    length
}

/// The text without them.
const fn compact<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let (bytes, mut at, mut length, mut begins) = (text.as_bytes(), 0, 0, true);
    let mut compact = [0; LENGTH];
    while at < bytes.len() {
        begins = bytes[at] == b'\n' || begins && bytes[at] == b' ';
        if !begins {
            compact[length] = bytes[at];
            length += 1;
        }
        at += 1;
    }
    compact
}

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The `kind` of the document; without it, the kinds
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|(kind, _)| *kind)))]
    kind: Option<String>,
}

/// Prints a schema, or the kinds there are.
pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit> {
    context.write(|out| match &args.kind {
        None => SCHEMAS.iter().try_for_each(|(kind, _)| writeln!(out, "{kind}")),
        Some(asked) => SCHEMAS
            .iter()
            .filter(|(kind, _)| kind == asked)
            .try_for_each(|(_, schema)| write_schema(schema, out)),
    })?;
    Ok(Exit::Done)
}

/// Writes a schema as it is committed.
fn write_schema(schema: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
    let schema: serde_json::Value = serde_json::from_slice(schema)?;
    serde_json::to_writer_pretty(&mut *out, &schema)?;
    writeln!(out)
}

/// The schemas as the types have them now; one line for each kind.
#[cfg(test)]
pub(crate) fn generated() -> Vec<(&'static str, schemars::Schema)> {
    use crate::render::json::{error_schema, schema};
    vec![
        ("blockers", schema::<super::blockers::Blockers>("blockers")),
        ("cancel", schema::<super::act::report::ActReport>("cancel")),
        ("check", schema::<super::check::CheckReport>("check")),
        ("conninfo", schema::<super::conninfo::ResolvedSettings>("conninfo")),
        ("doctor", schema::<super::doctor::Doctor>("doctor")),
        ("drain", schema::<super::drain::DrainReport>("drain")),
        ("error", error_schema()),
        ("health", schema::<super::serve::HealthReport>("check")),
        ("kill", schema::<super::act::report::ActReport>("kill")),
        ("long", schema::<super::listing::Sessions>("long")),
        ("ls", schema::<super::listing::Sessions>("ls")),
        ("metrics", schema::<super::metrics::Metrics>("metrics")),
        ("ping", schema::<super::ping::Pings>("ping")),
        ("pooler", schema::<super::pooler::PoolerReport>("pooler")),
        ("show", schema::<super::show::Shows>("show")),
        ("size", schema::<super::size::report::SizeReport>("size")),
        ("size_lint", schema::<super::size::lint::Lint>("size_lint")),
        ("stats", schema::<super::stats::Stats>("stats")),
        (
            "target_error",
            crate::render::json::titled::<super::targets::Unanswered<'static>>(
                "A server of a list that could not be asked, with -F ndjson or --watch --json",
            ),
        ),
        (
            "targets",
            crate::render::json::titled::<super::targets::Document<'static>>(
                "Output of a command over several servers with --json",
            ),
        ),
        ("timeout", schema::<super::timeout::Timeouts>("timeout")),
    ]
}
