//! The page of one command, in roff.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::synopsis;
use crate::commands::manual::Manual;

/// The page of a command, which is called `name` with `-` for each blank.
pub(super) fn page(name: &str, command: &Command, manual: &Manual) -> io::Result<String> {
    let man = Man::new(command.clone().name(name.to_owned()))
        .title(name.to_uppercase())
        .source(concat!("pgconn ", env!("CARGO_PKG_VERSION")))
        .manual("pgconn manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    let mut synopsis = Roff::new();
    synopsis::write(&mut synopsis, command);
    synopsis.to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXAMPLES"]);
    for (wish, line) in manual.examples_of(&name.replacen('-', " ", 2)) {
        rest.control("TP", []).text([roman(wish)]).text([bold(line)]);
    }
    meanings(&mut rest, "EXIT STATUS", manual.exits);
    let environment: Vec<_> = manual.environment().copied().collect();
    meanings(&mut rest, "ENVIRONMENT", &environment);
    meanings(&mut rest, "FILES", manual.files());
    rest.control("SH", ["SEE ALSO"]);
    let others = if name == "pgconn" {
        "pgconn-examples(7), pgconn-json(7), psql(1)"
    } else {
        "pgconn(1), pgconn-examples(7), pgconn-json(7), psql(1)"
    };
    rest.text([roman(others)]);
    rest.to_writer(&mut text)?;
    Ok(clean(&text))
}

fn meanings(roff: &mut Roff, title: &str, meanings: &[(&str, &str)]) {
    if meanings.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    for (name, meaning) in meanings {
        roff.control("TP", []).text([bold(*name)]).text([roman(*meaning)]);
    }
}

/// The page as one text: every part begins with the same definition of an apostrophe, which is wanted once, and ends
/// some lines in blanks.
pub(super) fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let definition = [".ie \\n(.g .ds Aq \\(aq", ".el .ds Aq '"];
    let lines = text.lines().map(str::trim_end).filter(|line| !definition.contains(line));
    // A page has no date: it is the same whenever it is made. The page writer drops the empty argument.
    let body: String = lines
        .map(|line| if line.starts_with(".TH ") { line.replacen("  ", " \"\" ", 1) } else { line.to_owned() } + "\n")
        .collect();
    format!("{}\n{}\n{body}", definition[0], definition[1])
}
