//! How much a server may send. The driver takes whatever comes and holds it until it is whole; so what it reads is metered
//! message by message, and a server that goes beyond what any PostgreSQL sends is not read any further.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The largest row: a query text of the longest kind that a server keeps (1 MB, hex-encoded) and what is granted on a database
/// fit in. While it comes in, the driver needs up to three times of it.
const LARGEST: u32 = 8 << 20;
/// The largest error, notice or notification: its text is for people.
const LARGEST_TEXT: u32 = 1 << 20;
/// The largest message of a kind that is always short, as in libpq (`VALID_LONG_MESSAGE_TYPE` of its `fe-protocol3.c`).
const LARGEST_SHORT: u32 = 30_000;
/// The lengths of what a cancel request needs: a process id, and a key of 4 to 256 bytes (`MAX_CANCEL_KEY_LENGTH` of PostgreSQL's
/// `cancel.h` and its protocol 3.2).
const KEYS: RangeInclusive<u32> = 12..=264;
/// The most columns of an answer; no question of pgconn's, and no list of a pooler's console, has half as many.
const COLUMNS: u16 = 100;
/// What it costs to hold a row, beyond its bytes: the driver's part and the model's, and each column's place in both.
const COST_OF_A_ROW: u64 = 256;
const COST_OF_A_COLUMN: u64 = 32;
/// What is longer lies in room of its own, which grows to twice of it.
const LONG: u32 = 64 << 10;
/// The most statements that one message asks.
const STATEMENTS: u32 = 10_000;
/// The most parameters that are told with one answer.
const PARAMETERS: u32 = 1_000;
/// The most notices, and notifications, that come with one answer.
const NOTICES: u32 = 10_000;

/// How much the answer to one message may take, all that it costs to hold included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::db) enum Entitlement {
    /// A value, or a word: a login is entitled to no more either.
    #[default]
    Value,
    /// What is counted, judged and set: a row for each database or role, or for each kind of session.
    Facts,
    /// A row for each session, or for each client of a pooler: some 30,000 of them.
    Sessions,
    /// Whole query texts, a hundred of the longest kind that a server keeps, where none is held as it came.
    Texts,
}

impl Entitlement {
    /// In bytes.
    const fn bytes(self) -> u64 {
        match self {
            Self::Value => 1 << 20,
            Self::Facts => 24 << 20,
            Self::Sessions => 64 << 20,
            Self::Texts => 512 << 20,
        }
    }
}

/// What a server sent too much of, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::db) struct Excess(pub(in crate::db) String);

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Excess {}

/// What both sides of the driver know of a session: the meter, which reads before it, and whoever asks over it.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Metering(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The excess by which the session has ended; who asks over it only learns from the driver that it has ended.
    excess: OnceLock<Excess>,
    /// What the answers that are still to come may take, in order: one that nobody waits for any more comes all the same.
    entitlements: Mutex<VecDeque<Entitlement>>,
}

impl Metering {
    /// The excess by which the session has ended.
    pub(in crate::db) fn excess(&self) -> Option<&Excess> {
        self.0.excess.get()
    }

    /// Says what the answer to the message may take that is sent next. What is sent without that has [`Entitlement::Value`], and
    /// nothing else is under way meanwhile.
    pub(in crate::db) fn entitle(&self, entitlement: Entitlement) {
        self.entitlements().push_back(entitlement);
    }

    /// What the answer that comes in may take.
    fn entitlement(&self) -> Entitlement {
        self.entitlements().front().copied().unwrap_or_default()
    }

    fn entitlements(&self) -> MutexGuard<'_, VecDeque<Entitlement>> {
        self.0.entitlements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the messages of a server, in whatever pieces they come.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The head of the message that begins: its kind, its length, and of a row, or of what describes rows, how many columns.
    head: [u8; 7],
    /// How much of that is known.
    known: usize,
    /// How many bytes of the message are still to come.
    left: usize,
    parameters: u32,
    notices: u32,
    statements: u32,
    /// What it costs to hold the answer that comes in.
    held: u64,
    metering: Metering,
}

impl Meter {
    /// What is known on both sides of the driver.
    pub(super) fn metering(&self) -> Metering {
        self.metering.clone()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they are the beginning of more than a server may send.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Excess> {
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            while self.known < self.wanted()
                && let Some(place) = self.head.get_mut(self.known)
                && let Some((first, rest)) = bytes.split_first()
            {
                (*place, bytes) = (*first, rest);
                self.known += 1;
            }
            if self.left == 0 && self.known > 0 && self.known == self.wanted() {
                self.judge().inspect_err(|excess| {
                    // The first counts; nothing is read after it.
                    let _ = self.metering.0.excess.set(excess.clone());
                })?;
                // The length counts itself, and not the kind.
                let read = self.known - 1;
                self.left = usize::try_from(self.length()).unwrap_or(usize::MAX).saturating_sub(read);
                self.known = 0;
            }
        }
        Ok(())
    }

    /// How many bytes of a head have to be known to judge the message, as far as those tell that are known.
    const fn wanted(&self) -> usize {
        let [kind, ..] = self.head;
        // A message that has no room for a number of columns is the driver's to refuse.
        if self.known >= 5 && matches!(kind, b'T' | b'D') && self.length() >= 6 { 7 } else { 5 }
    }

    const fn length(&self) -> u32 {
        let [_, a, b, c, d, ..] = self.head;
        u32::from_be_bytes([a, b, c, d])
    }

    /// How many columns the row has, or those that are described.
    const fn columns(&self) -> u16 {
        let [.., a, b] = self.head;
        if self.known == 7 { u16::from_be_bytes([a, b]) } else { 0 }
    }

    fn judge(&mut self) -> Result<(), Excess> {
        let ([kind, ..], length) = (self.head, self.length());
        let (what, largest) = match kind {
            b'E' => ("an error", LARGEST_TEXT),
            b'N' => ("a notice", LARGEST_TEXT),
            b'A' => ("a notification", LARGEST_TEXT),
            b'D' => ("a row", LARGEST),
            _ => ("a message", LARGEST_SHORT),
        };
        if length > largest {
            return Err(Excess(format!(
                "the server began {what} of {length} bytes, and {largest} is the most"
            )));
        }
        if kind == b'K' && !KEYS.contains(&length) {
            let found = length.saturating_sub(8);
            return Err(Excess(format!(
                "the server sent a cancel key of {found} bytes, and one has 4 to 256"
            )));
        }
        if kind == b'v' {
            let why = "the server negotiates the version of the protocol, for which it is too late";
            return Err(Excess(why.to_owned()));
        }
        if matches!(kind, b'T' | b'D' | b'S') {
            self.hold(length)?;
        }
        let (count, most, what) = match kind {
            b'Z' => {
                (self.parameters, self.notices, self.statements, self.held) = (0, 0, 0, 0);
                self.metering.entitlements().pop_front();
                return Ok(());
            }
            b'T' => (&mut self.statements, STATEMENTS, "answers"),
            b'S' => (&mut self.parameters, PARAMETERS, "parameters"),
            b'N' | b'A' => (&mut self.notices, NOTICES, "notices"),
            _ => return Ok(()),
        };
        *count += 1;
        if *count > most {
            return Err(Excess(format!("the server sent more than {most} {what} with one answer")));
        }
        Ok(())
    }

    /// Counts what it costs to hold a row, its description, or a parameter.
    fn hold(&mut self, length: u32) -> Result<(), Excess> {
        let columns = self.columns();
        if columns > COLUMNS {
            return Err(Excess(format!(
                "the server sent an answer of {columns} columns, and {COLUMNS} is the most"
            )));
        }
        let bytes = u64::from(length) * if length > LONG { 2 } else { 1 };
        self.held += bytes + COST_OF_A_ROW + u64::from(columns) * COST_OF_A_COLUMN;
        let most = self.metering.entitlement().bytes();
        if self.held > most {
            let most = most >> 20;
            return Err(Excess(format!("an answer of the server takes more than {most} MiB")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
