//! The synopsis of a page: the command's own flags with their values, the filters, and what stands without a flag, in that order.

use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::args::FILTERS;

/// What the flags of every command come to; the sections of these names list them.
const OF_EVERY_COMMAND: [&str; 2] = ["CONNECTION", "OUTPUT"];

/// Writes it.
pub(super) fn write(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["SYNOPSIS"]);
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut line = vec![bold(name)];
    let own =
        || command.get_arguments().filter(|argument| !argument.is_global_set() && !argument.is_hide_set());
    let is_filter = |argument: &&Arg| argument.get_help_heading() == Some(FILTERS);
    let flags = || own().filter(|argument| !argument.is_positional());
    for argument in flags().filter(|argument| !is_filter(argument)).chain(flags().filter(is_filter)) {
        let mut flag = vec![bold(format!("--{}", argument.get_long().unwrap_or_default()))];
        flag.extend(value(argument));
        if argument.is_required_set() {
            line.push(roman(" "));
            line.extend(flag);
        } else {
            bracketed(&mut line, flag);
        }
    }
    for title in OF_EVERY_COMMAND {
        bracketed(&mut line, vec![italic(title)]);
    }
    for argument in own().filter(|argument| argument.is_positional()) {
        let mut words = if argument.is_last_set() { vec![bold("--"), roman(" ")] } else { Vec::new() };
        words.push(italic(names(argument)));
        if argument.get_num_args().is_some_and(|count| count.max_values() > 1) {
            words.push(roman("..."));
        }
        if argument.is_required_set() {
            line.push(roman(" "));
            line.extend(words);
        } else {
            bracketed(&mut line, words);
        }
    }
    if command.has_subcommands() {
        let name = command.get_subcommand_value_name().unwrap_or("COMMAND");
        if command.is_subcommand_required_set() {
            line.extend([roman(" "), italic(name)]);
        } else {
            bracketed(&mut line, vec![italic(name)]);
        }
    }
    roff.text(line);
}

fn bracketed(line: &mut Vec<Inline>, words: Vec<Inline>) {
    line.push(roman(" ["));
    line.extend(words);
    line.push(roman("]"));
}

/// The value behind a flag, with what stands before it.
fn value(argument: &Arg) -> Vec<Inline> {
    if !argument.get_action().takes_values() {
        return Vec::new();
    }
    let name = italic(names(argument));
    let is_optional = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    match (is_optional, argument.is_require_equals_set()) {
        (true, true) => vec![roman("[="), name, roman("]")],
        (true, false) => vec![roman(" ["), name, roman("]")],
        (false, _) => vec![roman(" "), name],
    }
}

fn names(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(clap::builder::Str::as_str).collect::<Vec<_>>().join(" ")
}
