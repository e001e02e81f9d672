//! A line that is typed.

use crate::terminal::Key;

/// What a key does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It is still being typed.
    Goes,
    /// It is kept.
    Kept,
    /// It is taken back.
    Dropped,
}

/// A line and where its cursor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
    /// Why it cannot be kept.
    pub(crate) wrong: Option<String>,
}

impl Line {
    /// A line that has this text already.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len(), wrong: None }
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What was typed before the cursor, and behind it.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.text.split_at_checked(self.cursor).unwrap_or((&self.text, ""))
    }

    /// Takes a key. Backspace on an empty line drops it and does nothing else.
    pub(crate) fn key(&mut self, key: &Key) -> Typed {
        match key {
            Key::Enter => return Typed::Kept,
            Key::Escape => return Typed::Dropped,
            Key::Backspace if self.text.is_empty() => return Typed::Dropped,
            Key::Char(character) => self.insert(&character.to_string()),
            // A line has no control characters.
            Key::Paste(text) => {
                let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                self.insert(text.trim());
            }
            Key::Backspace => {
                let (before, _) = self.parts();
                let at = before.char_indices().next_back().map_or(0, |(at, _)| at);
                self.text.replace_range(at..self.cursor, "");
                self.cursor = at;
            }
            Key::Left => {
                let (before, _) = self.parts();
                self.cursor = before.char_indices().next_back().map_or(0, |(at, _)| at);
            }
            Key::Right => {
                let (_, after) = self.parts();
                self.cursor += after.chars().next().map_or(0, char::len_utf8);
            }
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.text.len(),
            Key::Ctrl('u') => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            Key::Ctrl('w') => {
                let (before, _) = self.parts();
                let at = before.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.replace_range(at..self.cursor, "");
                self.cursor = at;
            }
            _ => return Typed::Goes,
        }
        self.wrong = None;
        Typed::Goes
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(keys: &[Key]) -> Line {
        let mut line = Line::default();
        for key in keys {
            let _ = line.key(key);
        }
        line
    }

    #[test]
    fn a_line_is_typed_as_in_a_shell() {
        let mut keys: Vec<Key> = "one two".chars().map(Key::Char).collect();
        keys.extend([Key::Left, Key::Backspace, Key::Char('é'), Key::Home, Key::Char('>')]);
        assert_eq!(after(&keys).parts(), (">", "one téo"));
        keys.extend([Key::End, Key::Ctrl('w'), Key::Paste("K\ny".into())]);
        assert_eq!(after(&keys).text(), ">one K y");
        keys.push(Key::Ctrl('u'));
        assert_eq!(after(&keys).text(), "");
        assert_eq!(after(&keys).key(&Key::Backspace), Typed::Dropped);
    }

    proptest! {
        #[test]
        fn no_key_makes_it_panic(keys in prop::collection::vec(prop_oneof![
            any::<char>().prop_map(Key::Char),
            prop::sample::select(vec![Key::Left, Key::Right, Key::Home, Key::End, Key::Backspace, Key::Ctrl('w'), Key::Ctrl('u')]),
        ], 0..30)) {
            let line = after(&keys);
            let (before, behind) = line.parts();
            prop_assert_eq!(format!("{before}{behind}"), line.text());
        }
    }
}
