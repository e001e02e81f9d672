//! Carrying a plan out: signal everything at once, then watch until it is seen done. Whatever goes wrong on the way becomes
//! the outcome of the sessions that it concerns, so that there is always a report.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use crate::analyze::plan::{COMMITTED, Plan, Step};
use crate::db::{self, Db, Kind, SignalOrder, Still};
use crate::model::act::{Action, Fate, Identity, Wanted};
use crate::render::Warning;
use crate::stop::Stop;

/// The first pause between two looks at whether they are gone; later ones are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A signal that was sent, for the log.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Sent {
    /// When.
    pub(in crate::commands) at: SystemTime,
    /// Which.
    pub(in crate::commands) action: Action,
    /// To whom.
    pub(in crate::commands) identity: Identity,
}

/// A plan that is being carried out.
pub(in crate::commands) struct Act<'a> {
    db: Db,
    plan: Plan,
    wanted: &'a Wanted,
    stop: Stop,
    sent: Vec<Sent>,
    lost: Option<Warning>,
}

impl<'a> Act<'a> {
    /// Nothing done yet. `db` must not hear signals; `stop` is looked at between its questions.
    pub(in crate::commands) const fn new(db: Db, plan: Plan, wanted: &'a Wanted, stop: Stop) -> Self {
        Self { db, plan, wanted, stop, sent: Vec::new(), lost: None }
    }

    /// The connection, the plan with each session's fate, the signals, and what could not be verified.
    pub(in crate::commands) fn end(self) -> (Db, Plan, Vec<Sent>, Option<Warning>) {
        (self.db, self.plan, self.sent, self.lost)
    }

    /// Signals everything, then watches for `verify`.
    pub(in crate::commands) async fn at_once(&mut self, verify: Duration) {
        self.signal_all().await;
        self.watch(self.plan.action, verify).await;
    }

    /// Signals everything.
    pub(in crate::commands) async fn signal_all(&mut self) {
        let everybody = self.pids(|step| step.identity.is_some());
        self.signal(self.plan.action, &everybody, true).await;
    }

    /// Watches for `verify` what was signalled before.
    pub(in crate::commands) async fn watch_all(&mut self, verify: Duration) {
        self.watch(self.plan.action, verify).await;
    }

    /// Cancels what runs, waits up to `grace` for the sessions to go by themselves, then ends what is still there.
    pub(in crate::commands) async fn gently(&mut self, grace: Duration, verify: Duration) {
        let running = self.pids(|step| step.identity.is_some() && step.running);
        self.signal(Action::Cancel, &running, true).await;
        let cancelled = self.pids(|step| step.outcome.result == Fate::Signalled);
        self.set(&running, |fate| match fate {
            // It has ended what it ran, or gone on to something else: whether it is ended is for the filters to say.
            Fate::Changed | Fate::NoEffect => Some(Fate::WouldTerminate),
            _ => None,
        });
        self.wait_for_the_end_of_all(grace, &cancelled).await;
        let ended = match self.stop.signal() {
            Some(_) => Some("interrupted"),
            None => self.db.is_closed().then_some("the connection was lost"),
        };
        if let Some(why) = ended {
            self.unfinished(&cancelled, why);
            return;
        }
        let others = self.pids(|step| step.outcome.result == Fate::WouldTerminate);
        let cancelled: HashSet<i32> = self
            .pids(|step| step.outcome.result == Fate::Signalled)
            .intersection(&cancelled)
            .copied()
            .collect();
        self.signal(Action::Terminate, &others, true).await;
        self.signal(Action::Terminate, &cancelled, false).await;
        self.watch(Action::Terminate, verify).await;
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
    async fn signal(&mut self, action: Action, pids: &HashSet<i32>, filtered: bool) {
        let identities = self.identities(|step| pids.contains(&step.outcome.pid));
        if identities.is_empty() {
            return;
        }
        let Err(error) = self.send(action, &identities, filtered).await else { return };
        if matches!(error.kind, Kind::PermissionDenied | Kind::Server) {
            for identity in identities {
                if let Err(error) = self.send(action, std::slice::from_ref(&identity), filtered).await {
                    self.failed(&[identity], &error);
                }
            }
        } else {
            self.failed(&identities, &error);
        }
    }

    async fn send(
        &mut self,
        action: Action,
        identities: &[Identity],
        filtered: bool,
    ) -> Result<(), db::Error> {
        let at = SystemTime::now();
        let order = SignalOrder { action, identities, wanted: self.wanted, filtered };
        let verdicts = self.db.signal(&order).await?;
        let verdicts: HashMap<i32, db::Verdict> =
            identities.iter().map(|identity| identity.pid).zip(verdicts).collect();
        for step in &mut self.plan.steps {
            let Some(identity) = &step.identity else { continue };
            let Some(verdict) = verdicts.get(&identity.pid) else { continue };
            let (fate, why) = fate(verdict);
            step.outcome.result = fate;
            step.outcome.error = why.map(str::to_owned).or(step.outcome.error.take());
            if fate == Fate::Signalled {
                self.sent.push(Sent { at, action, identity: identity.clone() });
            }
        }
        Ok(())
    }

    fn failed(&mut self, identities: &[Identity], error: &db::Error) {
        let (fate, unknown) = match error.kind {
            Kind::PermissionDenied => (Fate::NotPermitted, ""),
            Kind::Server | Kind::BadValue => (Fate::Failed, ""),
            _ => (Fate::Failed, "; it is not known whether it was signalled"),
        };
        let pids: HashSet<i32> = identities.iter().map(|identity| identity.pid).collect();
        for step in self.plan.steps.iter_mut().filter(|step| pids.contains(&step.outcome.pid)) {
            step.outcome.result = fate;
            step.outcome.error = Some(format!("{}{unknown}", error.message));
        }
    }

    /// Looks again and again until every signalled session is seen done, the time is up or a signal arrives.
    async fn watch(&mut self, action: Action, time: Duration) {
        let deadline = Instant::now() + time;
        let mut pause = FIRST_PAUSE;
        loop {
            let waiting = self.identities(|step| step.outcome.result == Fate::Signalled);
            if waiting.is_empty() {
                return;
            }
            let last = self.stop.signal().is_some() || Instant::now() >= deadline;
            let Some(still) = self.still_there(&waiting).await else { return };
            self.note_done(action, &still);
            if last {
                return;
            }
            self.pause(&mut pause, deadline).await;
        }
    }

    /// The time of grace: ends early when nobody of the plan is left, and when nothing can be done any more. A look that
    /// fails does not end it.
    async fn wait_for_the_end_of_all(&mut self, grace: Duration, cancelled: &HashSet<i32>) {
        let deadline = Instant::now() + grace;
        let mut pause = FIRST_PAUSE;
        loop {
            let open = |step: &Step| matches!(step.outcome.result, Fate::Signalled | Fate::WouldTerminate);
            let waiting = self.identities(open);
            let last = self.stop.signal().is_some() || Instant::now() >= deadline;
            let Some(still) = self.still_there(&waiting).await else {
                if last || self.db.is_closed() {
                    return;
                }
                self.db.abandon().await;
                self.pause(&mut pause, deadline).await;
                continue;
            };
            for step in self.plan.steps.iter_mut().filter(|step| open(step) && step.identity.is_some()) {
                if !still.contains_key(&step.outcome.pid) {
                    let ours = cancelled.contains(&step.outcome.pid);
                    step.outcome.result = if ours { Fate::Terminated } else { Fate::Gone };
                }
            }
            if last || still.is_empty() {
                return;
            }
            self.pause(&mut pause, deadline).await;
        }
    }

    async fn pause(&self, pause: &mut Duration, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        tokio::select! {
            () = sleep((*pause).min(left)) => {}
            _ = self.stop.pulled() => {}
        }
        *pause = (*pause * 3 / 2).min(LONGEST_PAUSE);
    }

    /// Those that are still there, by pid; none when it cannot be found out, which is kept as a warning.
    async fn still_there(&mut self, identities: &[Identity]) -> Option<HashMap<i32, Still>> {
        match self.db.still_there(identities).await {
            Ok(still) => Some(still.into_iter().map(|still| (still.pid, still)).collect()),
            Err(error) => {
                self.lost = Some(Warning {
                    code: "not_verified",
                    message: format!("what became of the signalled sessions could not be seen: {error}"),
                    hint: None,
                });
                None
            }
        }
    }

    fn note_done(&mut self, action: Action, still: &HashMap<i32, Still>) {
        for step in self.plan.steps.iter_mut().filter(|step| step.outcome.result == Fate::Signalled) {
            match (action, still.get(&step.outcome.pid)) {
                (Action::Terminate, None) => step.outcome.result = Fate::Terminated,
                (Action::Terminate, Some(_)) => {}
                (Action::Cancel, Some(still)) if still.running => {
                    step.outcome.error = (still.wait_event.as_deref() == Some("ClientWrite")).then(|| {
                        "its client does not read the result, and no cancel reaches it there; kill does"
                            .into()
                    });
                }
                (Action::Cancel, _) => {
                    step.outcome.result = Fate::Cancelled;
                    step.outcome.error = None;
                }
            }
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

/// What the words of `signal.sql` mean, and why where that needs saying.
fn fate(verdict: &db::Verdict) -> (Fate, Option<&'static str>) {
    match verdict.word.as_str() {
        "signal" if verdict.sent => (Fate::Signalled, None),
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
