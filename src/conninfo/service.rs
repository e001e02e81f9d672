//! The grammar of service files (`pg_service.conf`), as libpq reads them (`parseServiceFile`).

use super::bytes::bytes_of;
use super::error::Error;
use super::keyword::{Keyword, Pairs, find, is_blank, nearest};

/// libpq reads lines into a buffer of this size, so longer ones are refused.
const LONGEST_LINE: usize = 1023;

/// The settings of section `[name]` in `text`; `None` when the file has no such section. The first value written
/// for a keyword holds. `file` is what messages call it.
pub(super) fn section(text: &str, name: &str, file: &str) -> Result<Option<Pairs>, Error> {
    let mut found: Option<Pairs> = None;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if line.len() > LONGEST_LINE && bytes_of(line).len() > LONGEST_LINE {
            return Err(Error::new(format!("line {number} too long in service file \"{file}\"")));
        }
        let line = line.trim_matches(is_blank);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_prefix(name).is_some_and(|rest| rest.starts_with(']')) {
                found = Some(Pairs::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let (keyword, value) = setting(line, number, file)?;
        if !pairs.iter().any(|(known, _)| known.name == keyword.name) {
            pairs.push((keyword, value.to_owned()));
        }
    }
    Ok(found)
}

/// The names of the sections in `text`.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    let headers = text.lines().filter_map(|line| line.trim_matches(is_blank).strip_prefix('['));
    headers.filter_map(|header| header.split_once(']').map(|(name, _)| name))
}

/// One `keyword=value` line: no blanks round `=`, no quotes.
fn setting<'a>(line: &'a str, number: usize, file: &str) -> Result<(&'static Keyword, &'a str), Error> {
    if line.starts_with("ldap://") {
        return Err(Error::new(format!(
            "line {number} of service file \"{file}\" asks an LDAP server, which pgconn cannot do"
        )));
    }
    let syntax = || Error::new(format!("syntax error in service file \"{file}\", line {number}"));
    let (key, value) = line.split_once('=').ok_or_else(syntax)?;
    if matches!(key, "service" | "servicefile") {
        return Err(Error::new(format!(
            "nested service specifications not supported in service file \"{file}\", line {number}"
        )));
    }
    match find(key) {
        Some(keyword) => Ok((keyword, value)),
        None if find(key.trim_matches(is_blank)).is_some() => {
            Err(syntax().hinted("write keyword=value without blanks round the equals sign"))
        }
        None => Err(match nearest(key) {
            Some(near) => syntax().hinted(format!("did you mean {near}?")),
            None => syntax(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str =
        "# comment\nhost=before\n[a]\nhost=h1\n host=h2 \nport= 5 \n\n[b]\nhost = x\n[c] tail\nuser=u\n";

    fn values(name: &str) -> Option<Vec<(&'static str, String)>> {
        let pairs = section(FILE, name, "f").expect("readable");
        pairs.map(|pairs| pairs.into_iter().map(|(keyword, value)| (keyword.name, value)).collect())
    }

    #[test]
    fn a_section_is_read_with_its_first_values() {
        assert_eq!(values("a"), Some(vec![("host", "h1".to_owned()), ("port", " 5".to_owned())]));
        assert_eq!(values("c"), Some(vec![("user", "u".to_owned())]));
        assert_eq!(values("A"), None);
        assert_eq!(values(""), None);
    }

    #[test]
    fn blanks_round_the_equals_sign_are_a_syntax_error_as_in_libpq() {
        let error = section(FILE, "b", "f").expect_err("blanks");
        assert_eq!(error.message, "syntax error in service file \"f\", line 9");
        assert!(error.hint.is_some());
    }

    #[test]
    fn what_is_not_a_setting_is_named_by_its_line_and_never_quoted() {
        for (line, message) in [
            ("nosuch=s3cret", "syntax error in service file \"f\", line 2"),
            ("s3cret", "syntax error in service file \"f\", line 2"),
            ("servicefile=b", "nested service specifications not supported in service file \"f\", line 2"),
            ("service=b", "nested service specifications not supported in service file \"f\", line 2"),
            ("ldap://s3cret", "line 2 of service file \"f\" asks an LDAP server, which pgconn cannot do"),
        ] {
            let error = section(&format!("[a]\n{line}\n"), "a", "f").expect_err(line);
            assert_eq!(error.message, message);
        }
        let long = format!("[a]\nuser={}\n", "x".repeat(1019));
        assert_eq!(
            section(&long, "a", "f").expect_err("long").message,
            "line 2 too long in service file \"f\""
        );
    }

    proptest! {
        #[test]
        fn fuzz_service_file(text in "\\PC*", name in "\\PC{0,8}") {
            let _ = section(&text, &name, "f");
        }

        #[test]
        fn fuzz_service_file_of_likely_text(text in "([a-b=#\\[\\] \r\n]|host|port|service|ldap://){0,40}") {
            let _ = section(&text, "a", "f");
        }
    }
}
