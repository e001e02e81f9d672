//! Filters on one line, as they are typed on a live screen: `app:batch* !db:test state:aborted xact>5m words of the query`.

use std::time::Duration;

use super::duration;
use super::sessions::{client_term, name_term, state_term, text_term};
use crate::model::filter::{Filter, Term};

/// The words before a colon.
const KEYS: &[&str] = &["app", "db", "role", "client", "state", "query"];
/// The words before `>`, with which an age begins.
const AGES: &[&str] = &["idle", "xact", "query"];

/// Reads a line. A word without a key is looked for in the query text; several of them in this order. Blanks stand in quotes.
///
/// # Errors
/// When a word is none of these, or its value is none.
pub(crate) fn read(line: &str) -> Result<Filter, String> {
    let mut filter = Filter::default();
    let mut text: Vec<String> = Vec::new();
    for word in words(line)? {
        let (exclude, rest) = word.strip_prefix('!').map_or(("", word.as_str()), |rest| ("!", rest));
        if let Some((key, value)) = rest.split_once(':').filter(|(key, _)| KEYS.contains(key)) {
            add(&mut filter, key, exclude, value)?;
        } else if let Some((key, value)) = rest.split_once('>').filter(|(key, _)| AGES.contains(key)) {
            let age = age(value.trim_start_matches('='))?;
            match (exclude, key) {
                ("!", _) => return Err(format!("an age cannot be excluded: {word}")),
                (_, "idle") => filter.idle_for = Some(age),
                (_, "xact") => filter.xact_for = Some(age),
                _ => filter.query_for = Some(age),
            }
        } else if exclude.is_empty() {
            text.push(word);
        } else {
            filter.queries.push(text_term(&word)?);
        }
    }
    if !text.is_empty() {
        filter.queries.push(Term { exclude: false, value: text.join(".*") });
    }
    Ok(filter)
}

/// The line that means the same.
pub(crate) fn written(filter: &Filter) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut keyed = |key: &str, exclude: bool, value: String| {
        words.push(quoted(&format!("{}{key}:{value}", if exclude { "!" } else { "" })));
    };
    for (key, names) in [("app", &filter.applications), ("db", &filter.databases), ("role", &filter.roles)] {
        names.iter().for_each(|term| keyed(key, term.exclude, term.value.to_string()));
    }
    filter.clients.iter().for_each(|term| keyed("client", term.exclude, term.value.to_string()));
    filter.states.iter().for_each(|term| keyed("state", term.exclude, term.value.to_string()));
    filter.queries.iter().for_each(|term| keyed("query", term.exclude, term.value.clone()));
    let ages = [("idle", filter.idle_for), ("xact", filter.xact_for), ("query", filter.query_for)];
    words.extend(ages.into_iter().filter_map(|(key, age)| Some(format!("{key}>{:?}", age?))));
    words.join(" ")
}

fn add(filter: &mut Filter, key: &str, exclude: &str, value: &str) -> Result<(), String> {
    let typed = format!("{exclude}{value}");
    match key {
        "app" => filter.applications.push(name_term(&typed)?),
        "db" => filter.databases.push(name_term(&typed)?),
        "role" => filter.roles.push(name_term(&typed)?),
        "client" => filter.clients.push(client_term(&typed)?),
        "query" => filter.queries.push(text_term(&typed)?),
        _ => {
            for state in value.split(',') {
                filter.states.push(state_term(&format!("{exclude}{state}"))?);
            }
        }
    }
    Ok(())
}

fn age(text: &str) -> Result<Duration, String> {
    duration(text)
}

/// The words of a line; what stands in double quotes is one, with its blanks, and a backslash takes the meaning off a quote.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if characters.peek() == Some(&'"') => {
                word.get_or_insert_default().push('"');
                characters.next();
            }
            blank if blank.is_whitespace() && !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if quoted { Err("a quote is not closed".into()) } else { Ok(words) }
}

fn quoted(word: &str) -> String {
    let escaped = word.replace('"', "\\\"");
    if word.chars().any(char::is_whitespace) { format!("\"{escaped}\"") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flags(line: &str) -> String {
        read(line).unwrap().to_string()
    }

    #[test]
    fn a_line_says_what_flags_say() {
        assert_eq!(
            flags("app:batch* state:idle-in-transaction xact>5m !db:test text"),
            "--db '!test' --app 'batch*' --state idle-in-transaction --query text --xact-for 300s"
        );
        assert_eq!(flags("state:idle,aborted"), "--state idle --state aborted");
        assert_eq!(
            flags("app:\"my app\" !vacuum update stock"),
            "--app 'my app' --query '!vacuum' --query 'update.*stock'"
        );
        assert_eq!(
            flags("client:10.0.0.0/8 idle>1h query>2s"),
            "--client 10.0.0.0/8 --idle-for 3600s --query-for 2s"
        );
        assert_eq!(flags(""), "");
        for wrong in ["state:idel", "xact>5", "app:", "!xact>5m", "app:\"x", "client:db1", "!app:"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            line in "(!?(app|db|role):[a-z*!\\\\]{1,4} |state:(idle|waiting) |xact>[1-9]m |!?query:[a-z.\"]{1,5} |\"app:a b\" ){0,5}"
        ) {
            if let Ok(filter) = read(&line) {
                let again = read(&written(&filter)).unwrap();
                prop_assert_eq!(again.to_string(), filter.to_string());
            }
        }

        #[test]
        fn no_line_makes_it_panic(line in any::<String>()) {
            let _ = read(&line);
        }
    }
}
