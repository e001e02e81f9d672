//! What the keys do.

use super::dialog::{Answer, Dialog, Stage};
use super::event::{ActRequest, Acted, Effect, SessionKey, View};
use super::line::{Line, Typed};
use super::list::{Body, GroupBy, Id};
use super::state::{INTERVALS, Page, SORTS, State};
use crate::act::OutcomeChange;
use crate::model::act::Action;
use crate::model::filter::{ClientFilter, Filter, Name, STATES, Term};
use crate::model::session::Session;
use crate::render::table::Mark;
use crate::terminal::Key;

impl State {
    pub(super) fn on_key(&mut self, key: &Key) -> Vec<Effect> {
        self.typed = self.now;
        // What one key was answered holds until the next.
        self.message.take_if(|message| message.mark == Mark::Warn);
        match key {
            Key::Ctrl('c') => return vec![Effect::Quit],
            Key::Ctrl('z') => return vec![Effect::Suspend],
            _ => {}
        }
        if self.dialog.is_some() {
            return self.on_dialog_key(key);
        }
        if self.line.is_some() {
            return self.on_line_key(key);
        }
        if self.choosing_all {
            return self.on_choice(key);
        }
        if self.picker.is_some() {
            return self.on_picker_key(key);
        }
        if !self.pages.is_empty() && self.on_page_key(key) {
            return Vec::new();
        }
        self.on_list_key(key)
    }

    /// Moves within the page on top; true when that was all that the key does.
    fn on_page_key(&mut self, key: &Key) -> bool {
        let height = self.list_height();
        let Some((_, scroll)) = self.pages.last_mut() else { return false };
        *scroll = match key {
            Key::Down | Key::Char('j') => scroll.saturating_add(1),
            Key::Up | Key::Char('k') => scroll.saturating_sub(1),
            Key::PageDown => scroll.saturating_add(height),
            Key::PageUp => scroll.saturating_sub(height),
            Key::Home | Key::Char('g') => 0,
            // It is drawn as far as there are lines.
            Key::End | Key::Char('G') => usize::MAX / 2,
            Key::Char('q') | Key::Escape => {
                self.pages.pop();
                return true;
            }
            // What is about the list is not for who does not see it.
            Key::Char(' ' | 'U' | '/' | 's' | '<' | '>' | 'I' | 'A') | Key::Enter => return true,
            _ => return false,
        };
        true
    }

    fn on_list_key(&mut self, key: &Key) -> Vec<Effect> {
        let height = self.list_height();
        let page = isize::try_from(height).unwrap_or(1);
        match key {
            Key::Down | Key::Char('j') => self.moved(1),
            Key::Up | Key::Char('k') => self.moved(-1),
            Key::PageDown => self.moved(page),
            Key::PageUp => self.moved(-page),
            Key::Home | Key::Char('g') => self.jumped(false),
            Key::End | Key::Char('G') => self.jumped(true),
            Key::Enter => self.enter(),
            Key::Escape => self.back(),
            Key::Char('q') if self.chain.is_some() || self.setup.in_list => self.back(),
            Key::Char('q') => vec![Effect::Quit],
            Key::Char('?' | 'h') | Key::F1 => self.open(Page::Help),
            Key::Char('/') => {
                self.line = Some(Line::new(&(self.setup.write_filter)(&self.filter)));
                Vec::new()
            }
            Key::Char('s') => {
                let at = SORTS.iter().position(|sort| Some(*sort) == self.sort);
                self.picker = Some(at.map_or(0, |at| at + 1));
                Vec::new()
            }
            Key::Char('>') => self.sort_by_next(1),
            Key::Char('<') => self.sort_by_next(SORTS.len()),
            Key::Char('I') => {
                self.inverted = !self.inverted;
                self.list_anew(true)
            }
            Key::Char(' ') => self.tag(),
            Key::Char('U') => {
                self.list.untag();
                Vec::new()
            }
            Key::Char(digit @ '1'..='9') => self.go_to(usize::from(*digit as u8 - b'1')),
            Key::Tab => self.go_to((self.place() + 1) % self.views().len()),
            Key::BackTab => self.go_to((self.place() + self.views().len() - 1) % self.views().len()),
            Key::Char('w') => {
                self.wide = !self.wide;
                Vec::new()
            }
            Key::Char('p') => self.pause(),
            Key::Char('+' | '=') => self.change_interval(1),
            Key::Char('-') => self.change_interval(-1),
            Key::Char('r') => self.changed(),
            Key::Char('b') => self.show_chain(),
            Key::Char('v') => self.about_subject(Page::Query),
            Key::Char('y') => self.copy(|key, _| Some(key.session_id.clone())),
            Key::Char('Y') => self.copy(|_, query| query),
            Key::Char('e') => vec![Effect::Write],
            Key::Char('o') => self.open(Page::CommandLine),
            Key::Char('C') if self.may_act() => self.act(Action::Cancel),
            Key::Char('K') if self.may_act() => self.act(Action::Terminate),
            Key::Char('A') if self.may_act() => self.act_on_all(),
            _ => Vec::new(),
        }
    }

    fn moved(&mut self, by: isize) -> Vec<Effect> {
        let height = self.list_height();
        self.list.step(by, height);
        self.needs_more()
    }

    fn jumped(&mut self, to_end: bool) -> Vec<Effect> {
        let height = self.list_height();
        self.list.jump(to_end, height);
        self.needs_more()
    }

    /// Asks for the rows behind those that are known, where some are left.
    fn needs_more(&mut self) -> Vec<Effect> {
        let known = self.list.entries().len();
        let total = usize::try_from(self.overview.matched + self.overview.undecidable).unwrap_or(0);
        let is_near = self.list.top() + 2 * self.list_height() > known;
        if self.view.lists_sessions() && is_near && known < total { self.changed() } else { Vec::new() }
    }

    fn open(&mut self, page: Page) -> Vec<Effect> {
        if self.pages.last().is_none_or(|(top, _)| *top != page) {
            self.pages.push((page, 0));
        }
        self.changed()
    }

    fn about_subject(&mut self, page: fn(SessionKey) -> Page) -> Vec<Effect> {
        match self.subject().cloned() {
            Some(key) => {
                if self.detail.as_ref().is_some_and(|detail| detail.row.session.pid != key.pid) {
                    self.detail = None;
                }
                self.open(page(key))
            }
            None => self.nobody_chosen(),
        }
    }

    fn nobody_chosen(&mut self) -> Vec<Effect> {
        let why = match self.list.chosen() {
            Some(entry) if entry.gone => "that session has ended",
            Some(entry) if matches!(entry.id, Id::Hidden(_)) => "who that is is hidden from this role",
            Some(_) => "that is no session",
            None => "choose a session first: j and k move",
        };
        self.say(Mark::Warn, why);
        Vec::new()
    }

    fn enter(&mut self) -> Vec<Effect> {
        match self.list.chosen().map(|entry| entry.id.clone()) {
            Some(Id::Group(by, name)) => self.filter_by(by, name),
            Some(Id::Limit(owner, name)) => {
                let by = if owner == "role" { GroupBy::Role } else { GroupBy::Database };
                self.filter_by(by, Some(name))
            }
            _ => self.about_subject(Page::Detail),
        }
    }

    /// Shows the sessions of a group.
    fn filter_by(&mut self, by: GroupBy, name: Option<String>) -> Vec<Effect> {
        let Some(name) = name else {
            self.say(Mark::Warn, "nothing selects sessions without that");
            return Vec::new();
        };
        let exact = |name: String| vec![Term { exclude: false, value: Name::Exact(name) }];
        let mut filter = self.filter.clone();
        match by {
            GroupBy::Application => filter.applications = exact(name),
            GroupBy::Role => filter.roles = exact(name),
            GroupBy::Database => filter.databases = exact(name),
            GroupBy::Client => match ClientFilter::exactly(&name) {
                Some(value) => filter.clients = vec![Term { exclude: false, value }],
                None => return Vec::new(),
            },
            GroupBy::State => match STATES.iter().find(|(word, _)| *word == name) {
                Some((_, value)) => filter.states = vec![Term { exclude: false, value: *value }],
                None => return Vec::new(),
            },
        }
        self.view = View::Sessions;
        self.use_filter(filter)
    }

    fn use_filter(&mut self, filter: Filter) -> Vec<Effect> {
        self.filter_before = Some(std::mem::replace(&mut self.filter, filter));
        self.list_anew(true)
    }

    /// One level back; at the list it lets the order go, then goes back to where it was entered from, and never quits.
    fn back(&mut self) -> Vec<Effect> {
        if self.chain.take().is_some() {
            return self.list_anew(false);
        }
        if self.setup.in_list && !self.list.is_held() {
            return vec![Effect::Back];
        }
        self.list.let_go();
        Vec::new()
    }

    fn tag(&mut self) -> Vec<Effect> {
        if self.subject().is_none() {
            return self.nobody_chosen();
        }
        self.list.tag();
        Vec::new()
    }

    fn place(&self) -> usize {
        self.views().iter().position(|view| *view == self.view).unwrap_or(0)
    }

    fn go_to(&mut self, place: usize) -> Vec<Effect> {
        let Some(view) = self.views().get(place) else { return Vec::new() };
        let both_list = self.view.lists_sessions() && view.lists_sessions();
        (self.view, self.chain) = (*view, None);
        self.pages.clear();
        self.list_anew(both_list)
    }

    fn show_chain(&mut self) -> Vec<Effect> {
        let Some(key) = self.subject().cloned() else { return self.nobody_chosen() };
        self.pages.clear();
        (self.view, self.chain) = (View::Blockers, Some(key));
        self.list_anew(false)
    }

    fn pause(&mut self) -> Vec<Effect> {
        match self.paused.take() {
            None => self.paused = Some(None),
            Some(later) => {
                if let Some(seen) = later {
                    self.show(*seen);
                }
                if self.console.show_later() {
                    self.list_pools();
                }
            }
        }
        Vec::new()
    }

    fn change_interval(&mut self, direction: i32) -> Vec<Effect> {
        let steps = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000].map(std::time::Duration::from_millis);
        let now = self.pace.interval;
        let next = if direction > 0 {
            steps.into_iter().find(|step| *step > now)
        } else {
            steps.into_iter().rev().find(|step| *step < now)
        };
        let next = next.unwrap_or(now).clamp(INTERVALS.0, INTERVALS.1);
        (self.pace.interval, self.pace.wanted, self.pace.quick) = (next, next, 0);
        self.pace.next = self.pace.next.min(self.now + next);
        Vec::new()
    }

    fn copy(&mut self, what: fn(&SessionKey, Option<String>) -> Option<String>) -> Vec<Effect> {
        let Some(key) = self.subject().cloned() else { return self.nobody_chosen() };
        match what(&key, self.query_of(&key)) {
            Some(text) => {
                self.say(Mark::Good, "handed to the terminal's clipboard, where it takes that");
                vec![Effect::Copy(text)]
            }
            None => {
                self.say(Mark::Warn, "its query is not known");
                Vec::new()
            }
        }
    }

    /// The query of a session: whole where everything about it is known, and else as much as the list has of it.
    fn query_of(&self, key: &SessionKey) -> Option<String> {
        let is_it = |session: &Session| {
            session.pid == key.pid && session.backend_start.as_ref() == Some(&key.backend_start)
        };
        let detail = self.detail.as_deref().map(|detail| &detail.row.session);
        let listed = self.list.entries().iter().filter_map(|entry| match &entry.body {
            Body::Session(row) => Some(&row.session),
            _ => None,
        });
        let session = detail.into_iter().chain(listed).find(|session| is_it(session))?;
        session.query.as_ref()?.read().ok().map(std::borrow::Cow::into_owned)
    }

    fn on_line_key(&mut self, key: &Key) -> Vec<Effect> {
        let Some(line) = &mut self.line else { return Vec::new() };
        match line.key(key) {
            Typed::Goes => Vec::new(),
            Typed::Dropped => {
                self.line = None;
                Vec::new()
            }
            Typed::Kept => match (self.setup.read_filter)(line.text()) {
                Ok(filter) => {
                    self.line = None;
                    self.use_filter(filter)
                }
                Err(why) => {
                    line.wrong = Some(why);
                    Vec::new()
                }
            },
        }
    }

    fn on_picker_key(&mut self, key: &Key) -> Vec<Effect> {
        let Some(at) = &mut self.picker else { return Vec::new() };
        match key {
            Key::Down | Key::Right | Key::Char('j' | '>') => *at = (*at + 1).min(SORTS.len()),
            Key::Up | Key::Left | Key::Char('k' | '<') => *at = at.saturating_sub(1),
            Key::Enter => {
                self.sort = at.checked_sub(1).and_then(|at| SORTS.get(at)).copied();
                self.picker = None;
                return self.list_anew(true);
            }
            Key::Escape | Key::Char('q' | 's') => self.picker = None,
            _ => {}
        }
        Vec::new()
    }

    fn sort_by_next(&mut self, by: usize) -> Vec<Effect> {
        let at = SORTS.iter().position(|sort| Some(*sort) == self.sort).map_or(0, |at| at + 1);
        let next = (at + by) % (SORTS.len() + 1);
        self.sort = next.checked_sub(1).and_then(|at| SORTS.get(at)).copied();
        self.list_anew(true)
    }

    /// Opens the dialog for the tagged sessions, or the one that the keys are about.
    fn act(&mut self, action: Action) -> Vec<Effect> {
        let keys = match self.list.tags() {
            [] => self.subject().cloned().into_iter().collect(),
            tags => tags.to_vec(),
        };
        if keys.is_empty() { self.nobody_chosen() } else { self.open_dialog(action, Some(keys)) }
    }

    fn act_on_all(&mut self) -> Vec<Effect> {
        if self.view != View::Sessions {
            self.say(Mark::Warn, "A is about all that the filter selects: view 1 shows them");
        } else if self.filter.can_match_everything() {
            self.say(Mark::Warn, "A is about all that the filter selects: type one with /");
        } else {
            self.choosing_all = true;
        }
        Vec::new()
    }

    fn on_choice(&mut self, key: &Key) -> Vec<Effect> {
        self.choosing_all = false;
        match key {
            Key::Char('C') => self.open_dialog(Action::Cancel, None),
            Key::Char('K') => self.open_dialog(Action::Terminate, None),
            _ => Vec::new(),
        }
    }

    fn open_dialog(&mut self, action: Action, keys: Option<Vec<SessionKey>>) -> Vec<Effect> {
        if !self.is_fresh() {
            self.say(Mark::Bad, "the server does not answer now: nothing can be done");
            return Vec::new();
        }
        self.dialogs += 1;
        let filter = (self.filter.clone(), self.setup.all_backends);
        let protected = self.setup.protected.clone();
        let mut dialog = Dialog::new(self.dialogs, action, keys, filter, protected, self.now);
        let plan = dialog.request();
        self.dialog = Some(dialog);
        plan.map(|plan| Effect::Plan(Box::new(plan))).into_iter().collect()
    }

    fn on_dialog_key(&mut self, key: &Key) -> Vec<Effect> {
        let (fresh, now) = (self.is_fresh(), self.now);
        let Some(dialog) = &mut self.dialog else { return Vec::new() };
        match dialog.key(key, fresh, now) {
            Answer::Waits => Vec::new(),
            Answer::Closes => {
                self.dialog = None;
                self.changed()
            }
            Answer::Agrees => {
                let (number, wanted) = (dialog.number, dialog.wanted());
                let stage = std::mem::replace(&mut dialog.stage, Stage::Planning);
                let Stage::Asking(planned, _) = stage else { return Vec::new() };
                dialog.stage = Stage::Acting(planned.clone());
                let act = ActRequest { dialog: number, planned: *planned, wanted, agreed: now };
                vec![Effect::Act(Box::new(act))]
            }
        }
    }

    pub(super) fn on_progress(&mut self, number: u64, changes: &[OutcomeChange]) -> Vec<Effect> {
        if let Some(dialog) = self.dialog.as_mut().filter(|dialog| dialog.number == number)
            && let Stage::Acting(planned) = &mut dialog.stage
        {
            for change in changes {
                let steps = planned.plan.steps.iter_mut().filter(|step| step.outcome.pid == change.pid);
                steps.for_each(|step| step.outcome.result = change.result);
            }
        }
        Vec::new()
    }

    pub(super) fn on_acted(&mut self, number: u64, acted: Result<Box<Acted>, String>) -> Vec<Effect> {
        if let Ok(acted) = &acted {
            self.record.push(super::view::record(acted, &self.setup.target.place()));
            let done: Vec<i32> = acted.outcomes.iter().map(|outcome| outcome.pid).collect();
            if self.list.tags().iter().all(|tag| done.contains(&tag.pid)) {
                self.list.untag();
            }
        }
        if let Some(dialog) = self.dialog.as_mut().filter(|dialog| dialog.number == number) {
            dialog.acted(acted);
        }
        self.changed()
    }
}
