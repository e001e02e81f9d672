//! What a result is, whatever the form in which it is shown.

use std::io::{self, Write};

use super::head::Head;
use super::{json, table, tsv};
use crate::model::metric::Family;

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
