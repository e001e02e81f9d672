//! `pgconn schema`: the JSON Schemas of everything that pgconn prints as JSON. They are generated from the types that
//! are printed, committed, and held equal to them by a test.

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

/// The schemas by the `kind` of the document, in the order of the alphabet.
pub(crate) const SCHEMAS: &[(&str, &str)] = &[
    ("blockers", include_str!("../../schemas/blockers.json")),
    ("cancel", include_str!("../../schemas/cancel.json")),
    ("check", include_str!("../../schemas/check.json")),
    ("conninfo", include_str!("../../schemas/conninfo.json")),
    ("doctor", include_str!("../../schemas/doctor.json")),
    ("drain", include_str!("../../schemas/drain.json")),
    ("error", include_str!("../../schemas/error.json")),
    ("kill", include_str!("../../schemas/kill.json")),
    ("long", include_str!("../../schemas/long.json")),
    ("ls", include_str!("../../schemas/ls.json")),
    ("metrics", include_str!("../../schemas/metrics.json")),
    ("ping", include_str!("../../schemas/ping.json")),
    ("pooler", include_str!("../../schemas/pooler.json")),
    ("size", include_str!("../../schemas/size.json")),
    ("size_lint", include_str!("../../schemas/size_lint.json")),
    ("stats", include_str!("../../schemas/stats.json")),
    ("timeout", include_str!("../../schemas/timeout.json")),
];

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The `kind` of the document; all kinds are listed without it
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
            .try_for_each(|(_, schema)| out.write_all(schema.as_bytes())),
    })?;
    Ok(Exit::Done)
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
        ("kill", schema::<super::act::report::ActReport>("kill")),
        ("long", schema::<super::listing::Sessions>("long")),
        ("ls", schema::<super::listing::Sessions>("ls")),
        ("metrics", schema::<super::metrics::Metrics>("metrics")),
        ("ping", schema::<super::ping::Pings>("ping")),
        ("pooler", schema::<super::pooler::PoolerReport>("pooler")),
        ("size", schema::<super::size::report::SizeReport>("size")),
        ("size_lint", schema::<super::size::lint::Lint>("size_lint")),
        ("stats", schema::<super::stats::Stats>("stats")),
        ("timeout", schema::<super::timeout::Timeouts>("timeout")),
    ]
}
