//! How help is laid out: one screen for the program and one for each command; the long form has every flag with examples, exit
//! status and environment. The texts are the commands' own.

mod short;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::Command;

use crate::args::FILTERS;
use crate::commands::manual::{Group, Manual, Meanings, PROGRAM};
use crate::commands::{COMMANDS, Entry};
use short::heading;

/// The command whose filters are those of every command.
const WITH_FILTERS: &str = "ls";
/// What filters come to, behind the list of them.
const HOW_FILTERS_SELECT: &str = "\
A session is selected when it fits every flag: one of the flag's values, and
none of those with ! in front (--app 'batch*' --app '!batch-test'). In names
\\* and a leading \\! are the characters. Keep * and ! from the shell with quotes.
--state takes several with commas, and PostgreSQL's own words. Durations have a
unit: 500ms, 30s, 5m, 1h30m. These flags serve ls, long, stats, blockers, top,
check, cancel and kill; kill -n shows what they select.
";

/// What `pgconn help` tells of besides commands.
pub(super) const TOPICS: [&str; 2] = ["flags", "filters"];

/// The help on a topic that is no command, when `argv` asks for one; for a screen of `width` columns.
pub(super) fn topic(program: Command, argv: &[OsString], width: usize) -> Option<String> {
    let [_, help, topic] = argv else { return None };
    let topic = topic.to_str().filter(|topic| help == "help" && TOPICS.contains(topic))?;
    let mut program = program;
    program.build();
    let mut text = String::new();
    if topic == "filters" {
        let filters = program.find_subcommand(WITH_FILTERS)?;
        let filters =
            short::own_arguments(filters).filter(|argument| argument.get_help_heading() == Some(FILTERS));
        let _ = writeln!(text, "{}", heading(&format!("{FILTERS}:")));
        section(&mut text, filters, width);
        let _ = write!(text, "\n{HOW_FILTERS_SELECT}");
        return Some(text);
    }
    let _ = writeln!(text, "The flags of every command, before it or behind it; more of each: pgconn --help");
    let mut headings: Vec<&str> = Vec::new();
    for heading in program.get_arguments().filter_map(clap::Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for title in headings {
        let _ = writeln!(text, "\n{}", heading(&format!("{title}:")));
        let of_it = program.get_arguments().filter(|argument| argument.get_help_heading() == Some(title));
        section(&mut text, of_it, width);
    }
    Some(text)
}

fn section<'a>(text: &mut String, arguments: impl Iterator<Item = &'a clap::Arg>, width: usize) {
    let rows: Vec<_> = arguments.map(short::row).collect();
    let column = rows.iter().map(|(flag, _)| flag.len()).max().unwrap_or_default();
    short::lines(text, &rows, column, width);
}

/// The command line with its short help, each command's on one screen of `width` columns.
pub(super) fn dressed(program: Command, width: usize) -> Command {
    let mut built = program.clone();
    built.build();
    let mut program = program.override_help(screen(&built));
    for Entry { name, manual, .. } in COMMANDS {
        if let Some(command) = built.find_subcommand(name) {
            program = program.mut_subcommand(name, |plain| shortened(plain, command, manual, width));
        }
    }
    program
}

/// One command with its short help on one screen of `width` columns, and its own commands with theirs; `built` knows how it is
/// called.
fn shortened(plain: Command, built: &Command, manual: &Manual, width: usize) -> Command {
    let name = built.get_bin_name().unwrap_or_default();
    let examples = manual.examples_of(name);
    let plain = plain.override_help(short::text(built, &examples, width));
    plain.mut_subcommands(|inner| match built.find_subcommand(inner.get_name()) {
        Some(command) => shortened(inner, command, manual, width),
        None => inner,
    })
}

/// The command line with its long help: everything that there is to say.
pub(super) fn dressed_long(program: Command) -> Command {
    let screen = screen(&program);
    let mut program = program
        .help_template("{before-help}{all-args}{after-help}")
        .before_help(screen)
        .after_help(sections(&PROGRAM, "pgconn"));
    for Entry { name, manual, .. } in COMMANDS {
        program =
            program.mut_subcommand(name, |command| explained(command, &format!("pgconn {name}"), manual));
    }
    // Hidden for the program's own screen, which groups them.
    program.mut_subcommands(|command| command.hide(true))
}

fn explained(command: Command, name: &str, manual: &Manual) -> Command {
    let command = command.after_help(sections(manual, name));
    command.mut_subcommands(|inner| {
        let name = format!("{name} {}", inner.get_name());
        explained(inner, &name, manual)
    })
}

/// The commands in their groups, on a screen of 24 lines.
fn screen(program: &Command) -> String {
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!(
        "{}: {}\nUsage: pgconn [CONNECTION] COMMAND [OPTIONS]\n\n",
        program.get_name(),
        lowered(&about)
    );
    for group in Group::ALL {
        let of_group = || COMMANDS.iter().filter(|entry| entry.manual.group == group);
        if group == Group::Utility {
            // What is rarely looked for has one line, so that all fits where a prompt stands below it.
            let names: Vec<&str> = of_group().map(|entry| entry.name).collect();
            let _ = writeln!(text, "{:<7}  {}", group.title(), names.join(", "));
            continue;
        }
        for (at, Entry { name, .. }) in of_group().enumerate() {
            let Some(command) = program.find_subcommand(name) else { continue };
            let title = if at == 0 { group.title() } else { "" };
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "{title:<7}  {name:<11}  {}", lowered(&about));
        }
    }
    text + "\nBegin with pgconn stats. -h -p -U -d as in psql. pgconn COMMAND -h, --help: more"
}

/// Examples, exit status and environment of the command of this name.
fn sections(manual: &Manual, name: &str) -> String {
    let mut text = format!("{}\n", heading("Examples:"));
    for (wish, line) in manual.examples_of(name) {
        let colon = if wish.ends_with('?') { "" } else { ":" };
        let _ = writeln!(text, "  {wish}{colon}\n      {line}");
    }
    let _ = write!(text, "\n{}\n{}", heading("Exit status:"), exits(manual.exits));
    let _ = write!(text, "\n{}", heading("Environment:"));
    for (name, meaning) in manual.environment() {
        let _ = write!(text, "\n  {name}:\n      {meaning}");
    }
    text
}

fn exits(exits: Meanings) -> String {
    exits.iter().map(|(code, meaning)| format!("  {code:<3}  {meaning}\n")).collect()
}

fn lowered(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
