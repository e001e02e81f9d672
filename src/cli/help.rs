//! How help is laid out: one screen for the program, and for each command its flags with examples, exit status and
//! environment. The texts are the commands' own.

use std::fmt::Write as _;

use clap::Command;
use clap::builder::Styles;

use crate::commands::manual::{Group, Manual, Meanings, PROGRAM};
use crate::commands::{COMMANDS, Entry};

/// What stands for the global flags in the short help of a command.
const SUMMARY: &[(&str, &str)] = &[
    ("Connection:", "-h HOST -p PORT -U ROLE -d DBNAME|URI -S SERVICE -w -W -t DUR"),
    ("Output:", "--json -F FORMAT -o FILE --watch --full --no-query -q -v"),
];

/// The command line with its help: short help on one screen, everything in the long one.
pub(super) fn dressed(program: Command) -> Command {
    let screen = screen(&program);
    let mut program = program
        .mut_args(|argument| if argument.is_global_set() { argument.hide_short_help(true) } else { argument })
        .help_template("{before-help}{all-args}{after-help}")
        .before_help(screen)
        .after_long_help(sections(&PROGRAM));
    for Entry { name, manual, .. } in COMMANDS {
        program = program.mut_subcommand(name, |command| {
            command
                .after_help(format!(
                    "{}Help:        pgconn help {name}: every flag, with examples",
                    summary()
                ))
                .after_long_help(sections(manual))
        });
    }
    // Hidden for the program's own screen, which groups them.
    program.mut_subcommands(|command| command.hide(true))
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

fn summary() -> String {
    SUMMARY.iter().map(|(title, flags)| format!("{title:<13}{flags}\n")).collect()
}

/// Examples, exit status and environment.
fn sections(manual: &Manual) -> String {
    let mut text = format!("{}\n", heading("Examples:"));
    for (wish, line) in manual.examples {
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

/// A heading as clap writes its own.
fn heading(title: &str) -> String {
    let style = Styles::styled().get_header().to_owned();
    format!("{style}{title}{style:#}")
}

fn lowered(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
