//! Bash gives the line as it was typed and takes back what is to stand in place of a part of the last word: quotes, backslashes and the
//! characters at which it breaks words are dealt with here. Pure.

use super::values::Candidate;

/// The kinds of completion (`$COMP_TYPE`) that list what there is: after a second tab, and as `show-all-if-ambiguous` and
/// `show-all-if-unmodified` want it. Then what stands in the list is shown, and what all begin with is put in.
const LISTS: [&str; 3] = ["63", "33", "64"];
/// Columns of what a value is, in a list.
const NOTE: usize = 50;

/// A line as it was typed, up to the cursor.
pub(super) struct Reading {
    words: Vec<String>,
    /// The last word, as it was typed.
    raw: String,
    /// The quote that is open in it, and what stands before that.
    open: Option<(char, String)>,
    lists: bool,
    /// At these it breaks words (`$COMP_WORDBREAKS`).
    breaks: String,
}

impl Reading {
    /// Reads the first `point` bytes of `line`.
    pub(super) fn of(line: &str, point: usize, listing: &str, breaks: &str) -> Self {
        let mut reading = Self {
            words: Vec::new(),
            raw: String::new(),
            open: None,
            lists: LISTS.contains(&listing),
            breaks: breaks.to_owned(),
        };
        let mut rest = line.get(..point).unwrap_or(line).trim_start();
        loop {
            let (word, length, open) = first_word(rest);
            reading.words.push(word);
            rest[..length].clone_into(&mut reading.raw);
            reading.open = open;
            let behind = &rest[length..];
            if behind.is_empty() {
                return reading;
            }
            rest = behind.trim_start_matches([' ', '\t', '\n']);
        }
    }

    /// Its words, without quotes.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// What bash takes for each of these.
    pub(super) fn replies(&self, values: &[Candidate]) -> Vec<String> {
        let lists = self.lists && values.len() > 1;
        let reply = |value: &Candidate| {
            let word = self.reply(&value.word)?;
            let has_note = lists && !value.note.is_empty() && !value.word.starts_with('-');
            let note = crate::render::text::cut(&value.note, NOTE);
            Some(if has_note { format!("{word}  ({note})") } else { word })
        };
        values.iter().filter_map(reply).collect()
    }

    /// What stands in place of the last part of the word; nothing when it was typed in another way than it would be put in.
    fn reply(&self, word: &str) -> Option<String> {
        if let Some((quote, outside)) = &self.open {
            return Some(inside(word.strip_prefix(outside.as_str())?, *quote));
        }
        let kept = self.raw.char_indices().rev().find(|(at, character)| {
            self.breaks.contains(*character) && !self.raw[..*at].ends_with('\\') && !character.is_whitespace()
        });
        let kept = kept.map_or("", |(at, character)| &self.raw[..at + character.len_utf8()]);
        escaped(word).strip_prefix(kept).map(str::to_owned)
    }
}

/// The text of the first word of `line` without quotes, its length there, and the quote that is left open with what is before it.
fn first_word(line: &str) -> (String, usize, Option<(char, String)>) {
    let mut word = String::new();
    let mut open: Option<(char, String)> = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (&open, character) {
            (None, ' ' | '\t' | '\n') => return (word, at, None),
            (None, '\'' | '"') => open = Some((character, word.clone())),
            (Some((quote, _)), _) if character == *quote => open = None,
            (None, '\\') => word.extend(characters.next().map(|(_, next)| next)),
            (Some(('"', _)), '\\') => {
                let special = characters.next_if(|(_, next)| ['"', '$', '`', '\\'].contains(next));
                word.push(special.map_or('\\', |(_, next)| next));
            }
            _ => word.push(character),
        }
    }
    (word, line.len(), open)
}

/// A word without its quotes, closed or not.
pub(super) fn unquoted(word: &str) -> String {
    first_word(word).0
}

/// The word with a backslash before whatever means something to a shell.
fn escaped(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-./,:=@%+".contains(character);
    word.chars().fold(String::new(), |mut escaped, character| {
        if !plain(character) {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

/// The text inside of quotes.
fn inside(text: &str, quote: char) -> String {
    if quote == '\'' {
        return text.replace('\'', "'\\''");
    }
    text.chars().fold(String::new(), |mut escaped, character| {
        if ['"', '$', '`', '\\'].contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    fn reading(line: &str) -> Reading {
        Reading::of(line, line.len(), "9", BREAKS)
    }

    fn reply(line: &str, word: &str) -> Option<String> {
        reading(line).reply(word)
    }

    #[test]
    fn words_lose_their_quotes() {
        for (line, words) in [
            ("pgconn ls --db ", &["pgconn", "ls", "--db", ""][..]),
            ("pgconn  ls 'a b' \"c d\"", &["pgconn", "ls", "a b", "c d"]),
            ("pgconn ls --app=a\\ b", &["pgconn", "ls", "--app=a b"]),
            ("pgconn ls --app 'a b", &["pgconn", "ls", "--app", "a b"]),
            ("pgconn ls \"a\\\"\\n", &["pgconn", "ls", "a\"\\n"]),
        ] {
            assert_eq!(reading(line).words(), words, "{line}");
        }
        assert_eq!(Reading::of("pgconn sta --db", 10, "9", BREAKS).words(), ["pgconn", "sta"]);
    }

    #[test]
    fn what_is_put_in_fits_what_was_typed() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(reply("pgconn ls --db s", "shop"), some("shop"));
        assert_eq!(reply("pgconn ls --db=s", "--db=shop"), some("shop"));
        assert_eq!(reply("pgconn ls --app a", "a b$(x)'*"), some("a\\ b\\$\\(x\\)\\'\\*"));
        assert_eq!(reply("pgconn ls --app 'a", "a b's"), some("a b'\\''s"));
        assert_eq!(reply("pgconn ls --app=\"a", "--app=a b$"), some("a b\\$"));
        assert_eq!(reply("pgconn ls --client 10.0.0.7:4", "10.0.0.7:41"), some("41"));
        assert_eq!(reply("pgconn ls --app a\\ b:", "a b:c"), some("c"));
        assert_eq!(reply("pgconn ls --app a'b':", "ab:c"), None);
    }

    #[test]
    fn notes_stand_only_in_lists() {
        let values = [("11", "web"), ("12", "")]
            .map(|(word, note)| Candidate { word: word.into(), note: note.into() });
        let line = "pgconn kill 1";
        assert_eq!(reading(line).replies(&values), ["11", "12"]);
        let listing = Reading::of(line, line.len(), "63", BREAKS);
        assert_eq!(listing.replies(&values), ["11  (web)", "12"]);
        assert_eq!(listing.replies(&values[..1]), ["11"]);
    }

    proptest! {
        #[test]
        fn what_is_put_in_is_read_as_the_word(word in "[a-z \\\\'\"$`*!(){};|&<>#~\\[\\]]{1,8}") {
            prop_assert_eq!(unquoted(&escaped(&word)), word.clone());
            prop_assert_eq!(unquoted(&format!("'{}'", inside(&word, '\''))), word.clone());
            prop_assert_eq!(unquoted(&format!("\"{}\"", inside(&word, '"'))), word);
        }

        #[test]
        fn no_line_makes_it_panic(line in any::<String>(), point in 0..40_usize) {
            let reading = Reading::of(&line, point, "9", BREAKS);
            let _ = reading.reply("word");
        }
    }
}
