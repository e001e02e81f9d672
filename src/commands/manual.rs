//! What help and man pages say beyond the flags: groups, examples, exit status, environment, files. Texts only.

/// The groups of commands, in the order of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Only looks.
    Look,
    /// Ends, cancels, sets.
    Act,
    /// Judges, for machines and people.
    Monitor,
    /// Calculates.
    Plan,
    /// Speaks to a connection pooler.
    Pooler,
    /// Everything around it.
    Utility,
}

impl Group {
    /// The order of the help.
    pub(crate) const ALL: [Self; 6] =
        [Self::Look, Self::Act, Self::Monitor, Self::Plan, Self::Pooler, Self::Utility];

    /// Its heading.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Look => "Look",
            Self::Act => "Act",
            Self::Monitor => "Monitor",
            Self::Plan => "Plan",
            Self::Pooler => "Pooler",
            Self::Utility => "Utility",
        }
    }
}

/// Pairs of a name and what it means.
pub(crate) type Meanings = &'static [(&'static str, &'static str)];

/// What one wants, and the command line that does it.
pub(crate) type Example = (&'static str, &'static str);

/// What is said about one command beyond its flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manual {
    /// Where it stands in the help.
    pub(crate) group: Group,
    /// What one wants, and the command line that does it.
    pub(crate) examples: Meanings,
    /// What its exit codes mean.
    pub(crate) exits: Meanings,
    /// Environment variables of its own.
    variables: Meanings,
    /// Whether it connects to a server.
    connects: bool,
}

impl Manual {
    /// A command that connects, with the exit codes of almost every command.
    pub(crate) const fn new(group: Group, examples: Meanings) -> Self {
        Self { group, examples, exits: EXITS, variables: &[], connects: true }
    }

    /// Gives it exit codes of its own.
    pub(crate) const fn exits(self, exits: Meanings) -> Self {
        Self { exits, ..self }
    }

    /// Gives it environment variables of its own.
    pub(crate) const fn variables(self, variables: Meanings) -> Self {
        Self { variables, ..self }
    }

    /// The examples of the command of this whole name, such as `pgconn timeout set`: one of a command's own commands has those that
    /// show it.
    pub(crate) fn examples_of(&self, name: &str) -> Vec<Example> {
        let own = name.split(' ').nth(2);
        let shows = |line: &str| own.is_none_or(|own| line.split(' ').any(|word| word == own));
        self.examples.iter().copied().filter(|(_, line)| shows(line)).collect()
    }

    /// Marks a command that does not connect.
    pub(crate) const fn offline(self) -> Self {
        Self { connects: false, ..self }
    }

    /// The environment variables that matter to it.
    pub(crate) fn environment(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let connection = if self.connects { CONNECTION_VARIABLES } else { &[] };
        self.variables.iter().chain(connection).chain(OUTPUT_VARIABLES)
    }

    /// The files that matter to it.
    pub(crate) const fn files(&self) -> Meanings {
        if self.connects { FILES } else { &[] }
    }
}

/// The whole program, for its own help and page.
pub(crate) const PROGRAM: Manual = Manual::new(
    Group::Look,
    &[
        ("What holds the connections?", "pgconn stats"),
        (
            "What would be ended, and what would that release?",
            "pgconn kill --db mydb --idle-for 30m --dry-run",
        ),
        (
            "Transactions left open, for a script",
            "pgconn ls --state idle-in-transaction --xact-for 5m --json",
        ),
        ("Again every five seconds", "pgconn long --watch=5s"),
    ],
);

/// What the exit codes mean for every command but `check` and `ping`.
const EXITS: Meanings = &[
    ("0", "done; also when nothing matched, or a look shows hidden sessions"),
    ("1", "tried and failed"),
    ("2", "usage error or refused; nothing was changed"),
    ("3", "could not connect or log in"),
    ("4", "partly done"),
    ("130", "ended by Ctrl-C (SIGINT)"),
    ("143", "ended by SIGTERM"),
];

const CONNECTION_VARIABLES: Meanings = &[
    ("PGHOST, PGPORT, PGUSER, PGDATABASE", "where to connect, as in psql; flags come first"),
    ("PGPASSWORD, PGPASSFILE", "the password, or the file it is in"),
    ("PGSERVICE, PGSERVICEFILE", "an entry of the connection service file, or that file"),
    ("PGSSLMODE and the other PG* variables", "as libpq has them"),
];

const OUTPUT_VARIABLES: Meanings = &[
    ("NO_COLOR, CLICOLOR_FORCE", "colours never, or even when nobody looks; --color comes first"),
    ("COLUMNS", "the width of the terminal"),
];

const FILES: Meanings = &[
    ("~/.pgpass", "passwords, as in psql"),
    ("~/.pg_service.conf", "connection services, as in psql"),
    ("~/.postgresql/", "TLS certificates and keys, as in psql"),
];
