//! A proposed command as data: a program and its arguments. What is pasted of it is made here alone, word by word, so that no name
//! among them can become something else, and with the flags that lead to the server that it is about.

use std::borrow::Cow;
use std::fmt;

use super::filter::Name;
use super::quote;

/// The flags that lead to a server, a word each. Without any, the environment leads there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lead {
    /// To the server.
    pub(crate) server: Vec<String>,
    /// To one of its databases.
    pub(crate) database: Vec<String>,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Pgconn,
    /// Its arguments name the database.
    Psql,
}

/// A command that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    program: Program,
    arguments: Vec<String>,
}

impl Command {
    /// `pgconn` with these words, which blanks separate.
    pub(crate) fn pgconn(words: &'static str) -> Self {
        let arguments = words.split_whitespace().map(str::to_owned).collect();
        Self { program: Program::Pgconn, arguments }
    }

    /// `psql` in this database.
    pub(crate) fn psql(database: &str, sql: &'static str) -> Self {
        Self { program: Program::Psql, arguments: Vec::new() }.with("-d", database).with("-c", sql)
    }

    /// Shows the prepared transactions, in the database in which those of `database` can be ended.
    pub(crate) fn psql_prepared(database: &str) -> Self {
        Self::psql(database, "select * from pg_prepared_xacts order by prepared")
    }

    /// Adds a word that stands for itself; nothing can follow one that looks like a flag.
    pub(crate) fn word(mut self, word: &str) -> Self {
        if word.starts_with('-') {
            self.arguments.push("--".to_owned());
        }
        self.arguments.push(word.to_owned());
        self
    }

    /// Adds a flag and its value.
    pub(crate) fn with(mut self, flag: &str, value: &str) -> Self {
        self.arguments.extend(option(flag, value));
        self
    }

    /// Adds a filter that means exactly `name`.
    pub(crate) fn only(self, flag: &str, name: &str) -> Self {
        self.with(flag, &Name::pattern(name))
    }

    /// Its words, with those that lead to the server.
    fn words(&self, lead: &Lead) -> Vec<String> {
        let (program, database) = match self.program {
            Program::Pgconn => ("pgconn", lead.database.as_slice()),
            Program::Psql => ("psql", &[][..]),
        };
        let led = lead.server.iter().chain(database).chain(&self.arguments);
        std::iter::once(program.to_owned()).chain(led.cloned()).collect()
    }

    /// The line to paste into a shell.
    pub(crate) fn shown(&self, lead: &Lead) -> String {
        self.words(lead).iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A flag and its value, as words: one of them when the value looks like a flag.
pub(crate) fn option(flag: &str, value: &str) -> Vec<String> {
    match value.starts_with('-') {
        true if flag.starts_with("--") => vec![format!("{flag}={value}")],
        true => vec![format!("{flag}{value}")],
        false => vec![flag.to_owned(), value.to_owned()],
    }
}

/// A word for a shell; a flag's name needs no quotes.
fn shell(word: &str) -> Cow<'_, str> {
    let is_flag = word.starts_with('-') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_flag { Cow::Borrowed(word) } else { Cow::Owned(quote::shell(word)) }
}

/// What to start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Suggestion {
    Command(Command),
    /// SQL that changes the server, each name in it quoted.
    Statement(String),
}

impl Suggestion {
    /// The line to paste, into a shell or a session.
    pub(crate) fn shown(&self, lead: &Lead) -> String {
        match self {
            Self::Command(command) => command.shown(lead),
            Self::Statement(sql) => sql.clone(),
        }
    }

    /// Whether a server that takes no changes is the wrong one for it.
    pub(crate) fn is_for_primary(&self) -> bool {
        match self {
            Self::Command(command) => {
                let sets = command.arguments.first().is_some_and(|first| first == "timeout");
                command.program == Program::Psql || sets
            }
            Self::Statement(_) => true,
        }
    }
}

impl From<Command> for Suggestion {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// What to do next in words, with commands among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hint(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(Cow<'static, str>),
    Command(Command),
}

impl Hint {
    /// Adds words at the end.
    pub(crate) fn then(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    /// Adds a command at the end.
    pub(crate) fn call(mut self, command: Command) -> Self {
        self.0.push(Part::Command(command));
        self
    }

    /// The line, its commands led to the server.
    pub(crate) fn shown(&self, lead: &Lead) -> String {
        let part = |part: &Part| match part {
            Part::Words(words) => words.to_string(),
            Part::Command(command) => command.shown(lead),
        };
        self.0.iter().map(part).collect()
    }

    /// Changes every text in it: words, and the arguments of commands.
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        let part = |part| match part {
            Part::Words(words) => Part::Words(Cow::Owned(change(&words))),
            Part::Command(Command { program, arguments }) => {
                let arguments = arguments.iter().map(|word| change(word)).collect();
                Part::Command(Command { program, arguments })
            }
        };
        Self(self.0.into_iter().map(part).collect())
    }
}

impl From<&'static str> for Hint {
    fn from(words: &'static str) -> Self {
        Self::default().then(words)
    }
}

impl From<String> for Hint {
    fn from(words: String) -> Self {
        Self::default().then(words)
    }
}

impl From<Command> for Hint {
    fn from(command: Command) -> Self {
        Self::default().call(command)
    }
}

/// As it stands, for whoever is where the environment leads.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(&Lead::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The words that a POSIX shell makes of a line in which nothing is to be expanded.
    fn parsed(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match (quote, character) {
                (None, ' ') => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(character);
                    word.get_or_insert_default();
                }
                (None, '\\') => word.get_or_insert_default().extend(characters.next()),
                (Some(open), end) if open == end => quote = None,
                (Some('"'), '$' | '`' | '\\' | '!') => panic!("a shell expands {character} in {line}"),
                (None, other) if !other.is_alphanumeric() && !"_-.:/@=".contains(other) => {
                    panic!("{other} means something to a shell in {line}")
                }
                (_, other) => word.get_or_insert_default().push(other),
            }
        }
        assert_eq!(quote, None, "{line}");
        words.extend(word);
        words
    }

    fn lead(names: [&str; 3]) -> Lead {
        let [host, user, database] = names;
        Lead { server: [option("-h", host), option("-U", user)].concat(), database: option("-d", database) }
    }

    #[test]
    fn a_command_leads_to_the_server_whatever_its_names() {
        let lead = lead(["db1", "app", "shop"]);
        for (name, line) in [
            ("web", "pgconn -h db1 -U app -d shop ls --role web"),
            ("pgconn app; x", "pgconn -h db1 -U app -d shop ls --role 'pgconn app; x'"),
            ("$(reboot)", "pgconn -h db1 -U app -d shop ls --role '$(reboot)'"),
            ("-x", "pgconn -h db1 -U app -d shop ls '--role=-x'"),
            ("", "pgconn -h db1 -U app -d shop ls --role ''"),
        ] {
            assert_eq!(Command::pgconn("ls").with("--role", name).shown(&lead), line);
        }
        let glob = Command::pgconn("stats").only("--db", "pgconn *").shown(&Lead::default());
        assert_eq!(glob, "pgconn stats --db 'pgconn \\*'");
        let named = Command::pgconn("pooler resume").word("--all").shown(&Lead::default());
        assert_eq!(named, "pgconn pooler resume -- --all");
    }

    #[test]
    fn psql_names_its_database_itself() {
        let select = "-c 'select * from pg_prepared_xacts order by prepared'";
        let shown = |database: &str, lead: &Lead| Command::psql_prepared(database).shown(lead);
        assert_eq!(shown("it's", &Lead::default()), format!("psql -d \"it's\" {select}"));
        assert_eq!(shown("a", &lead(["db1", "app", "shop"])), format!("psql -h db1 -U app -d a {select}"));
    }

    #[test]
    fn words_around_a_command_are_no_command() {
        let hint = Hint::from("role pgconn app: see ").call(Command::pgconn("ls")).then(" and pgconn app");
        assert_eq!(hint.to_string(), "role pgconn app: see pgconn ls and pgconn app");
        let led = hint.map(|text| text.replace("app", "web")).shown(&lead(["h", "u", "d"]));
        assert_eq!(led, "role pgconn web: see pgconn -h h -U u -d d ls and pgconn web");
    }

    #[test]
    fn what_changes_a_server_is_for_the_primary() {
        let statement = Suggestion::Statement("CREATE ROLE monitor".into());
        assert!(
            statement.is_for_primary() && statement.shown(&lead(["h", "u", "d"])) == "CREATE ROLE monitor"
        );
        assert!(Suggestion::from(Command::psql_prepared("a")).is_for_primary());
        assert!(!Suggestion::from(Command::pgconn("ls")).is_for_primary());
    }

    proptest! {
        #[test]
        fn what_is_shown_comes_back_word_for_word(
            names in proptest::array::uniform5("\\PC{0,12}|-[a-z]{0,3}|pgconn [a-z; '\"]{0,9}|[a-z$`!\\\\\"' ]{0,9}")
        ) {
            let [host, user, database, role, session] = names.each_ref().map(String::as_str);
            let lead = lead([host, user, database]);
            let command = Command::pgconn("kill --yes").only("--role", role).word(session);
            let words = command.words(&lead);
            prop_assert_eq!(parsed(&command.shown(&lead)), words.clone());
            let expected = [
                vec!["pgconn".to_owned()], lead.server.clone(), lead.database.clone(), command.arguments.clone(),
            ];
            prop_assert_eq!(words, expected.concat());
            let psql = Command::psql_prepared(database);
            let expected = [vec!["psql".to_owned()], lead.server.clone(), psql.arguments.clone()];
            prop_assert_eq!(parsed(&psql.shown(&lead)), expected.concat());
        }
    }
}
