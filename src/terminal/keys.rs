//! From the bytes that a terminal sends to keys. What is no key that is known is swallowed whole, so that its last byte, which can
//! be a letter, is never taken for a key of its own.

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    Enter,
    Escape,
    Backspace,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F1,
    /// A text that was pasted.
    Paste(String),
}

/// How long what follows an Escape may take, where that begins a longer key.
pub(crate) const ESCAPE: std::time::Duration = std::time::Duration::from_millis(40);
/// What ends a pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";
/// The longest pasted text that is kept, in bytes.
const LONGEST_PASTE: usize = 4096;

/// Reads keys as their bytes come in.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    /// What has come in and is no key yet.
    bytes: Vec<u8>,
    /// A pasted text has begun.
    pasting: bool,
    /// Escape was taken for a key because nothing followed it at once: what a sequence begins with may follow all the same.
    escaped: bool,
}

impl Keyboard {
    /// Takes bytes; returns the keys that are complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        if std::mem::take(&mut self.escaped) && matches!(bytes.first(), Some(b'[' | b'O')) {
            self.bytes.insert(0, 0x1b);
        }
        self.bytes.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while let Some((key, length)) = self.next() {
            self.bytes.drain(..length);
            keys.extend(key);
        }
        keys
    }

    /// Whether what has come in may be the beginning of a longer sequence.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.bytes.is_empty() && !self.pasting
    }

    /// Nothing more has come: what looked like a beginning is all there is.
    pub(crate) fn expire(&mut self) -> Option<Key> {
        let pending = std::mem::take(&mut self.bytes);
        self.escaped = pending == [0x1b];
        self.escaped.then_some(Key::Escape)
    }

    /// The key that the bytes begin with, none for what is swallowed, and how many bytes it has; nothing while it is incomplete.
    fn next(&mut self) -> Option<(Option<Key>, usize)> {
        if self.pasting {
            return self.pasted();
        }
        let first = *self.bytes.first()?;
        let key = match first {
            0x1b => return self.sequence(),
            b'\r' | b'\n' => Key::Enter,
            b'\t' => Key::Tab,
            0x7f | 0x08 => Key::Backspace,
            0x01..=0x1a => Key::Ctrl(char::from(first + 0x60)),
            ..=0x1f => return Some((None, 1)),
            b' '..=b'~' => Key::Char(char::from(first)),
            _ => return self.character(first),
        };
        Some((Some(key), 1))
    }

    fn character(&self, first: u8) -> Option<(Option<Key>, usize)> {
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Some((None, 1)),
        };
        let bytes = self.bytes.get(..length)?;
        match str::from_utf8(bytes) {
            Ok(text) => Some((text.chars().next().map(Key::Char), length)),
            Err(_) => Some((None, 1)),
        }
    }

    /// A sequence as ECMA-48 has them: `ESC [`, parameters, a final byte; or `ESC O` and one byte; or Alt and a key, which is none.
    fn sequence(&mut self) -> Option<(Option<Key>, usize)> {
        match *self.bytes.get(1)? {
            b'[' => {
                // The console of Linux sends `ESC [ [ A` for F1.
                if self.bytes.get(2) == Some(&b'[') {
                    let last = *self.bytes.get(3)?;
                    return Some(((last == b'A').then_some(Key::F1), 4));
                }
                let end = self.bytes.iter().skip(2).position(|byte| !(0x20..=0x3f).contains(byte))? + 2;
                let (parameters, last) = (self.bytes.get(2..end)?, *self.bytes.get(end)?);
                if (parameters, last) == (b"200", b'~') {
                    self.pasting = true;
                    return Some((None, end + 1));
                }
                // A byte that ends no sequence is a key of its own.
                let length = if (0x40..=0x7e).contains(&last) { end + 1 } else { end };
                Some((named(parameters, last), length))
            }
            b'O' => {
                let last = *self.bytes.get(2)?;
                let key = if last == b'P' { Some(Key::F1) } else { named(b"", last) };
                Some((key, 3))
            }
            // Whoever wants to leave is heard, however fast he types.
            ..=0x1f | 0x7f => Some((Some(Key::Escape), 1)),
            _ => Some((None, 2)),
        }
    }

    fn pasted(&mut self) -> Option<(Option<Key>, usize)> {
        let found = self.bytes.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        let Some(end) = found else {
            // No more is kept of a text without an end than could be the beginning of that.
            if self.bytes.len() > 2 * LONGEST_PASTE {
                let spare = self.bytes.len() - LONGEST_PASTE;
                self.bytes.drain(LONGEST_PASTE / 2..LONGEST_PASTE / 2 + spare);
            }
            return None;
        };
        self.pasting = false;
        let text = self.bytes.get(..end.min(LONGEST_PASTE)).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        Some((Some(Key::Paste(text)), end + PASTE_END.len()))
    }
}

/// The key of a sequence; one with Shift, Ctrl or Alt is none.
fn named(parameters: &[u8], last: u8) -> Option<Key> {
    Some(match (parameters, last) {
        (b"", b'A') => Key::Up,
        (b"", b'B') => Key::Down,
        (b"", b'C') => Key::Right,
        (b"", b'D') => Key::Left,
        (b"", b'H') | (b"1" | b"7", b'~') => Key::Home,
        (b"", b'F') | (b"4" | b"8", b'~') => Key::End,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        (b"11", b'~') => Key::F1,
        (b"", b'Z') => Key::BackTab,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        Keyboard::default().take(bytes)
    }

    #[test]
    fn keys_are_read_as_terminals_send_them() {
        let sent: &[(&[u8], Key)] = &[
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[1~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1bOP", Key::F1),
            (b"\x1b[[A", Key::F1),
            (b"\x1b[Z", Key::BackTab),
            (b"\x03", Key::Ctrl('c')),
            (b"\x7f", Key::Backspace),
            ("é".as_bytes(), Key::Char('é')),
            ("日".as_bytes(), Key::Char('日')),
            (b"\r", Key::Enter),
        ];
        for (bytes, key) in sent {
            assert_eq!(keys(bytes), std::slice::from_ref(key), "{bytes:?}");
        }
        assert_eq!(keys(b"jK"), [Key::Char('j'), Key::Char('K')]);
        assert_eq!(keys(b"\x1b\x03"), [Key::Escape, Key::Ctrl('c')]);
    }

    #[test]
    fn what_is_no_known_key_is_swallowed_whole() {
        // Ctrl-Right, Shift-Up, Delete, a mouse click, a report of the terminal, Alt-K.
        for bytes in [&b"\x1b[1;5C"[..], b"\x1b[1;2A", b"\x1b[3~", b"\x1b[<0;10;5M", b"\x1b[?62;4c", b"\x1bK"]
        {
            assert_eq!(keys(bytes), [], "{bytes:?}");
        }
    }

    #[test]
    fn a_sequence_that_is_torn_apart_is_no_letter() {
        for at in 1..3 {
            let (first, rest) = b"\x1b[C".split_at(at);
            let mut keyboard = Keyboard::default();
            assert_eq!(keyboard.take(first), []);
            assert!(keyboard.is_waiting());
            assert_eq!(keyboard.take(rest), [Key::Right]);
            // Though nothing came for a while.
            let mut keyboard = Keyboard::default();
            let _ = keyboard.take(first);
            let expired = keyboard.expire();
            assert_eq!(expired.is_some(), at == 1);
            let letters = keyboard.take(rest);
            assert!(at == 2 || letters == [Key::Right], "{letters:?}");
        }
        let mut keyboard = Keyboard::default();
        let _ = keyboard.take(b"\x1b");
        assert_eq!(keyboard.expire(), Some(Key::Escape));
        assert_eq!(keyboard.take(b"q"), [Key::Char('q')]);
    }

    #[test]
    fn a_pasted_text_is_no_keys() {
        let pasted = keys(b"\x1b[200~K\ry\x1b[201~j");
        assert_eq!(pasted, [Key::Paste("K\ry".into()), Key::Char('j')]);
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_how_the_bytes_come(bytes in prop::collection::vec(any::<u8>(), 0..40), at in 0usize..40) {
            let at = at.min(bytes.len());
            let mut keyboard = Keyboard::default();
            let mut parts = keyboard.take(&bytes[..at]);
            parts.extend(keyboard.take(&bytes[at..]));
            prop_assert_eq!(parts, keys(&bytes));
        }
    }
}
