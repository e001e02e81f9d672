//! The dialog before an act: whom it is about is fixed when it opens, what would be done is planned then and again at each look, and
//! only `y` does it.

use std::time::{Duration, Instant};

use super::event::{Acted, PlanRequest, Planned, SessionKey};
use crate::analyze::plan::Plan;
use crate::model::act::{Action, Fate, Identity, Wanted};
use crate::model::filter::Filter;
use crate::terminal::Key;

/// How long keys are ignored once a dialog has opened, or is about something else than before: they were typed for what was there.
pub(crate) const QUIET: Duration = Duration::from_millis(300);
/// How old a plan may be when it is agreed to.
const OLDEST_PLAN: Duration = Duration::from_secs(10);

/// A dialog.
#[derive(Debug)]
pub(crate) struct Dialog {
    /// Its number.
    pub(crate) number: u64,
    /// What is to be done.
    pub(crate) action: Action,
    /// Whom it is about; none until the first plan has told who matches.
    keys: Option<Vec<SessionKey>>,
    filter: Filter,
    all_backends: bool,
    /// The name of a target that is protected.
    protected: Option<String>,
    /// Keys are ignored until then.
    quiet_until: Instant,
    /// What was typed of what has to be.
    typed: String,
    /// How far it has come.
    pub(crate) stage: Stage,
    /// A plan was asked for and has not come.
    is_planning: bool,
    /// What a key came to that was not taken.
    pub(crate) remark: Option<&'static str>,
}

/// How far a dialog has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Nothing is known yet.
    Planning,
    /// There is a plan, made at that moment.
    Asking(Box<Planned>, Instant),
    /// It is carried out.
    Acting(Box<Planned>),
    /// It is over.
    Done(Box<Acted>),
    /// Nothing was done, and why.
    Failed(String),
}

/// What a key does to a dialog.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Waits,
    /// It is closed.
    Closes,
    /// The plan is agreed to.
    Agrees,
}

impl Dialog {
    /// A dialog about these sessions, or about all that the filter selects, opened at this moment.
    pub(crate) fn new(
        number: u64,
        action: Action,
        keys: Option<Vec<SessionKey>>,
        (filter, all_backends): (Filter, bool),
        protected: Option<String>,
        now: Instant,
    ) -> Self {
        Self {
            number,
            action,
            keys,
            filter,
            all_backends,
            protected,
            quiet_until: now + QUIET,
            typed: String::new(),
            stage: Stage::Planning,
            is_planning: false,
            remark: None,
        }
    }

    /// The plan to ask for, unless one is under way or none is needed any more.
    pub(crate) fn request(&mut self) -> Option<PlanRequest> {
        let is_open = matches!(self.stage, Stage::Planning | Stage::Asking(..));
        // To name nobody would mean everybody.
        if self.is_planning || !is_open || self.keys.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        self.is_planning = true;
        Some(PlanRequest { dialog: self.number, action: self.action, wanted: self.wanted() })
    }

    /// Whom it is about, as an act takes it.
    pub(crate) fn wanted(&self) -> Wanted {
        let named = self.keys.iter().flatten().map(SessionKey::named).collect();
        // Other backends are acted on by name only.
        let all_backends = self.all_backends && self.keys.is_some();
        Wanted { named, filter: self.filter.clone(), all_backends, pgconn_too: false }
    }

    /// Takes a plan. Nobody gets into it who was not there when it opened.
    pub(crate) fn planned(&mut self, planned: Result<Box<Planned>, String>, now: Instant) {
        self.is_planning = false;
        let mut planned = match planned {
            Ok(planned) => planned,
            Err(why) => {
                if matches!(self.stage, Stage::Planning | Stage::Asking(..)) {
                    self.stage = Stage::Failed(why);
                }
                return;
            }
        };
        match &self.keys {
            Some(keys) => keep_only(&mut planned.plan, keys),
            None => self.keys = Some(keys_of(&planned.plan)),
        }
        let is_other = match &self.stage {
            Stage::Planning => false,
            Stage::Asking(before, _) => !is_same(&before.plan, &planned.plan),
            _ => return,
        };
        if is_other {
            self.quiet_until = self.quiet_until.max(now + QUIET);
            self.typed.clear();
        }
        self.stage = Stage::Asking(planned, now);
    }

    /// What has to be typed before `y`: the name of a protected target, the number of sessions where it is more than one.
    pub(crate) fn required(&self) -> String {
        let Stage::Asking(planned, _) = &self.stage else { return String::new() };
        let number = planned.plan.targets().count();
        let number = if number > 1 { number.to_string() } else { String::new() };
        match &self.protected {
            Some(name) if number.is_empty() => name.clone(),
            Some(name) => format!("{name} {number}"),
            None => number,
        }
    }

    /// What was typed of it.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// Takes a key at this moment; `is_fresh` says that the server answers.
    pub(crate) fn key(&mut self, key: &Key, is_fresh: bool, now: Instant) -> Answer {
        self.remark = None;
        let is_open = matches!(self.stage, Stage::Planning | Stage::Asking(..));
        if is_open && *key == Key::Escape {
            return Answer::Closes;
        }
        if is_open && now < self.quiet_until {
            return Answer::Waits;
        }
        let required = self.required();
        let made = match &self.stage {
            Stage::Asking(planned, made) if planned.plan.targets().next().is_some() => *made,
            // It goes on whatever is typed, and what it came to stays until it was read.
            Stage::Acting(_) => return Answer::Waits,
            Stage::Done(_) if *key != Key::Escape => return Answer::Waits,
            Stage::Planning if *key == Key::Char('y') => return Answer::Waits,
            _ => return Answer::Closes,
        };
        match key {
            Key::Char('y') if self.typed == required => {
                if !is_fresh || now.saturating_duration_since(made) > OLDEST_PLAN {
                    self.remark = Some("the server does not answer now: nothing can be done");
                    return Answer::Waits;
                }
                Answer::Agrees
            }
            Key::Char(character)
                if required
                    .strip_prefix(self.typed.as_str())
                    .is_some_and(|rest| rest.starts_with(*character)) =>
            {
                self.typed.push(*character);
                Answer::Waits
            }
            Key::Backspace if !self.typed.is_empty() => {
                self.typed.pop();
                Answer::Waits
            }
            _ => Answer::Closes,
        }
    }

    /// Takes what the act came to.
    pub(crate) fn acted(&mut self, acted: Result<Box<Acted>, String>) {
        self.stage = match acted {
            Ok(acted) => Stage::Done(acted),
            Err(why) => Stage::Failed(why),
        };
    }
}

/// Who is acted on by a plan.
fn keys_of(plan: &Plan) -> Vec<SessionKey> {
    let keys = plan.steps.iter().filter_map(|step| {
        let Identity { pid, backend_start, .. } = step.identity.as_ref()?;
        let session_id = step.outcome.session_id.clone()?;
        Some(SessionKey { pid: *pid, session_id, backend_start: backend_start.clone() })
    });
    keys.collect()
}

/// Takes out of a plan everybody who is not one of these: a session that has the process id of one that ended is another one.
fn keep_only(plan: &mut Plan, keys: &[SessionKey]) {
    let is_known = |pid: i32, start: Option<&str>| {
        keys.iter().any(|key| key.pid == pid && Some(key.backend_start.as_str()) == start)
    };
    for step in &mut plan.steps {
        let is_other = step.outcome.backend_start.is_some()
            && !is_known(step.outcome.pid, step.outcome.backend_start.as_deref());
        let acts_on_other = step
            .identity
            .as_ref()
            .is_some_and(|identity| !is_known(identity.pid, Some(identity.backend_start.as_str())));
        if is_other || acts_on_other {
            step.identity = None;
            step.outcome.result = Fate::Gone;
            step.outcome.error = Some("it ended; another session has its process id now".into());
        }
    }
}

/// Whether the same would be done to the same: for a cancel also while they run the same statement.
fn is_same(one: &Plan, other: &Plan) -> bool {
    let is_target = |plan: &Plan, wanted: &Identity| {
        plan.targets().any(|identity| {
            let is_it = identity.pid == wanted.pid && identity.backend_start == wanted.backend_start;
            is_it && (plan.action != Action::Cancel || identity.query_start == wanted.query_start)
        })
    };
    one.targets().count() == other.targets().count()
        && one.targets().all(|identity| is_target(other, identity))
}
