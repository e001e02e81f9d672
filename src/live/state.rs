//! Everything that a live screen knows. It changes by [`State::on`](super::update) alone: no clock is read here and nothing is asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::console::{Console, PoolerSetup};
use super::dialog::Dialog;
use super::event::{Detail, Down, Seen, SessionKey, View};
use super::line::Line;
use super::list::List;
use crate::db::SortOrder;
use crate::model::filter::Filter;
use crate::model::screen::{Overview, ScreenContext};
use crate::model::server::Target;
use crate::model::suggestion::Lead;
use crate::render::table::Mark;

/// The shortest and the longest time between two looks.
pub(crate) const INTERVALS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long the order is held after the last key, where nothing is tagged.
pub(crate) const HOLD: Duration = Duration::from_secs(30);
/// From this age on data is old, however long the time between two looks.
pub(crate) const OLD: Duration = Duration::from_secs(10);
/// How long a message stays.
pub(crate) const MESSAGE: Duration = Duration::from_secs(6);
/// How far back the slots in use are shown.
pub(crate) const HISTORY: Duration = Duration::from_secs(300);
/// The lines of the header.
pub(crate) const HEADER: u16 = 4;
/// The lines that are not the list's: the header, the views, the titles; the message, the keys.
const AROUND_LIST: u16 = HEADER + 4;
/// The lines around a list of servers: its header, a blank one, the titles; the message, the keys.
pub(crate) const AROUND_SERVERS: u16 = 5;
/// The smallest terminal that is drawn on: columns and lines.
pub(crate) const LEAST_SIZE: (u16, u16) = (60, 12);

/// What a screen begins with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The server.
    pub(crate) target: Target,
    /// The flags that lead there.
    pub(crate) lead: Lead,
    /// What is known of how the connection came about.
    pub(crate) notices: Vec<String>,
    /// The target is called production.
    pub(crate) production: bool,
    /// The name of a target whose acts want it typed.
    pub(crate) protected: Option<String>,
    /// The console of the pooler in front of it, where one is known.
    pub(crate) pooler: Option<PoolerSetup>,
    /// It was entered from a list of servers.
    pub(crate) in_list: bool,
    /// Nobody is signalled.
    pub(crate) read_only: bool,
    /// Time between two looks.
    pub(crate) interval: Duration,
    /// What is listed first.
    pub(crate) view: View,
    /// By what it is sorted; none for the worst first.
    pub(crate) sort: Option<Sort>,
    /// Which sessions.
    pub(crate) filter: Filter,
    /// Server processes, walsenders and workers too.
    pub(crate) all_backends: bool,
    /// Query texts are kept out.
    pub(crate) no_query: bool,
    /// Reads a filter as it is typed.
    pub(crate) read_filter: fn(&str) -> Result<Filter, String>,
    /// Writes it as it would be typed.
    pub(crate) write_filter: fn(&Filter) -> String,
    /// Columns and lines of the terminal.
    pub(crate) size: (u16, u16),
}

/// What sessions are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    /// The word for it.
    pub(crate) word: &'static str,
    /// The order.
    pub(crate) order: SortOrder,
}

/// What sessions can be sorted by besides the worst first, as `ls --sort` has it.
pub(crate) const SORTS: &[Sort] = &[
    Sort { word: "age", order: SortOrder::Age },
    Sort { word: "xact", order: SortOrder::Xact },
    Sort { word: "query", order: SortOrder::Query },
    Sort { word: "for", order: SortOrder::StateAge },
    Sort { word: "pid", order: SortOrder::Pid },
    Sort { word: "database", order: SortOrder::Database },
    Sort { word: "role", order: SortOrder::Role },
    Sort { word: "application", order: SortOrder::Application },
    Sort { word: "client", order: SortOrder::Client },
    Sort { word: "state", order: SortOrder::State },
];

/// What lies over the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The keys.
    Help,
    /// Everything about a session.
    Detail(SessionKey),
    /// Its whole query.
    Query(SessionKey),
    /// The command line that shows the same.
    CommandLine,
}

/// What is said for a while.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// How it looks.
    pub(crate) mark: Mark,
    /// What is said.
    pub(crate) text: String,
    /// Since when.
    pub(crate) since: Instant,
}

/// When it is looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Time between two looks.
    pub(crate) interval: Duration,
    /// What was wanted; looks that take long make it more.
    pub(crate) wanted: Duration,
    /// Looks in a row that were quick.
    pub(crate) quick: u32,
    /// The next look.
    pub(crate) next: Instant,
    /// Since when a look is under way.
    pub(crate) looking: Option<Instant>,
    /// What is looked at has changed meanwhile.
    pub(crate) again: bool,
}

/// What time alone changes on a screen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Appearance {
    age: Option<u64>,
    says: bool,
    held: bool,
    link: Option<(u64, u64)>,
    /// How old what is known of the pooler is, and for how long its console has said nothing.
    console: Option<[Option<u64>; 2]>,
}

/// Everything that a live screen knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) setup: Setup,
    /// The moment of the last event.
    pub(super) now: Instant,
    pub(super) size: (u16, u16),
    pub(super) view: View,
    /// The session whose chain is listed among the blockers, instead of all of them.
    pub(super) chain: Option<SessionKey>,
    /// What lies over the list, the last on top, each with how far it is scrolled.
    pub(super) pages: Vec<(Page, usize)>,
    pub(super) list: List,
    pub(super) filter: Filter,
    /// The filter before this one, until the server has taken this one.
    pub(super) filter_before: Option<Filter>,
    /// A filter that is being typed.
    pub(super) line: Option<Line>,
    /// The place in the list of what can be sorted by, while that is chosen.
    pub(super) picker: Option<usize>,
    pub(super) sort: Option<Sort>,
    pub(super) inverted: bool,
    pub(super) wide: bool,
    /// Changes with what is looked at.
    pub(super) about: u64,
    pub(super) context: Option<Arc<ScreenContext>>,
    pub(super) overview: Overview,
    /// It is asked who waits, since when, and for whom: somebody may, or it is not known yet.
    pub(super) asks_waits: bool,
    pub(super) detail: Option<Box<Detail>>,
    /// When what is shown was seen.
    pub(super) seen: Option<Instant>,
    pub(super) pace: Pace,
    pub(super) link: Option<Down>,
    /// What is known of the pooler.
    pub(super) console: Console,
    /// The screen is held; what was seen since then.
    pub(super) paused: Option<Option<Box<Seen>>>,
    /// Slots in use, by moment.
    pub(super) history: VecDeque<(Instant, i64)>,
    pub(super) message: Option<Message>,
    pub(super) dialog: Option<Dialog>,
    /// It is asked what to do with all that match.
    pub(super) choosing_all: bool,
    /// The number of the last dialog.
    pub(super) dialogs: u64,
    /// Somebody was seen whom this role may signal.
    pub(super) may_signal: bool,
    /// When the last key was typed.
    pub(super) typed: Instant,
    /// What acts came to, for when the screen is gone.
    pub(super) record: Vec<String>,
}

impl State {
    /// A screen that has seen nothing yet, at this moment.
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        let pace = Pace {
            interval: setup.interval,
            wanted: setup.interval,
            quick: 0,
            next: now,
            looking: None,
            again: false,
        };
        let notices = setup.notices.join("; ");
        let message = Message { mark: Mark::Warn, text: notices, since: now };
        Self {
            now,
            size: setup.size,
            view: setup.view,
            chain: None,
            pages: Vec::new(),
            list: List::default(),
            filter: setup.filter.clone(),
            filter_before: None,
            line: None,
            picker: None,
            sort: setup.sort,
            inverted: false,
            wide: false,
            about: 0,
            context: None,
            overview: Overview::default(),
            asks_waits: true,
            detail: None,
            seen: None,
            pace,
            link: None,
            console: Console::default(),
            paused: None,
            history: VecDeque::new(),
            message: Some(message).filter(|message| !message.text.is_empty()),
            dialog: None,
            choosing_all: false,
            dialogs: 0,
            may_signal: false,
            typed: now,
            record: Vec::new(),
            setup,
        }
    }

    /// Whether `C`, `K` and `A` do anything.
    pub(crate) fn may_act(&self) -> bool {
        !self.setup.read_only && self.may_signal
    }

    /// What acts came to.
    pub(crate) fn into_record(self) -> Vec<String> {
        self.record
    }

    /// The columns and lines of the terminal.
    pub(crate) const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// How old what is shown is.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.seen.map(|seen| self.now.saturating_duration_since(seen))
    }

    /// What time alone changes on the screen: the ages of the data, what is said for a while, whether the order is held, and how
    /// long the server has been away, and will be.
    pub(crate) fn appearance(&self) -> Appearance {
        let link = self.link.as_ref().map(|down| {
            let since = self.now.saturating_duration_since(down.since);
            (since.as_secs(), down.again.saturating_duration_since(self.now).as_secs())
        });
        let age = self.age().map(|age| age.as_secs());
        let console = (self.view == View::Pooler)
            .then(|| [self.pooler_age(), self.pooler_silent()].map(|age| age.map(|age| age.as_secs())));
        Appearance { age, says: self.message.is_some(), held: self.list.is_held(), link, console }
    }

    /// Whether the server answers: what was seen last is no older than it should be.
    pub(crate) fn is_fresh(&self) -> bool {
        self.link.is_none() && self.age().is_some_and(|age| age <= self.stale_after().max(OLD))
    }

    /// From which age on data has missed two looks.
    pub(crate) fn stale_after(&self) -> Duration {
        self.pace.interval * 2
    }

    /// The lines that the list has room for: all but those of the header, the titles, the message and the keys.
    pub(crate) fn list_height(&self) -> usize {
        let around = AROUND_LIST + u16::from(self.view == View::Pooler);
        usize::from(self.size.1.saturating_sub(around)).max(1)
    }

    pub(super) fn say(&mut self, mark: Mark, text: impl Into<String>) {
        self.message = Some(Message { mark, text: text.into(), since: self.now });
    }

    /// The session that the keys are about: that of the page on top, or else under the cursor.
    pub(super) fn subject(&self) -> Option<&SessionKey> {
        match self.pages.last() {
            Some((Page::Detail(key) | Page::Query(key), _)) => Some(key),
            _ => {
                let entry = self.list.chosen().filter(|entry| !entry.gone)?;
                super::list::key_of(&entry.id)
            }
        }
    }
}
