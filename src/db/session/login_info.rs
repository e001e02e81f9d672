//! What a login tells of who stands between. PostgreSQL tells the process id of the session's own backend; a pooler tells
//! one that it made up, because the backend changes: so the two together say whether there is one. Some are known by the
//! parameters that they tell.

use std::sync::{Arc, OnceLock};

/// What the server will have said about itself once the login is over.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct LoginInfo(Arc<OnceLock<Reported>>);

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reported {
    pid: i32,
    pooler: Option<&'static str>,
}

impl LoginInfo {
    /// The process id for cancel requests, when one was reported.
    pub(in crate::db) fn pid(&self) -> Option<i32> {
        self.0.get().map(|reported| reported.pid)
    }

    /// Which pooler tells parameters like these, if there is one at all.
    pub(in crate::db) fn pooler(&self) -> Option<&'static str> {
        self.0.get()?.pooler
    }

    /// What reads along for it.
    pub(super) fn reader(&self) -> LoginReader {
        LoginReader { info: self.clone(), seen: Vec::new() }
    }
}

/// The longest login that is read along.
const LONGEST: usize = 65_536;

/// Reads the messages of a login along, in whatever pieces they come.
#[derive(Debug)]
pub(super) struct LoginReader {
    info: LoginInfo,
    seen: Vec<u8>,
}

impl LoginReader {
    /// Takes the next bytes; false when nothing more is to be expected.
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        self.seen.extend_from_slice(bytes);
        let (mut rest, mut parameters) = (self.seen.as_slice(), Vec::new());
        while let Some((kind, body, after)) = message(rest) {
            match (kind, body.first_chunk()) {
                (b'K', Some(pid)) => {
                    let pid = i32::from_be_bytes(*pid);
                    // Once: nobody else reads this login along.
                    let _ = self.info.0.set(Reported { pid, pooler: pooler(&parameters) });
                    return false;
                }
                (b'Z', _) => return false,
                (b'S', _) => parameters.push(body),
                _ => {}
            }
            rest = after;
        }
        self.seen.len() < LONGEST
    }
}

/// The kind and body of the first message, and what follows it.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
    let (message, after) = rest.split_at_checked(length)?;
    Some((*kind, message.get(4..)?, after))
}

/// Parameters in the order of one pooler and of nobody else. Sources: PgBouncer's `welcome_client`, which ends with those that
/// it keeps for each client (up to 1.19, and since); Odyssey's `kiwi_params_add`, which turns the server's order round
/// (PostgreSQL up to 15, and since).
const ORDERS: [(&str, [&str; 5]); 4] = [
    (
        "PgBouncer",
        ["client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings", "application_name"],
    ),
    (
        "PgBouncer",
        ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "application_name"],
    ),
    (
        "Odyssey",
        [
            "TimeZone",
            "standard_conforming_strings",
            "session_authorization",
            "server_version",
            "server_encoding",
        ],
    ),
    (
        "Odyssey",
        [
            "server_encoding",
            "server_version",
            "client_encoding",
            "session_authorization",
            "standard_conforming_strings",
        ],
    ),
];

/// The pooler that tells such parameters, each a name and a value that end with 0. PgDog (`server_options`) and Supavisor
/// (`DbHandler`) name their own sessions and tell that name on. PgCat tells what the server does, in any order.
fn pooler(parameters: &[&[u8]]) -> Option<&'static str> {
    let application = parameters.iter().find_map(|parameter| parameter.strip_prefix(b"application_name\0"));
    match application {
        Some(b"PgDog\0") => return Some("PgDog"),
        Some(name) if name.starts_with(b"Supavisor") => return Some("Supavisor"),
        _ => {}
    }
    let is_named = |(parameter, name): (&&[u8], &&str)| {
        parameter.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\0"))
    };
    let is_in_order = |(_, names): &&(&str, [&str; 5])| {
        parameters.windows(names.len()).any(|some| some.iter().zip(names).all(is_named))
    };
    ORDERS.iter().find(is_in_order).map(|(pooler, _)| *pooler)
}

/// Whether a pooler stands between: the backend is another than the one that was reported. Unknown is no.
pub(in crate::db) fn is_pooled(reported: Option<i32>, backend: i32) -> bool {
    reported.is_some_and(|reported| reported != backend)
}

#[cfg(test)]
mod tests;
