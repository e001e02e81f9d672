//! What sessions are counted by, and the columns of their counts.

use clap::ValueEnum;

use crate::commands::listing::STATE_LEAST;
use crate::model::short_words;
use crate::model::usage::ByApplication;
use crate::render::columns::{Column, Value};
use crate::render::table::{Align, Mark};

/// What sessions are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// State
    State,
    /// Application name
    Application,
    /// Database
    Database,
    /// Role
    Role,
    /// Client address
    Client,
    /// Backend type
    BackendType,
}

impl By {
    /// The key of the list.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::State => "by_state",
            Self::Application => "by_application",
            Self::Database => "by_database",
            Self::Role => "by_role",
            Self::Client => "by_client",
            Self::BackendType => "by_backend_type",
        }
    }
}

/// Sessions that are counted together.
pub(super) struct Counted<'a> {
    pub(super) by: By,
    pub(super) name: Option<&'a String>,
    /// What people read where there is no name.
    pub(super) unnamed: &'static str,
    pub(super) count: i64,
    /// What they do, where they are of one application.
    pub(super) application: Option<&'a ByApplication>,
    pub(super) oldest_seconds: Option<f64>,
    pub(super) connection_limit: Option<i64>,
}

impl<'a> Counted<'a> {
    const LIST: Column<Self> = Column::script("list", |group| group.by.list().into());
    const NAME: Column<Self> = Column::worded(
        "NAME",
        Align::Left,
        |group: &Self| {
            group.name.filter(|name| !name.is_empty()).map_or(group.unnamed, String::as_str).into()
        },
        "name",
        |group| group.name.into(),
    )
    .naming();
    const STATE: Column<Self> = Self::NAME.titled("STATE").short(Self::short_state).distinct(STATE_LEAST);
    const COUNT: Column<Self> = Column::new("COUNT", Align::Right, "count", |group| group.count.into());
    const ACTIVE: Column<Self> = Column::worded(
        "ACTIVE",
        Align::Right,
        |group| group.seen(|application| application.active),
        "active",
        |group| group.of(|application| application.active),
    );
    const IDLE: Column<Self> = Column::worded(
        "IDLE",
        Align::Right,
        |group| group.seen(|application| application.idle),
        "idle",
        |group| group.of(|application| application.idle),
    );
    const OPEN: Column<Self> = Column::worded(
        "IDLE-XACT",
        Align::Right,
        |group| group.seen(|application| application.idle_in_transaction),
        "idle_in_transaction",
        |group| group.of(|application| application.idle_in_transaction),
    );
    const ABORTED: Column<Self> = Column::worded(
        "ABORTED",
        Align::Right,
        |group| group.seen(|application| application.idle_in_transaction_aborted),
        "idle_in_transaction_aborted",
        |group| group.of(|application| application.idle_in_transaction_aborted),
    );
    const HIDDEN: Column<Self> = Column::if_any(
        |group| group.application.is_some_and(|application| application.hidden > 0),
        Column::new("HIDDEN", Align::Right, "hidden", |group| group.of(|application| application.hidden)),
    );
    const OTHER: Column<Self> = Column::if_any(
        |group| group.application.is_some_and(|application| application.other > 0),
        Column::new("OTHER", Align::Right, "other", |group| group.of(|application| application.other)),
    );
    const OLDEST: Column<Self> =
        Column::new("OLDEST", Align::Age, "oldest_seconds", |group| Value::seconds(group.oldest_seconds));
    const LIMIT: Column<Self> =
        Column::new("LIMIT", Align::Right, "connection_limit", |group| group.connection_limit.into());

    /// All of them.
    pub(super) const COLUMNS: &'a [Column<Self>] = &[
        Self::LIST,
        Self::NAME,
        Self::COUNT,
        Self::ACTIVE,
        Self::IDLE,
        Self::OPEN,
        Self::ABORTED,
        Self::HIDDEN,
        Self::OTHER,
        Self::OLDEST,
        Self::LIMIT,
    ];

    const APPLICATIONS: &'a [Column<Self>] = &[
        Self::NAME.titled("APPLICATION").short_title("APP"),
        Self::COUNT,
        Self::ACTIVE,
        Self::IDLE,
        Self::OPEN,
        Self::ABORTED,
        Self::OTHER,
        Self::HIDDEN,
        Self::OLDEST.titled("OLDEST-XACT").short_title("OLDEST"),
    ];

    /// What people read of groups of one kind.
    pub(super) const fn columns(by: By) -> &'a [Column<Self>] {
        match by {
            By::State => const { &[Self::STATE, Self::COUNT, Self::OLDEST] },
            By::Application => Self::APPLICATIONS,
            By::Database => const { &[Self::NAME.titled("DATABASE"), Self::COUNT, Self::LIMIT] },
            By::Role => const { &[Self::NAME.titled("ROLE"), Self::COUNT, Self::LIMIT] },
            By::Client => const { &[Self::NAME.titled("CLIENT"), Self::COUNT] },
            By::BackendType => const { &[Self::NAME.titled("BACKEND TYPE"), Self::COUNT] },
        }
    }

    fn short_state(group: &Self) -> Value<'_> {
        group.name.map_or(group.unnamed, |name| short_words::state(name)).into()
    }

    fn of(&self, count: fn(&ByApplication) -> i64) -> Value<'a> {
        self.application.map(count).into()
    }

    /// A count for people: where sessions are hidden, none that is seen is not none.
    fn seen(&self, count: fn(&ByApplication) -> i64) -> Value<'a> {
        self.application
            .filter(|application| application.hidden == 0 || count(application) > 0)
            .map(count)
            .into()
    }

    pub(super) fn mark(&self) -> Mark {
        match self.name.map(String::as_str).filter(|_| self.by == By::State) {
            Some("idle in transaction" | "idle in transaction (aborted)") => Mark::Warn,
            Some("idle") => Mark::Dim,
            _ => Mark::Plain,
        }
    }
}
