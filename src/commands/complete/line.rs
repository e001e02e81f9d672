//! An unfinished command line: which command it is for, what was given so far, and what stands at the cursor. Pure.

use clap::{Arg, ArgAction, Command};

/// What stands at the cursor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot<'c> {
    /// A word: the name of a command, or the value of this argument without a flag.
    Word(Option<&'c Arg>),
    /// A flag.
    Flag,
    /// The value of this argument's flag.
    Value(&'c Arg),
    /// A word behind `--`: the command line that begins at this word is another program's, or ours.
    Behind(usize),
}

/// The line, as far as the cursor.
#[derive(Debug)]
pub(super) struct Line<'c> {
    /// The commands, the program itself first.
    pub(super) commands: Vec<&'c Command>,
    /// What was given, each argument with its value.
    pub(super) given: Vec<(&'c Arg, String)>,
    /// What stands at the cursor.
    pub(super) spot: Spot<'c>,
    /// What stands before the value in the word at the cursor: `--db=`, `-d`.
    pub(super) before: String,
    /// The part of the value that is there.
    pub(super) typed: String,
}

impl<'c> Line<'c> {
    /// Reads `words`, those behind the program's name, the last of which the cursor is in. `program` is built.
    pub(super) fn read(program: &'c Command, words: &[String]) -> Self {
        let (last, words) = words.split_last().map_or(("", words), |(last, words)| (last.as_str(), words));
        let mut line = Self {
            commands: vec![program],
            given: Vec::new(),
            spot: Spot::Word(None),
            before: String::new(),
            typed: last.to_owned(),
        };
        let (mut pending, mut positions): (Option<&Arg>, usize) = (None, 0);
        for (at, word) in words.iter().enumerate() {
            if let Some(argument) = pending.take() {
                line.given.push((argument, word.clone()));
            } else if word == "--" {
                line.spot = Spot::Behind(at + 1);
                return line;
            } else if let Some(found) = line.flag(word) {
                pending = found.take_in(&mut line);
            } else if let Some(inner) = line.inner(word) {
                line.commands.push(inner);
                positions = 0;
            } else if !word.starts_with('-') {
                if let Some(argument) = line.position(positions) {
                    line.given.push((argument, word.clone()));
                }
                positions += 1;
            }
        }
        line.at_cursor(pending, positions);
        line
    }

    fn at_cursor(&mut self, pending: Option<&'c Arg>, positions: usize) {
        if let Some(argument) = pending {
            self.spot = Spot::Value(argument);
            return;
        }
        let last = self.typed.clone();
        let attached = self.flag(&last).filter(|found| found.value.is_some());
        if let Some((found, argument)) = attached.and_then(|found| Some((found, found.argument?))) {
            let value = found.value.unwrap_or_default();
            self.before = last.strip_suffix(value).unwrap_or_default().to_owned();
            self.typed = value.to_owned();
            self.spot = Spot::Value(argument);
        } else if last.starts_with('-') {
            self.spot = Spot::Flag;
        } else {
            self.spot = Spot::Word(self.position(positions));
        }
    }

    /// The command that it is for.
    pub(super) fn command(&self) -> &'c Command {
        // There is the program at least.
        self.commands[self.commands.len() - 1]
    }

    /// How the commands are called, without the program.
    pub(super) fn path(&self) -> Vec<&'c str> {
        self.commands.iter().skip(1).map(|command| command.get_name()).collect()
    }

    /// What was given last for the flag of this id.
    pub(super) fn value_of(&self, id: &str) -> Option<&str> {
        let mut given = self.given.iter().rev();
        given.find(|(argument, _)| argument.get_id() == id).map(|(_, value)| value.as_str())
    }

    fn inner(&self, word: &str) -> Option<&'c Command> {
        self.command().find_subcommand(word)
    }

    /// The argument without a flag that stands at this place; the last one takes all that follow when it takes several.
    fn position(&self, at: usize) -> Option<&'c Arg> {
        let positions = || self.command().get_positionals().filter(|argument| !argument.is_last_set());
        let takes_more = |argument: &&'c Arg| matches!(argument.get_action(), ArgAction::Append);
        positions().nth(at).or_else(|| positions().last().filter(takes_more))
    }

    /// What the word says when it is a flag.
    fn flag<'w>(&self, word: &'w str) -> Option<Flag<'c, 'w>> {
        let arguments = || self.command().get_arguments();
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let argument = arguments().find(|argument| argument.get_long() == Some(name));
            return (!long.is_empty()).then_some(Flag { argument, value });
        }
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        for (at, letter) in letters.char_indices() {
            let argument = arguments().find(|argument| argument.get_short() == Some(letter))?;
            if takes_value(argument) {
                let value = Some(&letters[at + letter.len_utf8()..]).filter(|value| !value.is_empty());
                return Some(Flag { argument: Some(argument), value });
            }
        }
        let last = letters.chars().last();
        Some(Flag { argument: arguments().find(|argument| argument.get_short() == last), value: None })
    }
}

/// A flag, with the value that is attached to it.
#[derive(Clone, Copy)]
struct Flag<'c, 'w> {
    /// Which; none when there is no such flag.
    argument: Option<&'c Arg>,
    value: Option<&'w str>,
}

impl<'c> Flag<'c, '_> {
    /// Notes it as given; the argument when its value is still to come.
    fn take_in(self, line: &mut Line<'c>) -> Option<&'c Arg> {
        let argument = self.argument?;
        let waits = takes_value(argument) && !argument.is_require_equals_set() && self.value.is_none();
        if waits {
            return Some(argument);
        }
        line.given.push((argument, self.value.unwrap_or_default().to_owned()));
        None
    }
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let mut program = crate::cli::command();
        program.build();
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let line = Line::read(&program, &words);
        let spot = match line.spot {
            Spot::Word(argument) => {
                format!("word {}", argument.map_or("-", |argument| argument.get_id().as_str()))
            }
            Spot::Flag => "flag".to_owned(),
            Spot::Value(argument) => format!("value {}", argument.get_id()),
            Spot::Behind(at) => format!("behind {at}"),
        };
        format!("{}: {spot} {}|{}", line.path().join(" "), line.before, line.typed)
    }

    #[test]
    fn the_cursor_stands_where_a_shell_says() {
        for (line, expected) in [
            ("", ": word - |"),
            ("ki", ": word - |ki"),
            ("kill ", "kill: word named |"),
            ("kill 47 48", "kill: word named |48"),
            ("-p 5433 kill --db sh", "kill: value db |sh"),
            ("kill --db=sh", "kill: value db --db=|sh"),
            ("kill -dsh", "kill: value dbname -d|sh"),
            ("ls -qvdsh", "ls: value dbname -qvd|sh"),
            ("ls -qv ", "ls: word named |"),
            ("ls --watch ", "ls: word named |"),
            ("ls --nosuch x", "ls: word named |x"),
            ("kill --d", "kill: flag |--d"),
            ("kill -", "kill: flag |-"),
            ("timeout se", "timeout: word - |se"),
            ("timeout set 5s --role ", "timeout set: value role |"),
            ("terminate --app ", "kill: value app |"),
            ("drain --db a -- dropdb --if", "drain: behind 4 |--if"),
            ("pooler pause sh", "pooler pause: word database |sh"),
            ("help timeout ", "help timeout: word - |"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }
}
