//! What a login tells of who stands between. PostgreSQL tells the process id of the session's own backend; a pooler tells
//! one that it made up, because the backend changes: so the two together say whether there is one. Some are known by the
//! parameters that they tell. With the process id comes the key that cancels what the session runs: of up to 256 bytes, of which
//! the driver takes four, so that it is kept here.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// What the server will have said about itself once the login is over.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct LoginInfo(Arc<OnceLock<Reported>>);

/// Who said it.
struct Reported {
    pid: i32,
    /// The process id and the key, as they came.
    key: Vec<u8>,
    pooler: Option<&'static str>,
}

/// Without the key, which lets anybody cancel.
impl fmt::Debug for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, key: _, pooler } = self;
        f.debug_struct("Reported").field("pid", pid).field("pooler", pooler).finish_non_exhaustive()
    }
}

/// What a request to cancel says where others have the version: 1234.5678.
const CANCEL: u32 = (1234 << 16) + 5678;

impl LoginInfo {
    /// The process id for cancel requests, when one was reported.
    pub(in crate::db) fn pid(&self) -> Option<i32> {
        self.0.get().map(|reported| reported.pid)
    }

    /// The packet that asks to cancel what the session runs, when the server has given a key for it.
    pub(super) fn cancel_request(&self) -> Option<Vec<u8>> {
        let key = &self.0.get()?.key;
        let length = u32::try_from(8 + key.len()).unwrap_or(u32::MAX);
        Some([&length.to_be_bytes()[..], &CANCEL.to_be_bytes(), key].concat())
    }

    /// Which pooler tells parameters like these, if there is one at all.
    pub(in crate::db) fn pooler(&self) -> Option<&'static str> {
        self.0.get()?.pooler
    }

    /// What reads along for it.
    pub(super) fn reader(&self) -> LoginReader {
        LoginReader {
            info: self.clone(),
            message: Vec::new(),
            parameters: Vec::new(),
            key: None,
            is_over: false,
        }
    }
}

/// The kind and the length of a message.
const HEAD: usize = 5;

/// The head of the message that has the driver's four bytes of a key, and all of that message.
const SHORT_KEY: [u8; HEAD] = *b"K\0\0\0\x0c";
const SHORT_KEY_SIZE: usize = 13;

/// Reads the messages of a login along, in whatever pieces they come, until the session is ready.
pub(super) struct LoginReader {
    info: LoginInfo,
    /// The message that comes in, as far as it has.
    message: Vec<u8>,
    parameters: Vec<Vec<u8>>,
    /// What came with the last key: the process id, and all that is to be sent back.
    key: Option<(i32, Vec<u8>)>,
    is_over: bool,
}

impl LoginReader {
    /// Takes the next bytes, whose messages have been found to be of lengths that they can have. What the driver is to have of them
    /// stands in front afterwards, and so many bytes it is: all, but for the rest of a long key.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut kept) = (0, 0);
        while !self.is_over && at < bytes.len() {
            let place = self.message.len();
            let end = bytes.len().min(at + self.size().saturating_sub(place));
            let Some(piece) = bytes.get_mut(at..end) else { break };
            self.message.extend_from_slice(piece);
            let mut passed = piece.len();
            if self.message.first() == Some(&b'K') {
                // The length goes by before it is known whole; it is the driver's whatever it is.
                let short = SHORT_KEY.iter().skip(place);
                piece.iter_mut().zip(short).for_each(|(byte, short)| *byte = *short);
                passed = passed.min(SHORT_KEY_SIZE.saturating_sub(place));
            }
            if kept < at {
                bytes.copy_within(at..at + passed, kept);
            }
            (at, kept) = (end, kept + passed);
            if self.message.len() == self.size() {
                self.take();
            }
        }
        if kept < at {
            bytes.copy_within(at.., kept);
        }
        kept + bytes.len() - at
    }

    /// Whether nothing more is to be expected.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many bytes the message has; those of a head while that has not come.
    fn size(&self) -> usize {
        let length = self.message.get(1..HEAD).and_then(<[u8]>::first_chunk);
        let length = length.and_then(|length| usize::try_from(u32::from_be_bytes(*length)).ok());
        length.map_or(HEAD, |length| HEAD.max(length.saturating_add(1)))
    }

    /// Takes the message that has come whole.
    fn take(&mut self) {
        let body = self.message.get(HEAD..).unwrap_or_default();
        match (self.message.first(), body.first_chunk()) {
            (Some(b'K'), Some(pid)) => self.key = Some((i32::from_be_bytes(*pid), body.to_vec())),
            (Some(b'S'), _) => self.parameters.push(body.to_vec()),
            (Some(b'Z'), _) => {
                self.is_over = true;
                if let Some((pid, key)) = self.key.take() {
                    let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
                    // Once: nobody else reads this login along.
                    let _ = self.info.0.set(Reported { pid, key, pooler: pooler(&parameters) });
                }
            }
            _ => {}
        }
        self.message.clear();
    }
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
