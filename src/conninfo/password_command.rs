//! The command that gives the password: for tokens that change, and for stores of secrets. Read here; run where somebody logs in.

use super::error::Error;
use super::keyword::is_blank;
use super::parameter::ValueSource;

/// A command that prints a password. It is run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasswordCommand {
    /// The program and its arguments; never empty.
    pub(crate) words: Vec<String>,
    /// Who named it.
    pub(crate) source: ValueSource,
}

impl PasswordCommand {
    /// Reads what was typed: words with blanks between them. As in a shell, quotes keep blanks in a word, and a backslash keeps
    /// what follows it; nothing is replaced.
    ///
    /// # Errors
    /// When there is no word, or a quote has no end.
    pub(crate) fn parse(text: &str, source: ValueSource) -> Result<Self, Error> {
        let words = words(text).map_err(|why| Error::new(format!("{source}: {why}")))?;
        if words.first().is_none_or(String::is_empty) {
            return Err(Error::new(format!("{source}: no command is named")));
        }
        Ok(Self { words, source })
    }
}

fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if is_blank(letter) {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match letter {
            '\\' => word.push(letters.next().ok_or("nothing follows the backslash at its end")?),
            quote @ ('\'' | '"') => loop {
                match letters.next().ok_or("a quote in it has no end")? {
                    end if end == quote => break,
                    '\\' if quote == '"' => {
                        let kept = letters.next().ok_or("a quote in it has no end")?;
                        if !matches!(kept, '"' | '\\') {
                            word.push('\\');
                        }
                        word.push(kept);
                    }
                    letter => word.push(letter),
                }
            },
            letter => word.push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_those_of_a_shell_without_its_replacements() {
        for (text, expected) in [
            ("aws rds generate-db-auth-token", &["aws", "rds", "generate-db-auth-token"][..]),
            ("  sh -c 'echo \"$PGUSER\"' ", &["sh", "-c", "echo \"$PGUSER\""]),
            (r#"a "b \"c\" \d" e\ f '' "#, &["a", r#"b "c" \d"#, "e f", ""]),
            ("a'b'\"c\"d", &["abcd"]),
        ] {
            assert_eq!(words(text).expect(text), expected);
        }
        for text in ["a 'b", "a \"b", "a\\", "a \"b\\"] {
            assert!(words(text).is_err(), "{text}");
        }
        for text in ["", "  ", "'' x"] {
            assert!(
                PasswordCommand::parse(text, ValueSource::Argument("password-command")).is_err(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(typed in prop::collection::vec("\\PC*", 1..5)) {
            let quoted: Vec<String> = typed.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
            prop_assert_eq!(words(&quoted.join(" ")).expect("quoted"), typed);
        }

        #[test]
        fn reading_never_panics(text in "[a-c '\"\\\\\t]{0,40}|\\PC*") {
            let _ = words(&text);
        }
    }
}
