//! Who was seen inside the database while it was held closed.

use crate::commands::Context;
use crate::model::database::{Obstacle, Occupant};
use crate::model::quote;
use crate::render::{Warning, text};

/// How many of those inside are named one by one.
const NAMED: usize = 5;

/// What was seen of the database while it was held.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How often it was looked.
    pub(super) looks: u32,
    /// Why one look or more saw nothing.
    pub(super) missed: Option<String>,
    /// Who was inside at any of them, in the order in which they were seen. Sessions of the command are none of them.
    pub(super) occupants: Vec<Occupant>,
    /// What stood in the way of who wants the database for himself, at the last look that was answered.
    pub(super) obstacles: Vec<Obstacle>,
}

impl Seen {
    /// Whether nobody was inside at any look; none when one of them saw nothing, or there was none.
    pub(super) fn empty_throughout(&self) -> Option<bool> {
        match (self.occupants.is_empty(), &self.missed, self.looks) {
            (false, ..) => Some(false),
            (true, None, 1..) => Some(true),
            _ => None,
        }
    }

    /// Those inside whom the fence or the signals were for: sessions of clients, and hidden ones that may be.
    pub(super) fn clients(&self) -> usize {
        self.occupants.iter().filter(|occupant| occupant.may_be_client).count()
    }

    /// `2 sessions and 1 other process`.
    pub(super) fn count(&self) -> String {
        let count = |number: usize, noun| text::count(i64::try_from(number).unwrap_or(i64::MAX), noun);
        let (clients, others) = (self.clients(), self.occupants.len() - self.clients());
        match (clients, others) {
            (_, 0) => count(clients, "session"),
            (0, _) => other_processes(others),
            _ => format!("{} and {}", count(clients, "session"), other_processes(others)),
        }
    }

    /// Who was inside, one by one as far as that can be read.
    pub(super) fn named(&self) -> Vec<String> {
        let mut named: Vec<String> = self.occupants.iter().take(NAMED).map(who).collect();
        let more = self.occupants.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        named
    }

    /// Takes what one look brought. Sessions named `own` are the command's.
    pub(super) fn take(
        &mut self,
        looked: Result<(Vec<Occupant>, Vec<Obstacle>), String>,
        own: Option<&str>,
        context: &Context,
    ) {
        let occupants = match looked {
            Ok((occupants, obstacles)) => {
                self.obstacles = obstacles;
                occupants
            }
            Err(why) => return self.miss(why, context),
        };
        self.looks += 1;
        for occupant in occupants {
            let is_own = own.is_some_and(|own| occupant.application_name == own);
            if is_own || self.occupants.iter().any(|known| known.is_same(&occupant)) {
                continue;
            }
            if self.occupants.len() < NAMED {
                warn("inside", format!("{} is inside", who(&occupant)), context);
            }
            self.occupants.push(occupant);
        }
    }

    fn miss(&mut self, why: String, context: &Context) {
        if self.missed.is_none() {
            warn("not_seen", format!("who is inside cannot be seen: {why}"), context);
            self.missed = Some(why);
        }
    }
}

/// Said as it is seen: what can be done about it can be done now.
fn warn(code: &'static str, message: String, context: &Context) {
    context.ui.warning(&Warning { code, message, hint: None });
}

fn other_processes(number: usize) -> String {
    if number == 1 { "1 other process".into() } else { format!("{number} other processes") }
}

/// `pid 4711 (role "web", pool, 10.0.0.7)`, a process that serves no client with what it is.
fn who(occupant: &Occupant) -> String {
    let parts = [
        occupant.backend_type.clone().filter(|_| !occupant.may_be_client),
        occupant.role.as_deref().map(|role| format!("role {}", quote::shown(role))),
        Some(occupant.application_name.clone()).filter(|name| !name.is_empty()),
        occupant.client.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("pid {} ({})", occupant.pid, parts.join(", "))
}
