//! From reports to text. Knows tables, JSON and terminals, not PostgreSQL; does no I/O but on the writer it is given.

mod align;
pub(crate) mod columns;
pub(crate) mod frame;
pub(crate) mod json;
pub(crate) mod nagios;
pub(crate) mod outcomes;
pub(crate) mod prometheus;
pub(crate) mod prose;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tsv;

use std::io::{self, Write};
use std::time::SystemTime;

use clap::ValueEnum;
use serde::Serialize;

use crate::model::metric::Family;
use crate::model::server::{Server, Target};

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

/// How a table may look where it goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// Columns of the terminal; none when the output is not one, and then nothing is cut.
    pub(crate) width: Option<usize>,
    /// Whether to colour.
    pub(crate) color: bool,
    /// Whether long texts are shown whole even on a terminal.
    pub(crate) full: bool,
}

/// Something the reader must know to read the result rightly.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Warning {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// What stands around every payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// Where the answer comes from; none when nothing was connected to.
    pub(crate) target: Option<Target>,
    /// The server that answered.
    pub(crate) server: Option<Server>,
    /// What the reader must know.
    pub(crate) warnings: Vec<Warning>,
    /// Whether people are to be reminded that it is production.
    pub(crate) is_production: bool,
    /// When it was found out, where that was before it is written.
    pub(crate) found_at: Option<SystemTime>,
}

impl Head {
    /// How the server's name is shown, where it is not to be overlooked that it is production.
    pub(crate) fn reminding(&self, mark: table::Mark, place: String) -> (table::Mark, String) {
        if self.is_production { (table::Mark::Bad, format!("{place}  production")) } else { (mark, place) }
    }
}

/// What a result comes to in one line of a list of servers.
#[derive(Clone, Debug)]
pub(crate) struct Headline {
    /// How much it asks to be looked at.
    pub(crate) mark: table::Mark,
    /// The line, without the server's name.
    pub(crate) text: String,
}

/// A result that can be shown in every format.
pub(crate) trait Report: json::Payload {
    /// The JSON `kind`: the command's name.
    fn kind(&self) -> &'static str;
    /// The payload's lists under their keys; their elements are the rows of `ndjson`.
    fn lists(&self) -> Vec<json::List<'_>>;
    /// The blocks of the human form, top to bottom.
    fn blocks(&self, head: &Head) -> Vec<table::Block<'_>>;
    /// The rows of the tab-separated form.
    fn tsv(&self) -> tsv::Rows<'_>;
    /// What it comes to in one line, for reports that can be of several servers.
    fn headline(&self) -> Headline {
        Headline { mark: table::Mark::Plain, text: String::new() }
    }
    /// The metrics that it consists of, for reports that do.
    fn families(&self) -> &[Family] {
        &[]
    }
    /// Writes the form that only reports of this kind have; `commands` asks for it of no others.
    ///
    /// # Errors
    /// When `out` cannot be written, or there is no such form.
    fn write_own(&self, _out: &mut dyn Write) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
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
        Format::Ndjson => json::write_rows(report, head, out),
        Format::Tsv => report.tsv().write(out),
        Format::Nagios | Format::Prometheus => report.write_own(out),
    }
}
