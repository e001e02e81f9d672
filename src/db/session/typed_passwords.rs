//! The passwords that were typed for an endpoint: a connection that is made again asks nobody again.

use crate::conninfo::ConnInfo;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was typed, in bytes, by whom it is for.
#[derive(Clone, Default)]
pub(crate) struct TypedPasswords(Arc<Mutex<ByPlace>>);

type ByPlace = HashMap<Place, Vec<u8>>;

/// Whom a password is for: the role, and the hosts with their ports.
type Place = (String, Vec<(String, u16)>);

impl TypedPasswords {
    /// The password that was typed for where `info` leads, whatever database.
    pub(super) fn password_for(&self, info: &ConnInfo) -> Option<Vec<u8>> {
        self.typed().get(&place(info)).cloned()
    }

    /// Keeps what was typed for where `info` leads.
    pub(super) fn keep(&self, info: &ConnInfo, typed: Vec<u8>) {
        self.typed().insert(place(info), typed);
    }

    fn typed(&self) -> MutexGuard<'_, ByPlace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(info: &ConnInfo) -> Place {
    let hosts = info.hosts().iter().map(|host| (host.name().to_owned(), host.port));
    (info.user().to_owned(), hosts.collect())
}

/// Shows no password.
impl fmt::Debug for TypedPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedPasswords").finish_non_exhaustive()
    }
}
