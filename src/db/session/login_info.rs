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
mod tests {
    use super::*;

    #[test]
    fn the_process_id_is_read_however_the_messages_are_cut() {
        let mut login = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0b\0\0".to_vec();
        login.extend(b"K\0\0\0\x0c\0\0\x12\x67\0\0\0\x01Z\0\0\0\x05I");
        for size in 1..=login.len() {
            let info = LoginInfo::default();
            let mut reader = info.reader();
            let expects_more = login.chunks(size).map(|piece| reader.read(piece)).find(|more| !more);
            assert_eq!((info.pid(), expects_more), (Some(0x1267), Some(false)), "in pieces of {size}");
        }
        let silent = LoginInfo::default();
        assert!(!silent.reader().read(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"));
        assert_eq!((silent.pid(), silent.pooler()), (None, None));
        let mut endless = LoginInfo::default().reader();
        assert!((0..9).map(|_| endless.read(&[b'N'; 9_000])).any(|more| !more));
    }

    #[test]
    fn poolers_are_known_by_their_parameters() {
        let pooler_name = |parameters: &[(&str, &str)]| {
            let mut login = Vec::new();
            for (name, value) in parameters {
                let body = format!("{name}\0{value}\0");
                login.push(b'S');
                login.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
                login.extend(body.as_bytes());
            }
            // PgDog counts its clients from 0.
            login.extend(b"K\0\0\0\x0c\0\0\0\0\0\0\0\x01");
            let info = LoginInfo::default();
            assert!(!info.reader().read(&login));
            assert_eq!(info.pid(), Some(0));
            info.pooler()
        };
        let (version, zone) = (("server_version", "15.18"), ("TimeZone", "UTC"));
        let parameter = |name: &'static str| (name, "x");
        let server = [
            "application_name",
            "client_encoding",
            "DateStyle",
            "server_encoding",
            "server_version",
            "session_authorization",
            "standard_conforming_strings",
            "TimeZone",
        ];
        assert_eq!(pooler_name(&server.map(parameter)), None, "PostgreSQL to 15");
        let mut turned = server.map(parameter);
        turned.reverse();
        assert_eq!(pooler_name(&turned), Some("Odyssey"));
        for (pooler, order) in ORDERS {
            let order = order.map(parameter);
            assert_eq!(
                pooler_name(&[&[("a", "b")][..], &order, &[("IntervalStyle", "iso")]].concat()),
                Some(pooler)
            );
            assert_eq!(pooler_name(&[&order[..4], &[version, order[4]]].concat()), None, "{pooler}");
        }
        assert_eq!(pooler_name(&[("application_name", "Supavisor"), version, zone]), Some("Supavisor"));
        assert_eq!(pooler_name(&[("application_name", "Supavisor - pgconn"), version]), Some("Supavisor"));
        assert_eq!(pooler_name(&[("application_name", "PgDog"), version]), Some("PgDog"));
        assert_eq!(pooler_name(&[("application_name", "PgDogs"), version]), None);
    }

    #[test]
    fn only_another_process_than_the_one_reported_is_a_pooler() {
        assert!(is_pooled(Some(7), 8));
        assert!(!is_pooled(Some(8), 8) && !is_pooled(None, 8));
    }
}
