//! `pgconn man`: manual pages, one per command and `pgconn-json(7)`, made from the same texts as the help.

mod json;

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Command, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::manual::{Group, Manual, PROGRAM};
use super::schema::SCHEMAS;
use super::{COMMANDS, Context, Entry};
use crate::exit::Exit;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("Read the manual without installing it", "pgconn man"),
        ("Read the page of a command", "pgconn man kill"),
        ("Install every page for this user", "pgconn man ~/.local/share/man"),
    ],
)
.offline();

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Command whose page goes to stdout (that of pgconn when none is named), or the folder for all pages, each below its
    /// section (man1, man7); ./kill is a folder
    #[arg(value_name = "COMMAND|DIR", value_hint = ValueHint::DirPath)]
    wanted: Option<PathBuf>,
}

/// Prints the first page, or writes them all.
pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit> {
    let pages = pages((context.program)(), SCHEMAS)?;
    let one = match args.wanted.as_ref().map(|wanted| wanted.to_str()) {
        None => Some("pgconn.1".to_owned()),
        Some(word) => word.and_then(|word| (context.program)().find_subcommand(word).map(page_of)),
    };
    if let Some((_, page)) = pages.iter().find(|(name, _)| Some(name) == one.as_ref()) {
        context.write(|out| out.write_all(page.as_bytes()))?;
        return Ok(Exit::Done);
    }
    let Some(dir) = &args.wanted else { return Ok(Exit::Done) };
    for (name, page) in &pages {
        let section = name.rsplit('.').next().unwrap_or_default();
        let folder = dir.join(format!("man{section}"));
        let path = folder.join(name);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, page))
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    context.ui.status(&format!("wrote {} pages below {}", pages.len(), dir.display()));
    Ok(Exit::Done)
}

/// The file name of a command's page.
fn page_of(command: &Command) -> String {
    format!("pgconn-{}.1", command.get_name())
}

/// Every page with its file name; `schemas` are those of [`SCHEMAS`].
///
/// # Errors
/// Never, as they are written to memory; the page writer does not know that.
pub(crate) fn pages(program: Command, schemas: &[(&str, &[u8])]) -> io::Result<Vec<(String, String)>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = vec![("pgconn.1".to_owned(), page("pgconn", &program, &PROGRAM)?)];
    for Entry { name, manual, .. } in COMMANDS {
        if let Some(command) = program.find_subcommand(name) {
            collect(&format!("pgconn-{name}"), command, manual, &mut pages)?;
        }
    }
    pages.push(("pgconn-json.7".to_owned(), json::page(schemas)?));
    Ok(pages)
}

/// The page of `command` and those of its own commands.
fn collect(
    name: &str,
    command: &Command,
    manual: &Manual,
    pages: &mut Vec<(String, String)>,
) -> io::Result<()> {
    pages.push((format!("{name}.1"), page(name, command, manual)?));
    for inner in command.get_subcommands() {
        collect(&format!("{name}-{}", inner.get_name()), inner, manual, pages)?;
    }
    Ok(())
}

fn page(name: &str, command: &Command, manual: &Manual) -> io::Result<String> {
    let man = Man::new(command.clone().name(name.to_owned()))
        .title(name.to_uppercase())
        .source(concat!("pgconn ", env!("CARGO_PKG_VERSION")))
        .manual("pgconn manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXAMPLES"]);
    for (wish, line) in manual.examples {
        rest.control("TP", []).text([roman(*wish)]).text([bold(*line)]);
    }
    meanings(&mut rest, "EXIT STATUS", manual.exits);
    let environment: Vec<_> = manual.environment().copied().collect();
    meanings(&mut rest, "ENVIRONMENT", &environment);
    meanings(&mut rest, "FILES", manual.files());
    rest.control("SH", ["SEE ALSO"]);
    let others =
        if name == "pgconn" { "pgconn-json(7), psql(1)" } else { "pgconn(1), pgconn-json(7), psql(1)" };
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
fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let definition = [".ie \\n(.g .ds Aq \\(aq", ".el .ds Aq '"];
    let lines = text.lines().map(str::trim_end).filter(|line| !definition.contains(line));
    // A page has no date: it is the same whenever it is made. The page writer drops the empty argument.
    let body: String = lines
        .map(|line| if line.starts_with(".TH ") { line.replacen("  ", " \"\" ", 1) } else { line.to_owned() } + "\n")
        .collect();
    format!("{}\n{}\n{body}", definition[0], definition[1])
}
