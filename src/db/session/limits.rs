//! How much a server may send. The driver takes whatever comes and holds it until it is whole; so what it reads is metered
//! message by message, and a server that goes beyond what any PostgreSQL sends is not read any further.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// The largest message, which only rows come near to.
const LARGEST: u32 = 64 << 20;
/// The largest error or notice: its text is for people.
const LARGEST_TEXT: u32 = 1 << 20;
/// The largest message of a kind that is always short, as in libpq (`VALID_LONG_MESSAGE_TYPE` of its `fe-protocol3.c`).
const LARGEST_SHORT: u32 = 30_000;
/// The length of what a cancel request needs, a process id and a key of four bytes; newer versions of the protocol have longer keys.
const KEY: u32 = 12;
/// The most that the rows of one answer may take, with what it costs to hold each: a hundred query texts of the longest kind
/// that a server keeps (1 MB, hex-encoded) fit in.
const ANSWER: u64 = 256 << 20;
const COST_OF_A_ROW: u64 = 576;
/// The most statements that one message asks.
const STATEMENTS: u32 = 10_000;
/// The most parameters that are told with one answer.
const PARAMETERS: u32 = 1_000;
/// The most notices, and notifications, that come with one answer.
const NOTICES: u32 = 10_000;

/// What a server sent too much of, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::db) struct Excess(pub(in crate::db) String);

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Excess {}

/// Whether the session has ended by an excess: for whoever asks over it, who only learns from the driver that it has ended.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Excessive(Arc<OnceLock<Excess>>);

impl Excessive {
    /// The excess by which the session has ended.
    pub(in crate::db) fn get(&self) -> Option<&Excess> {
        self.0.get()
    }
}

/// Follows the messages of a server, in whatever pieces they come.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The head of the message that begins: its kind and its length.
    head: [u8; 5],
    /// How much of that is known.
    known: usize,
    /// How many bytes of the message are still to come.
    left: usize,
    parameters: u32,
    notices: u32,
    statements: u32,
    rows: u64,
    excessive: Excessive,
}

impl Meter {
    /// Where an excess will be noted.
    pub(super) fn excessive(&self) -> Excessive {
        self.excessive.clone()
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
            while let Some(place) = self.head.get_mut(self.known)
                && let Some((first, rest)) = bytes.split_first()
            {
                (*place, bytes) = (*first, rest);
                self.known += 1;
            }
            if self.known == self.head.len() {
                self.known = 0;
                let [kind, length @ ..] = self.head;
                let length = u32::from_be_bytes(length);
                self.judge(kind, length).inspect_err(|excess| {
                    // The first counts; nothing is read after it.
                    let _ = self.excessive.0.set(excess.clone());
                })?;
                // The length counts itself.
                self.left = usize::try_from(length.saturating_sub(4)).unwrap_or(usize::MAX);
            }
        }
        Ok(())
    }

    fn judge(&mut self, kind: u8, length: u32) -> Result<(), Excess> {
        let (what, largest) = match kind {
            b'E' | b'N' => ("error or notice", LARGEST_TEXT),
            b'T' | b'D' | b'd' | b'V' | b'A' => ("message", LARGEST),
            _ => ("message", LARGEST_SHORT),
        };
        if length > largest {
            return Err(Excess(format!(
                "the server began a {what} of {length} bytes, and {largest} is the most"
            )));
        }
        if kind == b'K' && length != KEY {
            return Err(Excess(format!(
                "the server sent a cancel key of {} bytes, and protocol 3.0 has {}",
                length.saturating_sub(8),
                KEY - 8
            )));
        }
        let (count, most, what) = match kind {
            b'Z' => {
                (self.parameters, self.notices, self.statements, self.rows) = (0, 0, 0, 0);
                return Ok(());
            }
            b'D' => {
                self.rows += u64::from(length) + COST_OF_A_ROW;
                if self.rows > ANSWER {
                    return Err(Excess(format!(
                        "the server sent rows of more than {} MiB with one answer",
                        ANSWER >> 20
                    )));
                }
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
}

#[cfg(test)]
mod tests;
