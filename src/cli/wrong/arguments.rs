//! What is said of a word that a command does not take.

use super::super::meant;
use super::Wrong;
use crate::args;
use crate::model::quote;

impl Wrong<'_> {
    /// What selects sessions, in other words than pgconn's.
    pub(super) fn sessions(&self, typed: &str) -> Option<String> {
        if self.command.is_none() && self.takes("ls", typed) {
            return Some(format!("a command stands before it: pgconn ls {}", self.words.join(" ")));
        }
        if self.command.is_some_and(|command| command.get_name() == "stats") && typed == "--sort" {
            return Some("stats has the largest group first; ls and top have --sort".into());
        }
        self.flag("--idle-for")
            .and_then(|_| meant::flag(typed).map(str::to_owned))
            .or_else(|| self.named(typed))
    }

    /// What was meant where pids and session ids are named, if they are.
    pub(super) fn named(&self, typed: &str) -> Option<String> {
        let names = |argument: &clap::Arg| {
            argument.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains("PID")))
        };
        let takes = self.command.is_some_and(|command| command.get_positionals().any(names));
        takes.then(|| meant::named(&self.name(), typed, &self.words)).flatten()
    }

    /// Whether that command has such a flag.
    fn takes(&self, command: &str, typed: &str) -> bool {
        let command = self.program.find_subcommand(command);
        command
            .into_iter()
            .flat_map(clap::Command::get_arguments)
            .any(|argument| argument.get_long().is_some_and(|long| typed.strip_prefix("--") == Some(long)))
    }

    /// The commands that have such a flag.
    pub(super) fn flag_of_others(&self, typed: &str) -> Option<String> {
        let long = typed.strip_prefix("--")?;
        let has = |command: &&clap::Command| {
            command
                .get_arguments()
                .any(|argument| argument.get_long() == Some(long) && !argument.is_hide_set())
        };
        let others: Vec<&str> =
            self.program.get_subcommands().filter(has).map(clap::Command::get_name).collect();
        match others.as_slice() {
            [] => None,
            [one] => Some(format!("pgconn {one} has it; {}", self.read_on())),
            [first, second] => Some(format!("{first} and {second} have it; {}", self.read_on())),
            // What many have, this one has under another name or has no use for.
            _ => None,
        }
    }

    /// Two flags are about databases, and neither has that name.
    pub(super) fn database_flags(&self, typed: &str) -> Option<String> {
        let near = strsim::osa_distance(typed, "--database") <= 2;
        near.then(|| {
            "--db selects sessions by their database, -d (--dbname) says where to connect".to_owned()
        })
    }

    /// `kill -9 123`: a habit from another kill.
    pub(super) fn signal(&self, typed: &str) -> Option<String> {
        let command = self.command?.get_name();
        if !["kill", "cancel"].contains(&command) {
            return None;
        }
        let whole = self.whole_word(typed).trim_start_matches('-');
        let is_signal = whole.chars().all(|character| character.is_ascii_digit())
            || ["s", "signal", "f", "force", "TERM", "KILL", "INT", "HUP", "QUIT", "SIGTERM", "SIGKILL"]
                .contains(&whole);
        let pid = self.words.iter().rev().find(|word| args::named(word).is_ok()).unwrap_or(&"PID");
        is_signal.then(|| {
            format!("no signal is named: pgconn kill {pid} ends the session, pgconn cancel {pid} only what it runs")
        })
    }

    /// A value that looks like a flag.
    pub(super) fn negative(&self, typed: &str) -> Option<String> {
        let whole = self.whole_word(typed);
        if self.name() == "pgconn timeout set" && whole.starts_with(|first| "-0123456789".contains(first)) {
            let time = meant::positive(whole)?;
            return Some(format!(
                "no time is negative; off switches it off: pgconn timeout set {time} --role NAME"
            ));
        }
        let at = self.words.iter().position(|word| *word == whole)?;
        let before = self.words.get(at.checked_sub(1)?)?;
        let argument = self.flag(before).filter(|argument| argument.get_action().takes_values())?;
        let value_name = argument.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
        meant::negative(before, whole, value_name).or_else(|| {
            Some(format!("a value that begins with - is written {before}={whole}; {}", self.read_on()))
        })
    }

    pub(super) fn flag(&self, typed: &str) -> Option<&clap::Arg> {
        let is_it = |argument: &&clap::Arg| match typed.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long),
            None => typed
                .strip_prefix('-')
                .is_some_and(|short| argument.get_short().map(String::from).as_deref() == Some(short)),
        };
        let own =
            self.inner.into_iter().chain(self.command).flat_map(clap::Command::get_arguments).find(is_it);
        own.or_else(|| self.program.get_arguments().find(is_it))
    }

    /// A word too many.
    pub(super) fn other_word(&self, typed: &str) -> Option<String> {
        if self.words.contains(&"timeout") && self.words.contains(&"set") {
            return None;
        }
        let command = self.command.map(clap::Command::get_name);
        if let (Some("show"), Some(first)) =
            (command, self.words.iter().find(|word| args::named(word).is_ok()))
        {
            return Some(format!("one session at a time: pgconn show {first}"));
        }
        if command == Some("demo") {
            return Some(format!("a command that runs on it stands behind --: pgconn demo -- {typed}"));
        }
        let selects = self.flag("--db").is_some() && self.flag("--idle-for").is_some();
        let named = || {
            let flags = ["--db", "--role"].into_iter().filter(|flag| self.flag(flag).is_some());
            let flags: Vec<String> = flags.map(|flag| format!("{flag} {}", quote::shell(typed))).collect();
            (!flags.is_empty()).then(|| format!("a name stands behind its flag: {}", flags.join(" or ")))
        };
        selects.then(|| meant::name(typed)).or_else(named).or_else(|| {
            let exists = self.program.find_subcommand(typed).is_some();
            exists.then(|| format!("one command at a time; {}", self.read_on()))
        })
    }
}
