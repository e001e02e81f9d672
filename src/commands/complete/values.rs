//! Where the values of an argument come from: the command line itself, files, or the server. Pure but for the service file and the
//! list of servers, which are read.

use clap::{Arg, ArgAction, Command, ValueHint};

use super::super::check;
use super::super::doctor;
use super::line::{Line, Spot};
use crate::args::FILTERS;
use crate::conninfo::{Environment, of_file, of_services};
use crate::model::completion::LiveKind;

/// A whole word, and what it is.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) word: String,
    pub(super) note: String,
}

/// What to offer.
pub(super) enum Source {
    /// These.
    Known(Vec<Candidate>),
    /// What the server, or the pooler, knows.
    Live(Live),
    /// Names of files.
    Files,
    /// Names of folders.
    Folders,
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) kind: LiveKind,
    /// Names are patterns, and can have a `!` before them.
    pub(super) is_filter: bool,
    /// It is the console of a pooler that knows.
    pub(super) at_console: bool,
}

/// What can stand at the cursor of `line`.
pub(super) fn of(line: &Line<'_>) -> Source {
    match line.spot {
        Spot::Flag => Source::Known(flags(line)),
        Spot::Value(argument) => values(line, argument),
        Spot::Word(position) => {
            let commands = commands(line);
            match position.map(|argument| values(line, argument)) {
                Some(Source::Known(values)) => Source::Known([commands, values].concat()),
                None => Source::Known(commands),
                Some(other) => other,
            }
        }
        Spot::Behind(_) => Source::Known(Vec::new()),
    }
}

fn candidate(word: impl Into<String>, note: impl Into<String>) -> Candidate {
    Candidate { word: word.into(), note: note.into() }
}

/// The commands of the command that the line is for, and what `help` tells of besides them.
fn commands(line: &Line<'_>) -> Vec<Candidate> {
    // A command of a command comes first: behind another word there is none.
    if line.given.iter().any(|(argument, _)| argument.is_positional()) {
        return Vec::new();
    }
    let is_offered = |command: &&Command| {
        !(command.is_hide_set() || command.get_name() == "help" && line.path() == ["help"])
    };
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let inner = line.command().get_subcommands().filter(is_offered);
    let mut offered: Vec<_> = inner.map(|command| candidate(command.get_name(), about(command))).collect();
    if line.path() == ["help"] {
        offered.push(candidate("flags", "The flags of every command"));
        offered.push(candidate("filters", "How sessions are selected"));
    }
    offered
}

/// The flags that can still be given.
fn flags(line: &Line<'_>) -> Vec<Candidate> {
    let is_given = |argument: &Arg| line.given.iter().any(|(given, _)| given.get_id() == argument.get_id());
    let repeats = |argument: &Arg| matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
    let offered = |argument: &&Arg| !argument.is_hide_set() && (repeats(argument) || !is_given(argument));
    // The command's own first.
    let (common, own): (Vec<&Arg>, Vec<&Arg>) =
        line.command().get_arguments().filter(offered).partition(|argument| argument.is_global_set());
    let flag = |argument: &Arg| {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        Some(candidate(format!("--{}", argument.get_long()?), help))
    };
    own.into_iter().chain(common).filter_map(flag).collect()
}

fn values(line: &Line<'_>, argument: &Arg) -> Source {
    let id = argument.get_id().as_str();
    let name = argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let path = line.path();
    let at_console = path.first() == Some(&"pooler");
    let live = |kind| {
        Source::Live(Live { kind, is_filter: argument.get_help_heading() == Some(FILTERS), at_console })
    };
    match (id, name) {
        ("db", "NAME") | ("database", "DB") => live(LiveKind::Database),
        ("role", "NAME") => live(LiveKind::Role),
        ("app", "NAME") => live(LiveKind::Application),
        ("client", "ADDR") => live(LiveKind::Client),
        ("dbname", _) if line.typed.contains(['=', '/']) => Source::Known(Vec::new()),
        ("dbname", _) => Source::Live(Live { kind: LiveKind::Database, is_filter: false, at_console: false }),
        ("username", _) => Source::Live(Live { kind: LiveKind::Role, is_filter: false, at_console: false }),
        (_, "PID|SESSION_ID") => live(LiveKind::Session),
        ("service", _) => Source::Known(services()),
        // A socket's folder begins with a slash; what hosts there are nobody knows.
        ("host", _) if line.typed.starts_with('/') => Source::Folders,
        ("only", _) => Source::Known(servers(line)),
        (_, "RULE=RANGE") => {
            Source::Known(check::rules().map(|rule| candidate(format!("{rule}="), "")).collect())
        }
        (_, "PAGE") => Source::Known(pages(line)),
        _ => match argument.get_value_hint() {
            ValueHint::FilePath => Source::Files,
            ValueHint::DirPath => Source::Folders,
            _ => Source::Known(possible(line, argument)),
        },
    }
}

/// The values that the argument has a list of; in a list with commas, the one behind the last comma.
fn possible(line: &Line<'_>, argument: &Arg) -> Vec<Candidate> {
    let before = match argument.get_value_delimiter() {
        Some(comma) => line.typed.rfind(comma).map_or("", |at| &line.typed[..=at]),
        None => "",
    };
    let taken: Vec<&str> = before.split(',').collect();
    let exclude = if line.typed[before.len()..].starts_with('!') { "!" } else { "" };
    let values = argument.get_possible_values();
    let offered = values.iter().filter(|value| !value.is_hide_set() && !taken.contains(&value.get_name()));
    let note = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string).unwrap_or_default();
    offered
        .map(|value| candidate(format!("{before}{exclude}{}", value.get_name()), note(value.get_help())))
        .collect()
}

/// The entries of the service file.
fn services() -> Vec<Candidate> {
    let found = of_services(&["*".to_owned()], &Environment::of_process()).unwrap_or_default();
    found.into_iter().map(|spec| candidate(spec.name, "")).collect()
}

/// The servers of the list that was named; at doctor, its rules, too.
fn servers(line: &Line<'_>) -> Vec<Candidate> {
    let read = |path: &str| {
        let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
        is_file.then(|| std::fs::read_to_string(path).ok()).flatten()
    };
    let text = line.value_of("targets").and_then(read).unwrap_or_default();
    let listed = of_file(&text, "").unwrap_or_default().into_iter().map(|spec| candidate(spec.name, ""));
    let rules = doctor::rule_names().filter(|_| line.path() == ["doctor"]).map(|rule| candidate(rule, ""));
    listed.chain(rules).collect()
}

/// The pages of the manual: a command, or a command of the one before.
fn pages(line: &Line<'_>) -> Vec<Candidate> {
    let Some(program) = line.commands.first() else { return Vec::new() };
    let mut command = *program;
    for (_, word) in line.given.iter().filter(|(argument, _)| argument.is_positional()) {
        match command.find_subcommand(word) {
            Some(inner) => command = inner,
            None => return Vec::new(),
        }
    }
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut pages: Vec<_> = inner.map(|inner| candidate(inner.get_name(), about(inner))).collect();
    if std::ptr::eq(command, *program) {
        pages.push(candidate("json", "What scripts may rely on"));
        pages.push(candidate("examples", "An incident, every minute, planning: stories"));
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every argument of every command, with the line that it is on.
    fn each(program: &Command, look: &mut dyn FnMut(&Line<'_>, &Arg)) {
        fn walk<'c>(commands: &[&'c Command], look: &mut dyn FnMut(&Line<'_>, &Arg)) {
            let Some(command) = commands.last() else { return };
            for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
                let line = Line {
                    commands: commands.to_vec(),
                    given: Vec::new(),
                    spot: Spot::Value(argument),
                    before: String::new(),
                    typed: String::new(),
                };
                look(&line, argument);
            }
            for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
                walk(&[commands, &[inner]].concat(), look);
            }
        }
        walk(&[program], look);
    }

    #[test]
    fn a_file_is_offered_where_one_is_meant_and_nowhere_else() {
        let mut program = crate::cli::command();
        program.build();
        let mut seen = 0;
        each(&program, &mut |line, argument| {
            let names = argument.get_value_names().unwrap_or_default();
            let is_named = |what: &str| names.iter().any(|name| name.as_str() == what);
            let (files, folders) = match values(line, argument) {
                Source::Files => (true, false),
                Source::Folders => (false, true),
                Source::Known(_) | Source::Live(_) => (false, false),
            };
            assert_eq!((files, folders), (is_named("FILE"), is_named("DIR")), "{:?} {argument}", line.path());
            seen += 1;
        });
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn every_list_of_values_is_offered() {
        let mut program = crate::cli::command();
        program.build();
        each(&program, &mut |line, argument| {
            let known = match values(line, argument) {
                Source::Known(known) => known.len(),
                _ => return,
            };
            let shown = argument.get_possible_values().iter().filter(|value| !value.is_hide_set()).count();
            assert!(known >= shown, "{:?} {argument}", line.path());
        });
    }
}
