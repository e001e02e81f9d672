//! `pgconn-examples(7)`: the three moments as stories. `examples.txt` has the text with the output of each command as a server gave it;
//! a test gives each command to one again.

use std::io;

use clap_mangen::roff::{Roff, bold, roman};

use super::page::clean;
use crate::render::text;

/// The first line is the name; `# ` begins a section, four blanks what was typed and printed, an empty line a paragraph.
const TEXT: &str = include_str!("examples.txt");

/// Columns of a page on a narrow terminal, without its indent.
const COLUMNS: usize = 72;

/// The page.
///
/// # Errors
/// Never, as it is written to memory; the page writer does not know that.
pub(super) fn page() -> io::Result<String> {
    let mut roff = Roff::new();
    let source = concat!("pgconn ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["PGCONN-EXAMPLES", "7", "", source, "pgconn manual"]);
    let (name, text) = TEXT.split_once('\n').unwrap_or_default();
    roff.control("SH", ["NAME"]).text([roman(name)]);
    let (mut is_printed, mut is_gap, mut is_title) = (false, false, false);
    for line in text.lines() {
        let printed = line.strip_prefix("    ");
        if line.is_empty() {
            is_gap = true;
            continue;
        }
        match (is_printed, printed.is_some()) {
            (false, true) => roff.control("PP", []).control("nf", []),
            (true, true) if is_gap => roff.text([roman("")]),
            (true, false) => roff.control("fi", []),
            _ => &mut roff,
        };
        if let Some(title) = line.strip_prefix("# ") {
            roff.control("SH", [title]);
        } else if let Some(typed) = printed.and_then(|printed| printed.strip_prefix("$ ")) {
            roff.text([roman("$ "), bold(typed)]);
        } else if let Some(printed) = printed {
            lines(&mut roff, printed);
        } else {
            if is_gap && !is_title {
                roff.control("PP", []);
            }
            roff.text([roman(line)]);
        }
        is_title = line.starts_with("# ");
        (is_printed, is_gap) = (printed.is_some(), false);
    }
    if is_printed {
        roff.control("fi", []);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("pgconn(1), pgconn-demo(1), pgconn-json(7)")]);
    let mut text = Vec::new();
    roff.to_writer(&mut text)?;
    Ok(clean(&text))
}

/// A printed line. A sentence that is longer than the page is wide goes on below itself; a row of a table, and what is to be pasted,
/// stays whole.
fn lines(roff: &mut Roff, printed: &str) {
    let is_whole =
        printed.trim_start().contains("  ") || printed.starts_with("      ") || printed.contains("pgconn ");
    let lines = if is_whole { vec![printed.to_owned()] } else { text::wrapped(printed, COLUMNS) };
    for line in lines {
        roff.text([roman(line)]);
    }
}
