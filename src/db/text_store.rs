//! Where the texts of statements are until they are written: in memory while they are few, then in a file that has no name
//! and goes with the run. A hundred sessions can have a megabyte each.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::model::query_text::{QueryText, StoredText};

/// Bytes of all texts that are held in memory.
const HELD: usize = 16 * 1024 * 1024;
/// A text of fewer bytes is not worth a place in a file.
const SHORT: usize = 4096;

/// The texts of one answer.
#[derive(Debug, Default)]
pub(super) struct TextStore {
    held: usize,
    file: Option<Arc<File>>,
    end: u64,
}

/// A part of the file.
#[derive(Debug)]
struct InFile {
    file: Arc<File>,
    at: u64,
    len: usize,
}

impl TextStore {
    /// Keeps a text. It stays in memory where no file can be had.
    pub(super) fn keep(&mut self, text: String) -> QueryText {
        if self.held + text.len() > HELD
            && text.len() >= SHORT
            && let Ok(stored) = self.store(&text)
        {
            return QueryText::Stored(Arc::new(stored));
        }
        self.held += text.len();
        QueryText::Held(text)
    }

    fn store(&mut self, text: &str) -> io::Result<InFile> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(tempfile::tempfile()?))),
        };
        file.write_all_at(text.as_bytes(), self.end)?;
        let stored = InFile { file, at: self.end, len: text.len() };
        self.end += text.len() as u64;
        Ok(stored)
    }
}

impl StoredText for InFile {
    fn read(&self) -> io::Result<String> {
        let mut text = vec![0; self.len];
        self.file.read_exact_at(&mut text, self.at)?;
        String::from_utf8(text).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_memory_comes_back_from_the_file() {
        let mut store = TextStore::default();
        let text = |at: usize| char::from(b'a' + at as u8).to_string().repeat(HELD / 4);
        let kept: Vec<QueryText> = (0..8).map(|at| store.keep(text(at))).collect();
        let held = kept.iter().filter(|text| matches!(text, QueryText::Held(_))).count();
        assert_eq!(held, 4);
        for (at, kept) in kept.iter().enumerate() {
            assert!(kept.read().unwrap() == text(at), "text {at}");
        }
        assert!(matches!(store.keep("short".into()), QueryText::Held(_)));
    }
}
