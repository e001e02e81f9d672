//! How a live screen changes: an event and a moment in, what is to be done out. Nothing else touches the state.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::entries;
use super::event::{Content, Effect, Event, Request, Seen, View};
use super::list::{Id, Presence, key_of};
use super::state::{HISTORY, HOLD, INTERVALS, MESSAGE, Page, State};
use crate::db::{ScreenListing, Selection};
use crate::render::table::Mark;

/// How many bytes of each query text a column can need: four a character, and white space that is folded.
const BYTES_PER_COLUMN: u32 = 8;
/// After how many quick looks in a row the time between them becomes shorter again.
const QUICK_LOOKS: u32 = 5;

impl State {
    /// Takes what happens at this moment; returns what is to be done.
    pub(crate) fn on(&mut self, event: Event, now: Instant) -> Vec<Effect> {
        self.now = now;
        let mut effects = match event {
            Event::Key(key) => self.on_key(&key),
            Event::Tick => Vec::new(),
            Event::Resized(columns, lines) => {
                self.size = (columns, lines);
                self.changed()
            }
            Event::Seen(seen) => self.on_seen(seen),
            Event::Pooler(seen) => {
                self.on_pooler(seen);
                Vec::new()
            }
            Event::Refused(why) => self.on_refused(why),
            Event::Link(down) => {
                self.link = down;
                Vec::new()
            }
            Event::Planned(number, planned) => {
                if let Some(dialog) = self.dialog.as_mut().filter(|dialog| dialog.number == number) {
                    dialog.planned(planned, now);
                }
                Vec::new()
            }
            Event::Progress(number, changes) => self.on_progress(number, &changes),
            Event::Acted(number, acted) => self.on_acted(number, acted),
            Event::Written(written) => {
                match written {
                    Ok(path) => self.say(Mark::Good, format!("written to {path}")),
                    Err(why) => self.say(Mark::Bad, format!("not written: {why}")),
                }
                Vec::new()
            }
        };
        self.pass_time();
        effects.extend(self.due());
        effects.extend(self.pooler_due());
        effects
    }

    /// The next moment at which something changes though nothing happens.
    pub(crate) fn wakes(&self) -> Instant {
        let second = |since: Instant| {
            since + Duration::from_secs(self.now.saturating_duration_since(since).as_secs() + 1)
        };
        let next_second = self.seen.map_or(self.now + Duration::from_secs(1), second);
        let look = if self.pace.looking.is_none() { self.pace.next } else { next_second };
        let pooler = self.pooler_wakes().unwrap_or(next_second);
        look.min(next_second).min(pooler)
    }

    fn pass_time(&mut self) {
        let since = |moment: Instant| self.now.saturating_duration_since(moment);
        if self.message.as_ref().is_some_and(|message| since(message.since) >= MESSAGE) {
            self.message = None;
        }
        if self.list.is_held() && self.list.tags().is_empty() && since(self.typed) >= HOLD {
            self.list.let_go();
        }
        let now = self.now;
        while self.history.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > HISTORY) {
            self.history.pop_front();
        }
    }

    /// A look when it is time for one: one at a time.
    fn due(&mut self) -> Option<Effect> {
        if self.pace.looking.is_some() || self.now < self.pace.next && !self.pace.again {
            return None;
        }
        self.pace.looking = Some(self.now);
        self.pace.again = false;
        self.pace.next = self.now + self.pace.interval;
        Some(Effect::Look(Box::new(self.request())))
    }

    /// Something else is to be looked at.
    pub(super) fn changed(&mut self) -> Vec<Effect> {
        self.pace.again = true;
        Vec::new()
    }

    /// Lists something else.
    pub(super) fn list_anew(&mut self, keeps_cursor: bool) -> Vec<Effect> {
        self.about += 1;
        self.list.clear(keeps_cursor);
        self.list_pools();
        self.changed()
    }

    fn request(&self) -> Request {
        let height = self.list_height();
        // The page after the one that is shown is there before it is wanted.
        let (page, pins) = (self.list.top() + 2 * height, self.list.pins());
        let query_bytes = u32::from(self.size.0).saturating_mul(BYTES_PER_COLUMN);
        let lists = self.view.lists_sessions();
        let listing = ScreenListing {
            selection: Selection { filter: self.filter.clone(), all_backends: self.setup.all_backends },
            only_trouble: self.view == View::Trouble,
            waits: self.asks_waits,
            order: self.sort.map(|sort| sort.order),
            inverted: self.inverted,
            limit: if lists { page.max(pins.len() + height) } else { 0 },
            shown: if lists { self.list.pids() } else { Vec::new() },
            pins: if lists { pins } else { Vec::new() },
            query_bytes: Some(if self.setup.no_query { 0 } else { query_bytes }),
        };
        let detail = self.pages.iter().rev().find_map(|(page, _)| match page {
            Page::Detail(key) | Page::Query(key) => Some(key.clone()),
            Page::Help | Page::CommandLine => None,
        });
        Request { about: self.about, view: self.view, listing, detail }
    }

    fn on_seen(&mut self, seen: Box<Seen>) -> Vec<Effect> {
        self.pace.looking = None;
        self.link = None;
        self.adapt(seen.took);
        let rights = &seen.context.server.rights;
        self.may_signal |= rights.superuser || rights.signals;
        if let Content::Sessions(rows) = &seen.content {
            self.may_signal |= rows.iter().any(|row| row.session.can_signal);
        }
        match &mut self.paused {
            Some(later) if self.seen.is_some() => *later = Some(seen),
            _ => self.show(*seen),
        }
        let plan = self.dialog.as_mut().and_then(super::dialog::Dialog::request);
        plan.map(|plan| Effect::Plan(Box::new(plan))).into_iter().collect()
    }

    /// Shows what was seen.
    pub(super) fn show(&mut self, seen: Seen) {
        let Seen { about, context, overview, content, detail, took: _ } = seen;
        self.history.push_back((self.now, overview.used));
        // Who is hidden may wait.
        let waits = overview.waiting > 0 || overview.hidden > 0;
        // Since when, and who is in the way, is asked at once, where nobody was before.
        self.pace.again |= waits && !self.asks_waits;
        self.asks_waits = waits;
        (self.overview, self.seen, self.context) = (overview, Some(self.now), Some(context));
        if about != self.about {
            // It was asked for before something else was wanted.
            self.pace.again = true;
            return;
        }
        self.filter_before = None;
        self.detail = detail;
        if self.view == View::Pooler {
            // Its console says what is listed.
            return;
        }
        let lists_sessions = matches!(content, Content::Sessions(_));
        let there = std::mem::take(&mut self.overview.still_there);
        let rows = entries::of(content, self.chain.as_ref(), self.context.as_deref());
        // A session id can be another one's, within a second: who has the process id now tells.
        let successors = rows.iter().filter_map(|row| key_of(&row.id));
        let successors: HashSet<i32> = successors.map(|key| key.pid).collect();
        self.list.update(rows, |id| match id {
            Id::Session(key) if lists_sessions => {
                let is_there = there.contains(&key.session_id) && !successors.contains(&key.pid);
                if is_there { Presence::There } else { Presence::Ended }
            }
            Id::Hidden(_) if lists_sessions => Presence::Ended,
            _ => Presence::Left,
        });
    }

    /// The server has not taken the filter: the one before counts again, and this one can be mended.
    fn on_refused(&mut self, why: String) -> Vec<Effect> {
        self.pace.looking = None;
        if let Some(before) = self.filter_before.take() {
            let typed = (self.setup.write_filter)(&self.filter);
            let mut line = super::line::Line::new(&typed);
            line.wrong = Some(why);
            self.line = Some(line);
            self.filter = before;
            return self.list_anew(true);
        }
        self.say(Mark::Bad, why);
        Vec::new()
    }

    /// A look that takes over a quarter of the time between two makes that twice as long, until looks are quick again.
    fn adapt(&mut self, took: Duration) {
        let pace = &mut self.pace;
        if took > pace.interval / 4 {
            pace.interval = (pace.interval * 2).min(INTERVALS.1.max(pace.wanted));
            pace.quick = 0;
        } else if pace.interval > pace.wanted && took < pace.interval / 16 {
            pace.quick += 1;
            if pace.quick >= QUICK_LOOKS {
                pace.interval = (pace.interval / 2).max(pace.wanted);
                pace.quick = 0;
            }
        }
        pace.next = self.now + pace.interval.saturating_sub(took);
    }
}
