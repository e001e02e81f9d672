//! What is said of a wrong command line: what is wrong, where, and what to write instead. Knows the commands, runs nothing.

mod arguments;

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{help, meant, pointers};
use crate::args;
use crate::commands::{COMMANDS, timeout};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::nearest::nearest;

/// A wrong command line, and what clap says of it.
struct Wrong<'a> {
    error: &'a clap::Error,
    /// The words after the program's name.
    words: Vec<&'a str>,
    program: &'a clap::Command,
    /// The command that it is most likely for.
    command: Option<&'a clap::Command>,
    /// That command's own command, where it has some.
    inner: Option<&'a clap::Command>,
}

/// Monitoring reads 3 as "unknown": a typing error must not look like an outage.
pub(super) fn usage_exit(argv: &[OsString], program: &clap::Command) -> Exit {
    let judges = match asked(argv, program).map(clap::Command::get_name) {
        Some("check" | "ping") => true,
        Some("doctor") => argv.iter().any(|word| word == "--exit-code"),
        _ => false,
    };
    if judges { Exit::Usage.as_verdict() } else { Exit::Usage }
}

/// The command that a wrong command line is most likely for: the first word that is one, or another name of one.
fn asked<'a>(argv: &[OsString], program: &'a clap::Command) -> Option<&'a clap::Command> {
    argv.iter().skip(1).find_map(|word| program.find_subcommand(word))
}

/// The command of that command's own that it is for.
fn inner<'a>(argv: &[OsString], command: &'a clap::Command) -> Option<&'a clap::Command> {
    let is_it = |word: &&OsString| {
        command.get_name() == word.as_os_str() || command.get_all_aliases().any(|name| *word == name)
    };
    argv.iter().skip(1).skip_while(|word| !is_it(word)).skip(1).find_map(|word| command.find_subcommand(word))
}

/// clap's message in the house's form: one line, and what was probably meant, or where to read on, as the hint.
pub(super) fn usage_error(error: &clap::Error, argv: &[OsString], program: &clap::Command) -> Failure {
    let words: Vec<&str> = argv.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let command = asked(argv, program);
    let inner = command.and_then(|command| inner(argv, command));
    let wrong = Wrong { error, words, program, command, inner };
    let exit = usage_exit(argv, program);
    let message = wrong.message();
    if gives_password(argv, &message) {
        let failure = Failure::usage("--password takes no value".to_owned());
        let failure = failure.hinted("it asks for one; PGPASSWORD or a password file give it without asking");
        return Failure { exit, ..failure };
    }
    let hint = misplaced_uri(&message)
        .or_else(|| timeout::misplaced_setting(argv))
        .or_else(|| detached_interval(argv))
        .or_else(|| wrong.hint())
        .unwrap_or_else(|| wrong.read_on());
    Failure { exit, ..Failure::usage(message).hinted(hint) }
}

/// A word behind --watch that was meant to be its value, although another meaning could be found for it.
pub(super) fn stray_interval(argv: &[OsString], program: fn() -> clap::Command) -> Option<Failure> {
    let hint = format!("{}; a pid stands before --watch", detached_interval(argv)?);
    let failure = Failure::usage("the value of --watch stands behind an equals sign").hinted(hint);
    Some(Failure { exit: usage_exit(argv, &program()), ..failure })
}

impl Wrong<'_> {
    fn context(&self, kind: ContextKind) -> Option<&str> {
        match self.error.get(kind) {
            Some(ContextValue::String(word)) => Some(word.as_str()),
            Some(ContextValue::Strings(words)) => words.first().map(String::as_str),
            _ => None,
        }
    }

    fn contexts(&self, kind: ContextKind) -> Vec<&str> {
        match self.error.get(kind) {
            Some(ContextValue::Strings(words)) => words.iter().map(String::as_str).collect(),
            Some(ContextValue::String(word)) => vec![word.as_str()],
            _ => Vec::new(),
        }
    }

    /// The argument that is wrong, or that has a wrong value.
    fn argument(&self) -> &str {
        self.context(ContextKind::InvalidArg).unwrap_or_default()
    }

    /// What was typed for it.
    fn value(&self) -> &str {
        self.context(ContextKind::InvalidValue).unwrap_or_default()
    }

    /// The command, as it is called.
    fn name(&self) -> String {
        let names = self.command.into_iter().chain(self.inner).map(clap::Command::get_name);
        std::iter::once("pgconn").chain(names).collect::<Vec<_>>().join(" ")
    }

    /// The word that was typed of which this is a part: flags of one letter can be written as one.
    fn whole_word<'w>(&'w self, part: &'w str) -> &'w str {
        let is_whole = |word: &&&str| word.starts_with('-') && !word.starts_with("--");
        let letter = part.trim_start_matches('-');
        let mut clusters = self.words.iter().filter(is_whole).filter(|word| word.contains(letter));
        clusters.next().copied().filter(|_| !part.starts_with("--") && part.starts_with('-')).unwrap_or(part)
    }

    /// What is wrong, and where.
    fn message(&self) -> String {
        let of = self.name();
        match self.error.kind() {
            ErrorKind::UnknownArgument if !self.argument().is_empty() => {
                let typed = self.argument();
                let whole = self.whole_word(typed);
                match (typed.starts_with('-'), whole == typed) {
                    (true, true) => format!("unexpected argument '{typed}': {of} has no such flag"),
                    (true, false) => {
                        format!("unexpected argument '{whole}': {of} has no flag {typed}")
                    }
                    (false, _) => format!("unexpected argument '{typed}': {of} takes no such word there"),
                }
            }
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                format!("{of} needs a command, and there is none")
            }
            ErrorKind::ValueValidation if !self.argument().is_empty() => {
                let reason = self.error.source().map(ToString::to_string).unwrap_or_default();
                let (value, argument) = (self.value(), self.argument());
                format!("invalid value '{value}' for '{argument}': {}", plain(&reason))
            }
            ErrorKind::InvalidValue if self.value().is_empty() => {
                format!("a value is required for '{}' and there is none", self.argument())
            }
            ErrorKind::InvalidValue => {
                format!("invalid value '{}' for '{}'", self.value(), self.argument())
            }
            _ => self.said(),
        }
    }

    /// clap's own message, in one line.
    fn said(&self) -> String {
        let text = self.error.render().to_string();
        let lines = text.lines().map(str::trim);
        let message: Vec<&str> = lines
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
            .filter(|line| !line.starts_with("tip:") && !line.is_empty())
            .collect();
        let message = message.join(" ");
        message.strip_prefix("error: ").unwrap_or(&message).replace("subcommand", "command")
    }

    /// What to write instead.
    fn hint(&self) -> Option<String> {
        match self.error.kind() {
            ErrorKind::InvalidSubcommand => self.other_command(),
            ErrorKind::UnknownArgument => self.other_argument(),
            ErrorKind::InvalidValue => self.possible(),
            ErrorKind::ValueValidation => self.other_value(),
            ErrorKind::MissingSubcommand if self.command.is_none() => {
                Some("begin with pgconn stats; pgconn --help lists the commands".to_owned())
            }
            ErrorKind::MissingRequiredArgument
                if self
                    .contexts(ContextKind::InvalidArg)
                    .first()
                    .is_some_and(|first| first.starts_with("--db"))
                    && self
                        .words
                        .iter()
                        .any(|word| word.starts_with("-d") || word.starts_with("--dbname")) =>
            {
                let name = self.name();
                Some(format!("-d says where to connect, --db which database is meant: {name} --db NAME"))
            }
            ErrorKind::MissingRequiredArgument => {
                let missing = self.contexts(ContextKind::InvalidArg).join(" ");
                Some(format!("write {} {missing}; {}", self.name(), self.read_on()))
            }
            ErrorKind::TooManyValues => {
                let flag = self.argument().split([' ', '[']).next().unwrap_or_default();
                Some(format!("{flag} takes no value: write {flag}; {}", self.read_on()))
            }
            ErrorKind::ArgumentConflict => Some(format!("leave one of them out; {}", self.read_on())),
            _ => None,
        }
        .or_else(|| self.tip())
    }

    /// What a parser of the command's own says beside its message; what clap says of any argument is of no use.
    fn tip(&self) -> Option<String> {
        let text = self.error.render().to_string();
        let mut tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
        tips.find(|tip| !tip.contains("similar") && !tip.starts_with("to pass")).map(str::to_owned)
    }

    fn other_command(&self) -> Option<String> {
        let typed = self.context(ContextKind::InvalidSubcommand)?;
        // It can stand before a word that is a command.
        if (self.command.is_none() || self.words.first() == Some(&typed))
            && let Some(pointer) = pointers::command(typed)
        {
            return Some(pointer);
        }
        // What clap suggests can be another name of a command, or one of a command's own; it suggests what is hardly alike, too.
        if self.words.first() == Some(&"help") && ["examples", "json"].contains(&typed) {
            return Some(format!("a page of the manual: pgconn man {typed}"));
        }
        let suggested = self.contexts(ContextKind::SuggestedSubcommand);
        let own = self.command.filter(|command| command.has_subcommands());
        let topics = help::TOPICS.into_iter().filter(|_| self.words.first() == Some(&"help"));
        let names = COMMANDS.iter().map(|entry| entry.name).chain(topics).filter(|_| own.is_none());
        let meant = nearest(typed, suggested.iter().copied().chain(names));
        if self.command.is_none() && self.words.first() == Some(&typed) && !typed.is_empty() {
            return Some(meant::command(typed, meant));
        }
        meant.map(|meant| format!("did you mean {meant}?")).or_else(|| {
            let names: Vec<&str> = own?.get_subcommands().map(clap::Command::get_name).collect();
            Some(format!("its commands are {}; {}", names.join(", "), self.read_on()))
        })
    }

    fn other_argument(&self) -> Option<String> {
        let typed = self.argument();
        if !typed.starts_with('-') {
            return self.other_word(typed);
        }
        if let Some(hint) = self
            .sessions(typed)
            .or_else(|| self.database_flags(typed))
            .or_else(|| self.negative(typed))
            .or_else(|| self.signal(typed))
        {
            return Some(hint);
        }
        if typed == "-=" {
            return Some("a flag that takes no value has none behind an equals sign".to_owned());
        }
        // Flags that only end alike mean something else: --sort is not --port.
        let initial = |flag: &str| flag.trim_start_matches('-').chars().next();
        let meant = self.context(ContextKind::SuggestedArg);
        let meant = meant.filter(|meant| {
            initial(meant) == initial(typed) && nearest(typed, [*meant].into_iter()).is_some()
        });
        // --no-… is alike whatever follows.
        let meant = meant.filter(|meant| strsim::osa_distance(typed, meant) <= typed.len() / 2);
        meant.map(|meant| format!("did you mean {meant}?")).or_else(|| self.flag_of_others(typed))
    }

    /// Which values there are.
    fn possible(&self) -> Option<String> {
        let (typed, argument) = (self.value(), self.argument());
        let values = self.contexts(ContextKind::ValidValue);
        if typed.is_empty() && values.is_empty() {
            return Some(format!("write {argument}; {}", self.read_on()));
        }
        let meant = pointers::value(typed).filter(|meant| values.contains(meant));
        let prefix = || values.iter().copied().find(|value| typed.len() > 1 && value.starts_with(typed));
        let meant = meant.or_else(prefix).or_else(|| nearest(typed, values.iter().copied()));
        let meant = meant
            .filter(|_| !typed.is_empty())
            .map(|meant| format!("did you mean {meant}? "))
            .unwrap_or_default();
        (!values.is_empty()).then(|| format!("{meant}possible values: {}", values.join(", ")))
    }

    fn other_value(&self) -> Option<String> {
        let (typed, argument) = (self.value(), self.argument());
        if argument.contains("PID|SESSION_ID") {
            let is_name = !typed.starts_with(|first: char| first.is_ascii_digit());
            if let Some(hint) =
                self.named(typed).or_else(|| self.signal(typed).filter(|_| typed.starts_with('-')))
            {
                return Some(hint);
            }
            return Some(match args::duration(typed) {
                Ok(_) if self.flag("--over").is_some() => format!("a duration: pgconn long --over {typed}"),
                _ if is_name && self.flag("--db").is_some() => meant::name(typed),
                _ => "find pids and session ids with pgconn ls".to_owned(),
            });
        }
        let flag = argument.split([' ', '[']).next().unwrap_or_default();
        let example = |value: &str| match flag.starts_with('<') {
            true => format!("write it like {value}; {}", self.read_on()),
            false => format!("write it like {flag} {value}; {}", self.read_on()),
        };
        let is_duration = argument.contains("DUR");
        let digits = !typed.is_empty() && typed.chars().all(|character| character.is_ascii_digit());
        Some(match () {
            () if argument == "<DUR|off>" && digits && typed.trim_matches('0').is_empty() => {
                "pgconn timeout set off --role NAME".to_owned()
            }
            () if argument == "<DUR|off>" && digits => format!("pgconn timeout set {typed}s --role NAME"),
            () if argument.starts_with("--watch") && digits && typed != "0" => {
                format!("write --watch={typed}s")
            }
            () if argument.starts_with("--watch") => format!("write it like --watch=5s; {}", self.read_on()),
            () if is_duration && digits => match self.unit_after(typed) {
                Some(unit) => format!("a duration is one word: write {flag} {typed}{unit}"),
                None => example(&format!("{typed}s")),
            },
            () if is_duration => example("30s"),
            () if argument.contains("<N>") => example("10"),
            () if argument.contains("<PCT>") => example("15"),
            () if argument.contains("ADDR:PORT") => example("127.0.0.1:10432"),
            () => return None,
        })
    }

    /// The unit that stands behind this number as a word of its own.
    fn unit_after(&self, typed: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| *word == typed)?;
        self.words.get(at + 1).copied().filter(|word| ["ms", "s", "m", "h", "d"].contains(word))
    }

    /// Where the help is.
    fn read_on(&self) -> String {
        match self.name().strip_prefix("pgconn ") {
            Some(name) => format!("try pgconn help {name}"),
            None => "try pgconn --help".into(),
        }
    }
}

/// A parser's reason in words that do not come from its workshop.
fn plain(reason: &str) -> String {
    match reason {
        "invalid digit found in string" => "it is not a whole number".into(),
        "cannot parse integer from empty string" => "it is empty, and a whole number is wanted".into(),
        "number too large to fit in target type" => "it is too large".into(),
        "invalid socket address syntax" => "it is not an address with a port".into(),
        other => match other
            .split_once(" is not in ")
            .and_then(|(value, range)| Some((value, range.split_once("..=")?)))
        {
            Some((value, (low, high))) => format!("{value} is not in the range from {low} to {high}"),
            None => other.to_owned(),
        },
    }
}

/// Whether a password was typed behind the flag that asks for one, which a message would repeat.
fn gives_password(argv: &[OsString], message: &str) -> bool {
    let attached = |text: &str| text.starts_with("--password=") || text.starts_with("-W") && text.len() > 2;
    argv.iter().filter_map(|argument| argument.to_str()).any(attached)
        || argv.windows(2).any(|pair| match pair {
            [flag, value] if flag == "-W" || flag == "--password" => {
                let value = value.to_string_lossy();
                !value.is_empty() && !value.starts_with('-') && message.contains(&*value)
            }
            _ => false,
        })
}

/// psql takes the URI as an argument without a flag, and fingers remember that.
fn misplaced_uri(message: &str) -> Option<String> {
    let is_quoted = ["'postgresql://", "'postgres://"].iter().any(|start| message.contains(start));
    is_quoted.then(|| "name the URI with -d".to_owned())
}

/// A value of --watch stands behind an equals sign.
fn detached_interval(argv: &[OsString]) -> Option<String> {
    let typed: Vec<&OsString> = argv.iter().take_while(|word| *word != "--").collect();
    typed.windows(2).find_map(|pair| {
        let [flag, value] = pair else { return None };
        let value = value.to_str().filter(|_| *flag == "--watch")?;
        let is_number = !value.is_empty() && value.chars().all(|character| character.is_ascii_digit());
        match is_number {
            true => Some(format!("write --watch={value}s")),
            false => args::duration(value).ok().map(|_| format!("write --watch={value}")),
        }
    })
}
