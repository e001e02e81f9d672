//! The short help of a command: what it is, two examples, and its own flags in a line each, on a screen of 24 lines as far as they
//! allow. Texts only.

use std::fmt::Write as _;

use clap::builder::Styles;
use clap::{Arg, ArgAction, Command};

use crate::args::FILTERS;
use crate::commands::manual::Example;

/// Lines on a small terminal, with one left for the prompt.
const SCREEN: usize = 23;
/// The widest column of flags: what is wider pushes only its own line.
const WIDEST_FLAG: usize = 27;
/// A blank at which no line is broken.
const TIED: char = '\u{a0}';
/// How long a list of values may be; beyond that it fills the screen.
const MOST_VALUES: usize = 140;

/// What can be shortened where everything is more than a screen.
#[derive(Clone, Copy)]
struct Shape {
    /// Every filter with its meaning, or all of them in a few lines.
    filters_whole: bool,
    /// What each example is for stands above it.
    wishes: bool,
}

/// The whole text for `command`, which is built; `examples` are its own; for a screen of `width` columns.
pub(super) fn text(command: &Command, examples: &[Example], width: usize) -> String {
    let shapes = [(true, true), (true, false), (false, true), (false, false)];
    let shapes = shapes.map(|(filters_whole, wishes)| Shape { filters_whole, wishes });
    let mut text = String::new();
    for shape in shapes {
        text = shaped(command, examples, width, shape);
        if text.lines().count() <= SCREEN {
            return text;
        }
    }
    // Who has that many flags has no room for gaps.
    text.replace("\n\n", "\n")
}

fn shaped(command: &Command, examples: &[Example], width: usize, shape: Shape) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let mut text = format!("{about}\n{usage}\n\n");
    for (wish, line) in examples.iter().take(2) {
        if shape.wishes {
            let colon = if wish.ends_with('?') { "" } else { ":" };
            let _ = writeln!(text, "  {wish}{colon}");
            let _ = writeln!(text, "      {line}");
        } else {
            let _ = writeln!(text, "  {line}");
        }
    }
    let (filters, own): (Vec<&Arg>, Vec<&Arg>) = own_arguments(command)
        .filter(|argument| !argument.is_hide_short_help_set())
        .partition(|argument| argument.get_help_heading() == Some(FILTERS));
    let mut rows: Vec<(String, String)> =
        own.iter().filter(|argument| argument.is_positional()).map(|argument| row(argument)).collect();
    rows.extend(own.iter().filter(|argument| !argument.is_positional()).map(|argument| row(argument)));
    let commands = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let commands: Vec<_> = commands
        .map(|inner| {
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            (inner.get_name().to_owned(), about)
        })
        .collect();
    let filter_rows: Vec<_> = filters.iter().map(|argument| row(argument)).collect();
    let of_filters: &[_] = if shape.filters_whole { &filter_rows } else { &[] };
    let flags = rows.iter().chain(of_filters).map(|(flag, _)| flag.len());
    let column = flags.filter(|wide| *wide <= WIDEST_FLAG).max().unwrap_or_default();
    if !commands.is_empty() {
        let title = command.get_subcommand_help_heading().unwrap_or("Commands");
        let _ = writeln!(text, "\n{}", heading(&format!("{title}:")));
        let column = commands.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        lines(&mut text, &commands, column, width);
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{}", heading("Options:"));
        lines(&mut text, &rows, column, width);
    }
    if shape.filters_whole && !filters.is_empty() {
        let _ = writeln!(text, "{}", heading(&format!("{FILTERS}:")));
        lines(&mut text, &filter_rows, column, width);
    } else if !filters.is_empty() {
        let _ = writeln!(text, "{} pgconn help filters", heading("Filters:"));
        for line in folded(&in_few_words(&filters), "  ", width.saturating_sub(2)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push_str("And the flags of every command: pgconn help flags. More of each: --help");
    text
}

/// A heading as clap writes its own.
pub(super) fn heading(title: &str) -> String {
    let style = Styles::styled().get_header().to_owned();
    format!("{style}{title}{style:#}")
}

/// The arguments that `command` alone takes, as they were declared.
pub(super) fn own_arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let arguments = command.get_arguments();
    arguments.filter(|argument| !argument.is_global_set() && !argument.is_hide_set())
}

/// A flag as it is written, and what it does.
pub(super) fn row(argument: &Arg) -> (String, String) {
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if !argument.is_hide_possible_values_set() && argument.get_action().takes_values() {
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| value.get_name().to_owned())
            .collect();
        let values = values.join(", ");
        if values.len() > MOST_VALUES {
            help.push_str("; --help lists them");
        } else if !values.is_empty() {
            let _ = write!(help, ": {values}");
        }
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        let _ = write!(help, " [default: {}]", defaults.join(" "));
    }
    (spelling(argument), help)
}

/// How `argument` is typed, with the flag of one letter before it, or the room of one.
fn spelling(argument: &Arg) -> String {
    let value = value(argument);
    let Some(long) = argument.get_long() else { return value };
    let short = argument.get_short().map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
    format!("{short}--{long}{value}")
}

/// The value that `argument` takes, with what stands before and behind it.
fn value(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let names: Vec<String> =
        argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let names = names.join(" ");
    let is_optional = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    match (argument.is_positional(), argument.is_require_equals_set()) {
        (true, _) if matches!(argument.get_action(), ArgAction::Append) => format!("{names}..."),
        (true, _) => names,
        (false, true) if is_optional => format!("[={names}]"),
        (false, _) => format!(" {names}"),
    }
}

/// Filters by their names alone, those that take the same kind of value together.
fn in_few_words(filters: &[&Arg]) -> Vec<String> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for argument in filters {
        let flag = format!("--{}", argument.get_long().unwrap_or_default());
        let value = value(argument);
        match parts.last_mut() {
            Some((flags, same)) if *same == value && !value.is_empty() => {
                let _ = write!(flags, " {flag}");
            }
            _ => parts.push((flag, value)),
        }
    }
    parts.into_iter().map(|(flags, value)| format!("{flags}{value}")).collect()
}

/// Writes rows in two columns, the first of them `column` wide; what does not fit goes on below itself.
pub(super) fn lines(text: &mut String, rows: &[(String, String)], column: usize, width: usize) {
    for (flag, help) in rows {
        let column =
            if flag.len() > column && flag.len() + help.len() + 4 <= width { flag.len() } else { column };
        let words: Vec<String> =
            help.replace("[default: ", &format!("[default:{TIED}")).split(' ').map(str::to_owned).collect();
        let mut flag = flag.as_str();
        if flag.len() > column {
            let _ = writeln!(text, "  {flag}");
            flag = "";
        }
        for line in folded(&words, " ", width.saturating_sub(column + 4).max(20)) {
            let line = format!("  {flag:<column$}  {line}").replace(TIED, " ");
            let _ = writeln!(text, "{}", line.trim_end());
            flag = "";
        }
    }
}

/// `parts` with `gap` between them in lines of `room` columns.
fn folded(parts: &[String], gap: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in parts {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(part);
        } else if line.chars().count() + gap.len() + part.chars().count() <= room {
            line.push_str(gap);
            line.push_str(part);
        } else {
            lines.push(part.clone());
        }
    }
    lines
}
