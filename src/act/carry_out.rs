//! Carrying a plan out: signal everything at once, then watch until it is seen done. Whatever goes wrong on the way becomes
//! the outcome of the sessions that it concerns, so that there is always a report.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::outcome;
use super::progress::{OutcomeChange, Progress};
use super::signal_log::{SignalLog, unlogged};
use crate::analyze::plan::{COMMITTED, Plan, Step};
use crate::db::{self, ErrorKind, SignalOrder, Still, Uninterrupted};
use crate::model::act::{Action, Fate, Identity, Wanted};
use crate::stop::Stop;

/// The first pause between two looks at whether they are gone; later ones are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How far an act has come.
#[derive(Debug)]
enum Stage {
    /// Nothing has been sent.
    Planned,
    /// What ran has been cancelled; the sessions may go by themselves.
    Grace { until: Instant, pause: Duration, cancelled: HashSet<i32> },
    /// Everything has been sent.
    Watched { action: Action, until: Instant, pause: Duration },
    /// It is over.
    Over,
}

/// A plan that is being carried out, over whatever session each step is given. Between steps, and where a step is given up, what was
/// sent is known to it.
#[derive(Debug)]
pub(crate) struct Act<'a> {
    plan: Plan,
    wanted: &'a Wanted,
    grace: Option<Duration>,
    verify: Duration,
    stage: Stage,
    log: Option<&'a mut dyn SignalLog>,
    /// Those whose signals are under way.
    sending: Vec<Identity>,
    unverified: Option<db::Error>,
}

/// What an act came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// The plan, with what became of each session.
    pub(crate) plan: Plan,
    /// Why it is not known what became of those that are still `signalled`.
    pub(crate) unverified: Option<db::Error>,
}

impl<'a> Act<'a> {
    /// Nothing done yet. What was asked for as `wanted` is signalled, and watched for `verify`; with a time of `grace` its queries are
    /// cancelled first, and what is still there after that is ended.
    pub(crate) const fn new(
        plan: Plan,
        wanted: &'a Wanted,
        grace: Option<Duration>,
        verify: Duration,
    ) -> Self {
        Self {
            plan,
            wanted,
            grace,
            verify,
            stage: Stage::Planned,
            log: None,
            sending: Vec::new(),
            unverified: None,
        }
    }

    /// An act all of whose signals have been sent, by steps of others; what is left is to watch for `verify`.
    pub(crate) fn watching(plan: Plan, wanted: &'a Wanted, verify: Duration) -> Self {
        let action = plan.action;
        let stage = Stage::Watched { action, until: Instant::now() + verify, pause: FIRST_PAUSE };
        Self { stage, ..Self::new(plan, wanted, None, verify) }
    }

    /// Notes its signals in `log`.
    pub(crate) fn logged(self, log: Option<&'a mut dyn SignalLog>) -> Self {
        Self { log, ..self }
    }

    /// Does what is due, over `db`. An act that is `interrupted` sends nothing more, and looks once more at what it has sent.
    pub(crate) async fn step(&mut self, db: &Uninterrupted, interrupted: bool) -> Progress {
        let before: Vec<Fate> = self.plan.steps.iter().map(|step| step.outcome.result).collect();
        self.settle();
        // The stage stays until the step is done: where it is given up, the next one takes it up.
        let again = match &self.stage {
            Stage::Planned => self.begin(db).await,
            Stage::Grace { until, pause, cancelled } => {
                let grace = (*until, *pause, cancelled.clone());
                self.during_grace(db, interrupted, grace).await
            }
            Stage::Watched { action, until, pause } => {
                let (action, times) = (*action, (*until, *pause));
                self.verify(db, interrupted, action, times).await
            }
            Stage::Over => None,
        };
        if again.is_none() {
            self.stage = Stage::Over;
        }
        let after =
            self.plan.steps.iter().zip(before).filter(|(step, before)| step.outcome.result != *before);
        let mut changed = Vec::new();
        for (step, _) in after {
            let (pid, result) = (step.outcome.pid, step.outcome.result);
            if !result.is_open()
                && let Some(log) = &mut self.log
            {
                log.outcome(step);
            }
            changed.push(OutcomeChange { pid, result });
        }
        Progress { changed, again }
    }

    /// Steps to the end, and hands on what changes. A signal at `stop` ends the pauses.
    pub(crate) async fn run(
        &mut self,
        db: &Uninterrupted,
        stop: &Stop,
        mut on_change: impl FnMut(&[OutcomeChange]),
    ) {
        loop {
            let progress = self.step(db, stop.signal().is_some()).await;
            on_change(&progress.changed);
            let Some(again) = progress.again else { return };
            tokio::select! {
                () = sleep_until(again) => {}
                _ = stop.pulled() => {}
            }
        }
    }

    /// What it came to.
    pub(crate) fn end(mut self) -> Done {
        self.settle();
        if self.unverified.is_some() {
            let signalled = self.plan.steps.iter_mut().filter(|step| step.outcome.result == Fate::Signalled);
            signalled.for_each(|step| step.outcome.unseen = true);
        }
        Done { plan: self.plan, unverified: self.unverified }
    }

    /// A step was given up while its signals were under way: nobody knows of them.
    fn settle(&mut self) {
        let given_up = std::mem::take(&mut self.sending);
        if !given_up.is_empty() {
            let error = db::Error::new(ErrorKind::Timeout, "given up before the server answered");
            self.failed(&given_up, &error);
        }
    }

    async fn begin(&mut self, db: &Uninterrupted) -> Option<Instant> {
        let Some(grace) = self.grace else {
            let everybody = self.pids(|step| step.identity.is_some());
            // What was sent is watched also when this is given up.
            let _ = self.watch(self.plan.action);
            self.signal(db, self.plan.action, &everybody, true).await;
            return self.watch(self.plan.action);
        };
        let running = self.pids(|step| step.identity.is_some() && step.running);
        let _ = self.watch(Action::Cancel);
        self.signal(db, Action::Cancel, &running, true).await;
        let cancelled = self.pids(|step| step.outcome.result == Fate::Signalled);
        self.set(&running, |fate| match fate {
            // It has ended what it ran, or gone on to something else: whether it is ended is for the filters to say.
            Fate::Changed | Fate::NoEffect => Some(Fate::WouldTerminate),
            _ => None,
        });
        self.stage = Stage::Grace { until: Instant::now() + grace, pause: FIRST_PAUSE, cancelled };
        Some(Instant::now())
    }

    /// All is sent: from now on it is watched.
    fn watch(&mut self, action: Action) -> Option<Instant> {
        self.stage = Stage::Watched { action, until: Instant::now() + self.verify, pause: FIRST_PAUSE };
        Some(Instant::now())
    }

    /// Looks whether all are gone in the time of grace, and ends what is left after it. That time ends early when nobody of the plan
    /// is left, and when nothing can be done any more. A look that fails does not end it.
    async fn during_grace(
        &mut self,
        db: &Uninterrupted,
        interrupted: bool,
        (until, pause, cancelled): (Instant, Duration, HashSet<i32>),
    ) -> Option<Instant> {
        let open = |step: &Step| matches!(step.outcome.result, Fate::Signalled | Fate::WouldTerminate);
        let waiting = self.identities(open);
        let mut last = interrupted || Instant::now() >= until;
        match self.still_there(db, &waiting).await {
            None if db.is_closed() => last = true,
            None if last => {}
            None => db.abandon().await,
            Some(still) => {
                for step in self.plan.steps.iter_mut().filter(|step| open(step) && step.identity.is_some()) {
                    if !still.contains_key(&step.outcome.pid) {
                        let ours = cancelled.contains(&step.outcome.pid);
                        step.outcome.result = if ours { Fate::Terminated } else { Fate::Gone };
                    }
                }
                last |= still.is_empty();
            }
        }
        if !last {
            let (again, longer) = next(pause, until);
            self.stage = Stage::Grace { until, pause: longer, cancelled };
            return Some(again);
        }
        let why = if interrupted {
            Some("interrupted")
        } else {
            db.is_closed().then_some("the connection was lost")
        };
        if let Some(why) = why {
            self.unfinished(&cancelled, why);
            return None;
        }
        let others = self.pids(|step| step.outcome.result == Fate::WouldTerminate);
        let cancelled: HashSet<i32> = self
            .pids(|step| step.outcome.result == Fate::Signalled)
            .intersection(&cancelled)
            .copied()
            .collect();
        self.signal(db, Action::Terminate, &others, true).await;
        self.signal(db, Action::Terminate, &cancelled, false).await;
        self.watch(Action::Terminate)
    }

    /// Looks whether every signalled session is seen done, for the last time when the time is up. A look that fails before that
    /// does not end it; one that is under way then is the last.
    async fn verify(
        &mut self,
        db: &Uninterrupted,
        interrupted: bool,
        action: Action,
        (until, pause): (Instant, Duration),
    ) -> Option<Instant> {
        let waiting = self.identities(|step| step.outcome.result == Fate::Signalled);
        let last = interrupted || Instant::now() >= until;
        if waiting.is_empty() {
            return None;
        }
        match self.still_there(db, &waiting).await {
            Some(still) => self.note_done(action, &still),
            None if last || db.is_closed() || Instant::now() >= until => return None,
            None => db.abandon().await,
        }
        if last {
            return None;
        }
        let (again, longer) = next(pause, until);
        self.stage = Stage::Watched { action, until, pause: longer };
        Some(again)
    }

    fn pids(&self, condition: impl Fn(&Step) -> bool) -> HashSet<i32> {
        self.plan.steps.iter().filter(|step| condition(step)).map(|step| step.outcome.pid).collect()
    }

    fn set(&mut self, pids: &HashSet<i32>, new: impl Fn(Fate) -> Option<Fate>) {
        for step in &mut self.plan.steps {
            if pids.contains(&step.outcome.pid)
                && step.identity.is_some()
                && let Some(fate) = new(step.outcome.result)
            {
                step.outcome.result = fate;
                step.outcome.error = None;
            }
        }
    }

    fn identities(&self, condition: impl Fn(&Step) -> bool) -> Vec<Identity> {
        let chosen = self.plan.steps.iter().filter(|step| condition(step));
        chosen.filter_map(|step| step.identity.clone()).collect()
    }

    /// Signals these, all in one statement. When the server refuses that as a whole, each gets a statement of its own, so
    /// that one refusal does not hide the fate of the others.
    async fn signal(&mut self, db: &Uninterrupted, action: Action, pids: &HashSet<i32>, filtered: bool) {
        let identities = self.identities(|step| pids.contains(&step.outcome.pid));
        if identities.is_empty() {
            return;
        }
        let Err(error) = self.send(db, action, &identities, filtered).await else { return };
        if matches!(error.kind, ErrorKind::PermissionDenied | ErrorKind::Server) {
            for identity in identities {
                if let Err(error) = self.send(db, action, std::slice::from_ref(&identity), filtered).await {
                    self.failed(&[identity], &error);
                }
            }
        } else {
            self.failed(&identities, &error);
        }
    }

    async fn send(
        &mut self,
        db: &Uninterrupted,
        action: Action,
        identities: &[Identity],
        filtered: bool,
    ) -> Result<(), db::Error> {
        if let Err(error) = self.note(action, identities) {
            self.fail(identities, Fate::Failed, &unlogged(&error));
            return Ok(());
        }
        let order = SignalOrder { action, identities, wanted: self.wanted, filtered };
        identities.clone_into(&mut self.sending);
        let answers = db.signal(&order).await;
        self.sending.clear();
        let answers = answers?;
        let answers: HashMap<i32, db::SignalAnswer> =
            identities.iter().map(|identity| identity.pid).zip(answers).collect();
        for step in &mut self.plan.steps {
            let Some(identity) = &step.identity else { continue };
            let Some(answer) = answers.get(&identity.pid) else { continue };
            let (fate, why) = fate(answer);
            step.outcome.result = fate;
            let two = answer.successor_start.as_deref().map(|successor| two_sessions(identity, successor));
            step.outcome.error = two.or_else(|| why.map(str::to_owned)).or(step.outcome.error.take());
        }
        Ok(())
    }

    /// Notes in the log who is about to be signalled.
    fn note(&mut self, action: Action, identities: &[Identity]) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let pids = pids(identities);
        let about = self.plan.steps.iter().filter(|step| pids.contains(&step.outcome.pid));
        log.sending(action, &about.collect::<Vec<_>>())
    }

    fn failed(&mut self, identities: &[Identity], error: &db::Error) {
        let (fate, unknown) = match error.kind {
            ErrorKind::PermissionDenied => (Fate::NotPermitted, ""),
            ErrorKind::Server | ErrorKind::BadValue => (Fate::Failed, ""),
            _ => (Fate::Failed, "; it is not known whether it was signalled"),
        };
        self.fail(identities, fate, &format!("{}{unknown}", error.message));
    }

    fn fail(&mut self, identities: &[Identity], fate: Fate, why: &str) {
        let pids = pids(identities);
        for step in self.plan.steps.iter_mut().filter(|step| pids.contains(&step.outcome.pid)) {
            step.outcome.result = fate;
            step.outcome.error = Some(why.to_owned());
        }
    }

    /// Those that are still there, by pid; none when it cannot be found out, which is kept until it can.
    async fn still_there(
        &mut self,
        db: &Uninterrupted,
        identities: &[Identity],
    ) -> Option<HashMap<i32, Still>> {
        match db.still_there(identities).await {
            Ok(still) => {
                self.unverified = None;
                Some(still.into_iter().map(|still| (still.pid, still)).collect())
            }
            Err(error) => {
                self.unverified = Some(error);
                None
            }
        }
    }

    fn note_done(&mut self, action: Action, still: &HashMap<i32, Still>) {
        for step in self.plan.steps.iter_mut().filter(|step| step.outcome.result == Fate::Signalled) {
            outcome::note(action, still.get(&step.outcome.pid), &mut step.outcome);
        }
    }

    /// The end of the run in the time of grace: nothing was ended yet.
    fn unfinished(&mut self, cancelled: &HashSet<i32>, why: &str) {
        for step in &mut self.plan.steps {
            if matches!(step.outcome.result, Fate::Signalled | Fate::WouldTerminate) {
                step.outcome.result = Fate::Failed;
                let was =
                    if cancelled.contains(&step.outcome.pid) { "its query was cancelled; " } else { "" };
                step.outcome.error = Some(format!("{was}{why} before the session was ended"));
            }
        }
    }
}

fn pids(identities: &[Identity]) -> HashSet<i32> {
    identities.iter().map(|identity| identity.pid).collect()
}

/// When to look again after `pause`, by `until` at the latest, and the pause after that.
fn next(pause: Duration, until: Instant) -> (Instant, Duration) {
    ((Instant::now() + pause).min(until.max(Instant::now())), (pause * 3 / 2).min(LONGEST_PAUSE))
}

/// The session of the plan and the one that has its pid now, each by its start: its session id can be the same.
fn two_sessions(planned: &Identity, successor_start: &str) -> String {
    let Identity { pid, backend_start, .. } = planned;
    format!(
        "it ended before it could be signalled: the session that was meant started at {backend_start}; pid {pid} belongs to \
         another one now, started at {successor_start}, which was left alone"
    )
}

/// What the words of `signal.sql` mean, and why where that needs saying.
fn fate(answer: &db::SignalAnswer) -> (Fate, Option<&'static str>) {
    match answer.word.as_str() {
        "signal" if answer.sent => (Fate::Signalled, None),
        "signal" | "gone" => (Fate::Gone, Some("it ended before it could be signalled")),
        "changed" => (Fate::Changed, Some("it changed before it could be signalled")),
        "no_effect" => (Fate::NoEffect, Some("its query ended before it could be cancelled")),
        "committed" => (Fate::NoEffect, Some(COMMITTED)),
        "not_a_client" => (Fate::NotAClient, None),
        "not_permitted" => (Fate::NotPermitted, None),
        "not_visible" => (Fate::NotVisible, None),
        "protected" => (Fate::Protected, None),
        _ => (Fate::Failed, Some("the server gave no verdict")),
    }
}
