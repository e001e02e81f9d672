//! From reports to text. Knows tables, JSON and terminals, not PostgreSQL; does no I/O but on the writer it is given.

mod align;
pub(crate) mod columns;
pub(crate) mod frame;
mod head;
pub(crate) mod json;
mod look;
pub(crate) mod nagios;
pub(crate) mod outcomes;
pub(crate) mod prometheus;
pub(crate) mod prose;
mod report;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tsv;

use std::io::{self, Write};

use clap::ValueEnum;

pub(crate) use head::{Head, Warning};
pub(crate) use look::Look;
pub(crate) use report::{Headline, Report};

/// The forms in which a result can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One document
    Json,
    /// One row per line
    Ndjson,
    /// Tab-separated values with a header line
    Tsv,
    /// The line that monitoring plugins print, with performance data (check only)
    Nagios,
    /// Prometheus' text format (metrics only, and its default)
    Prometheus,
}

impl Format {
    /// True when scripts read it: errors are JSON then.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }

    /// True when each result is a document, in which the warnings travel; with `--watch` each line of ndjson is one.
    pub(crate) const fn is_document(self, watched: bool) -> bool {
        matches!(self, Self::Json) || (matches!(self, Self::Ndjson) && watched)
    }
}

/// Writes `report` as `format`.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(
    report: &dyn Report,
    head: &Head,
    format: Format,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(&report.blocks(head), look, out),
        Format::Json => report.write_document(report.kind(), head, look.width.is_some(), out),
        Format::Ndjson => match report.lists().as_slice() {
            [] => report.write_document(report.kind(), head, false, out),
            lists => json::write_rows(lists, out),
        },
        Format::Tsv => report.tsv().write(out),
        Format::Nagios | Format::Prometheus => report.write_own(out),
    }
}
