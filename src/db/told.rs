//! The process id that a server tells a session at login, for cancel requests. PostgreSQL tells the backend's own; a pooler
//! tells one that it made up, because the backend changes: so the two together say whether a pooler stands between.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// Where the process id will stand once it has been told; 0 until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<AtomicI32>);

impl Told {
    /// The process id, when one was told.
    pub(super) fn pid(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Something that reads along for it.
    pub(super) fn listener(&self) -> Listener {
        Listener { told: self.clone(), header: Vec::with_capacity(9), skip: 0 }
    }
}

/// Reads the messages of a login along, in whatever pieces they come.
#[derive(Debug)]
pub(super) struct Listener {
    told: Told,
    /// The message that has begun: its kind, its length and, of the one that matters, the process id.
    header: Vec<u8>,
    /// Bytes of a message that does not matter.
    skip: usize,
}

impl Listener {
    /// Takes the next bytes; false when nothing more is to be expected.
    pub(super) fn hear(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((first, rest)) = bytes.split_first() else { return true };
            self.header.push(*first);
            bytes = rest;
            match *self.header.as_slice() {
                [b'K', _, _, _, _, a, b, c, d] => {
                    self.told.0.store(i32::from_be_bytes([a, b, c, d]), Ordering::Relaxed);
                    return false;
                }
                [b'Z', ..] => return false,
                [kind, a, b, c, d] if kind != b'K' => {
                    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                    self.skip = length.saturating_sub(4);
                    self.header.clear();
                }
                _ => {}
            }
        }
    }
}

/// Whether a pooler stands between: the backend is another than the one that was told. Unknown is no.
pub(super) fn is_pooled(told: Option<i32>, backend: i32) -> bool {
    told.is_some_and(|told| told != backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_id_is_heard_however_the_messages_are_cut() {
        let mut login = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0b\0\0".to_vec();
        login.extend(b"K\0\0\0\x0c\0\0\x12\x67\0\0\0\x01Z\0\0\0\x05I");
        for size in 1..=login.len() {
            let told = Told::default();
            let mut listener = told.listener();
            let expects_more = login.chunks(size).map(|piece| listener.hear(piece)).find(|more| !more);
            assert_eq!((told.pid(), expects_more), (Some(0x1267), Some(false)), "in pieces of {size}");
        }
        let silent = Told::default();
        assert!(!silent.listener().hear(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"));
        assert_eq!(silent.pid(), None);
    }

    #[test]
    fn only_another_process_than_the_one_told_is_a_pooler() {
        assert!(is_pooled(Some(7), 8));
        assert!(!is_pooled(Some(8), 8) && !is_pooled(None, 8));
    }
}
