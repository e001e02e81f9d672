//! The pools of the pooler in front of the server: looked at while they are listed, beside the looks at the server, so that neither
//! holds the other up.

use std::time::{Duration, Instant};

use super::event::{Effect, PoolerSeen, View};
use super::list::{Body, Entry, Id, Presence};
use super::state::State;
use crate::analyze::pooler::PoolUse;

/// After a look that failed it is not tried again before.
const AGAIN: Duration = Duration::from_secs(2);
/// The share of the time between two looks that a look may take.
const SHARE: u32 = 4;

impl State {
    /// The views there are, in the order of their numbers: that of the pooler where there is one.
    pub(crate) const fn views(&self) -> &'static [View] {
        match (self.setup.pooler.is_some(), View::ALL.split_last()) {
            (false, Some((_, others))) => others,
            _ => &View::ALL,
        }
    }

    /// A look at the console when it is time for one: one at a time, and only while its pools are listed.
    pub(super) fn pooler_due(&mut self) -> Option<Effect> {
        let console = &mut self.console;
        let is_early = console.next.is_some_and(|next| self.now < next);
        if self.view != View::Pooler || console.looking.is_some() || is_early {
            return None;
        }
        console.looking = Some(self.now);
        console.next = Some(self.now + self.pace.interval);
        Some(Effect::LookAtPooler)
    }

    /// When the console is looked at next.
    pub(super) fn pooler_wakes(&self) -> Option<Instant> {
        let console = &self.console;
        console.next.filter(|_| self.view == View::Pooler && console.looking.is_none())
    }

    /// Takes what the console said, or why it said nothing.
    pub(super) fn on_pooler(&mut self, seen: Result<Box<PoolerSeen>, String>) {
        let console = &mut self.console;
        let began = console.looking.take();
        let took = began.map_or(Duration::ZERO, |began| self.now.saturating_duration_since(began));
        match seen {
            Ok(seen) => {
                console.next = began.map(|began| began + self.pace.interval.max(took * SHARE));
                console.failed = None;
                let seen = Some((seen, self.now));
                if self.paused.is_some() && console.seen.is_some() {
                    console.later = seen;
                    return;
                }
                console.seen = seen;
                self.list_pools();
            }
            Err(why) => {
                console.next = Some(self.now + self.pace.interval.max(AGAIN));
                let since = console.failed.as_ref().map(|(since, _)| *since).or(began).unwrap_or(self.now);
                console.failed = Some((since, why));
            }
        }
    }

    /// Lists the pools as they were seen last, where they are what is listed.
    pub(super) fn list_pools(&mut self) {
        let Some((seen, _)) = self.console.seen.as_ref().filter(|_| self.view == View::Pooler) else {
            return;
        };
        let row = |pool: &PoolUse| Entry {
            id: Id::Pool(pool.pool.database.clone(), pool.pool.user.clone()),
            gone: false,
            body: Body::Pool(Box::new(pool.clone())),
        };
        let rows = seen.pools.iter().map(row).collect();
        self.list.update(rows, |_| Presence::Left);
    }

    /// How old what is known of the pools is.
    pub(crate) fn pooler_age(&self) -> Option<Duration> {
        let (_, at) = self.console.seen.as_ref()?;
        Some(self.now.saturating_duration_since(*at))
    }

    /// For how long the console has not answered: since it failed first, or since it was asked where that is too long ago.
    pub(crate) fn pooler_silent(&self) -> Option<Duration> {
        let since = |at: Instant| self.now.saturating_duration_since(at);
        let failed = self.console.failed.as_ref().map(|(at, _)| since(*at));
        failed.or_else(|| self.console.looking.map(since).filter(|silent| *silent > self.stale_after()))
    }
}
