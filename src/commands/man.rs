//! `pgconn man`: manual pages, one per command, `pgconn-json(7)` and `pgconn-examples(7)`, made from the same texts as the help.

mod examples;
mod json;
mod page;
mod shown;
mod synopsis;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Command, ValueHint};

use super::context::Context;
use super::manual::{Group, Manual, PROGRAM};
use super::schema::SCHEMAS;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::nearest::nearest;
use crate::model::quote;
use page::page;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("Read the page of a command", "pgconn man kill"),
        ("An incident, every minute, planning: stories", "pgconn man examples"),
        ("What scripts may rely on", "pgconn man json"),
        ("Read the page of a command's command", "pgconn man timeout set"),
        ("Install every page for this user", "pgconn man --dir ~/.local/share/man"),
    ],
)
.variables(&[("MANPAGER", "what shows a page, as for man itself")])
.offline();

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Command whose page it is, or json, or examples
    ///
    /// Without one it is pgconn's.
    ///
    /// At a terminal man shows the page; into a file or a pipe it goes as it is, in roff.
    #[arg(value_name = "PAGE", conflicts_with = "dir")]
    wanted: Vec<String>,
    /// Write every page below this folder
    ///
    /// Each below its section: man1, man7.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

/// The pages that are of no command.
const ALONE: [&str; 2] = ["json", "examples"];

/// Shows or prints the page, or writes them all; `commands` are all that there are, by their names.
pub(crate) async fn run(args: Args, commands: &[(&str, &Manual)], context: &mut Context) -> Result<Exit> {
    let pages = pages((context.program)(), commands, SCHEMAS)?;
    if let Some(dir) = &args.dir {
        return write_all(&pages, dir, context);
    }
    let program = (context.program)();
    let Some((name, page)) = find(&pages, &args.wanted, &program) else {
        return Err(no_page(&pages, &args.wanted).into());
    };
    let at_terminal = context.output.borrow().look().width.is_some();
    if at_terminal {
        let called = name.split('.').next().unwrap_or_default().replace('-', " ");
        let is_command = args.wanted.iter().all(|word| !ALONE.contains(&word.as_str()));
        let instead = if is_command { format!("; {called} --help says the same") } else { String::new() };
        return shown::show(name, page, &instead, context).await;
    }
    context.write(|out| out.write_all(page.as_bytes()))?;
    Ok(Exit::Done)
}

fn write_all(pages: &[(String, String)], dir: &Path, context: &Context) -> Result<Exit> {
    for (name, page) in pages {
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

/// The page that these words name: a command by any of its names, a command's command, or a page by its own name.
fn find<'a>(
    pages: &'a [(String, String)],
    wanted: &[String],
    program: &Command,
) -> Option<&'a (String, String)> {
    let mut words = wanted.to_vec();
    let is_own =
        |word: &String| word.strip_prefix("pgconn-").map(str::to_owned).unwrap_or_else(|| word.clone());
    words.first_mut().into_iter().for_each(|first| *first = is_own(first));
    if let Some(command) = words.first().and_then(|first| program.find_subcommand(first)) {
        words[0] = command.get_name().to_owned();
    }
    let name =
        std::iter::once("pgconn").chain(words.iter().map(String::as_str).filter(|word| *word != "pgconn"));
    let name = name.collect::<Vec<_>>().join("-");
    pages.iter().find(|(page, _)| page.split('.').next() == Some(&name))
}

/// There is no page of that name; what was probably meant.
fn no_page(pages: &[(String, String)], wanted: &[String]) -> Failure {
    let typed = wanted.join(" ");
    let failure = Failure::usage(format!("there is no page \"{typed}\""));
    if typed.contains('/') || Path::new(&typed).is_dir() {
        let dir = quote::shell(&typed);
        return failure.hinted(format!("every page is written below a folder with pgconn man --dir {dir}"));
    }
    let name = typed.replace(' ', "-");
    let names = pages.iter().filter_map(|(page, _)| page.split('.').next()?.strip_prefix("pgconn-"));
    match nearest(&name, names) {
        Some(near) => failure.hinted(format!("did you mean pgconn man {near}?")),
        None => failure
            .hinted("there is one for each command, json and examples: pgconn --help lists the commands"),
    }
}

/// Every page with its file name; `commands` are all that there are, by their names, `schemas` those of [`SCHEMAS`].
///
/// # Errors
/// Never, as they are written to memory; the page writer does not know that.
pub(crate) fn pages(
    program: Command,
    commands: &[(&str, &Manual)],
    schemas: &[(&str, &[u8])],
) -> io::Result<Vec<(String, String)>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = vec![("pgconn.1".to_owned(), page("pgconn", &program, &PROGRAM)?)];
    for (name, manual) in commands {
        if let Some(command) = program.find_subcommand(name) {
            collect(&format!("pgconn-{name}"), command, manual, &mut pages)?;
        }
    }
    pages.push(("pgconn-json.7".to_owned(), json::page(schemas)?));
    pages.push(("pgconn-examples.7".to_owned(), examples::page()?));
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
