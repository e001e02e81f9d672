//! Who was seen inside the database while it was held closed.

use crate::commands::Context;
use crate::model::database::Insider;
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
    pub(super) inside: Vec<Insider>,
}

impl Seen {
    /// Whether nobody was inside at any look; none when one of them saw nothing, or there was none.
    pub(super) fn empty_throughout(&self) -> Option<bool> {
        match (self.inside.is_empty(), &self.missed, self.looks) {
            (false, ..) => Some(false),
            (true, None, 1..) => Some(true),
            _ => None,
        }
    }

    /// Those inside whom the fence or the signals were for: sessions of clients, and hidden ones that may be.
    pub(super) fn clients(&self) -> usize {
        self.inside.iter().filter(|insider| insider.may_be_client).count()
    }

    /// `2 sessions and 1 other process`.
    pub(super) fn count(&self) -> String {
        let count = |number: usize, noun| text::count(i64::try_from(number).unwrap_or(i64::MAX), noun);
        let (clients, others) = (self.clients(), self.inside.len() - self.clients());
        match (clients, others) {
            (_, 0) => count(clients, "session"),
            (0, _) => other_processes(others),
            _ => format!("{} and {}", count(clients, "session"), other_processes(others)),
        }
    }

    /// Who was inside, one by one as far as that can be read.
    pub(super) fn named(&self) -> Vec<String> {
        let mut named: Vec<String> = self.inside.iter().take(NAMED).map(who).collect();
        let more = self.inside.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        named
    }

    /// Takes what one look brought. Sessions named `own` are the command's.
    pub(super) fn take(
        &mut self,
        looked: Result<Vec<Insider>, String>,
        own: Option<&str>,
        context: &Context,
    ) {
        let insiders = match looked {
            Ok(insiders) => insiders,
            Err(why) => return self.miss(why, context),
        };
        self.looks += 1;
        for insider in insiders {
            let is_own = own.is_some_and(|own| insider.application_name == own);
            if is_own || self.inside.iter().any(|known| known.is_same(&insider)) {
                continue;
            }
            if self.inside.len() < NAMED {
                warn("inside", format!("{} is inside", who(&insider)), context);
            }
            self.inside.push(insider);
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
fn who(insider: &Insider) -> String {
    let parts = [
        insider.backend_type.clone().filter(|_| !insider.may_be_client),
        insider.role.as_deref().map(|role| format!("role {}", quote::shown(role))),
        Some(insider.application_name.clone()).filter(|name| !name.is_empty()),
        insider.client.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("pid {} ({})", insider.pid, parts.join(", "))
}
