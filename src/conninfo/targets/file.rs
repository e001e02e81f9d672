//! The file of `--targets`: TOML, a `[[target]]` for each server.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::words::{connection_string, is_label};
use super::{Place, TargetSpec, distinct};
use crate::conninfo::Error;
use crate::model::nearest::nearest;

/// What a `[[target]]` may say.
const KEYS: [&str; 8] =
    ["name", "service", "conninfo", "labels", "pooler", "password_command", "protected", "production"];

/// The servers that `text` lists; `file` is what messages call it.
///
/// # Errors
/// When it is no TOML, says something unknown, leaves out what is needed, or calls two servers alike.
pub(crate) fn of_file(text: &str, file: &str) -> Result<Vec<TargetSpec>, Error> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The line itself may hold a password.
        let line = error
            .span()
            .map_or(1, |span| 1 + text.get(..span.start).unwrap_or_default().matches('\n').count());
        Error::new(format!("{file}, line {line}: {}", error.message()))
    })?;
    known(table.keys(), &["target"], file)?;
    let wrong = || {
        Error::new(format!("{file}: target is no list of tables"))
            .hinted("write [[target]] before each server")
    };
    let list = match table.get("target") {
        None => &Vec::new(),
        Some(list) => list.as_array().ok_or_else(wrong)?,
    };
    let tables = list.iter().map(|entry| entry.as_table().ok_or_else(wrong));
    let specs = tables.enumerate().map(|(at, table)| target(table?, &format!("{file}, target {}", at + 1)));
    distinct(specs.collect::<Result<_, _>>()?, file)
}

fn target(table: &Table, at: &str) -> Result<TargetSpec, Error> {
    known(table.keys(), &KEYS, at)?;
    let name = text(table, "name", at)?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::new(format!("{at} has no name")))?;
    let at = &format!("{at} (\"{name}\")");
    let place = match (text(table, "service", at)?, text(table, "conninfo", at)?) {
        (Some(service), None) => Place::Service(service),
        (None, Some(conninfo)) => Place::Conninfo(connection_string(conninfo)),
        (None, None) => return Err(Error::new(format!("{at} has neither service nor conninfo"))),
        (Some(_), Some(_)) => return Err(Error::new(format!("{at} has both service and conninfo"))),
    };
    Ok(TargetSpec {
        name,
        labels: labels(table, at)?,
        place,
        pooler: text(table, "pooler", at)?,
        password_command: text(table, "password_command", at)?,
        protected: claim(table, "protected", at)?,
        production: claim(table, "production", at)?,
    })
}

fn known<'a>(
    mut keys: impl Iterator<Item = &'a String>,
    may_be: &[&'static str],
    at: &str,
) -> Result<(), Error> {
    let Some(key) = keys.find(|key| !may_be.contains(&key.as_str())) else { return Ok(()) };
    let error = Error::new(format!("{at}: unknown key \"{key}\""));
    Err(match nearest(key, may_be.iter().copied()) {
        Some(near) => error.hinted(format!("did you mean {near}?")),
        None => error.hinted(format!("there are: {}", may_be.join(", "))),
    })
}

fn text(table: &Table, key: &str, at: &str) -> Result<Option<String>, Error> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::new(format!("{at}: {key} is no text"))),
    }
}

fn claim(table: &Table, key: &str, at: &str) -> Result<bool, Error> {
    match table.get(key) {
        None => Ok(false),
        Some(Value::Boolean(claim)) => Ok(*claim),
        Some(_) => Err(Error::new(format!("{at}: {key} is neither true nor false"))),
    }
}

/// Prometheus' rule for names of labels.
fn labels(table: &Table, at: &str) -> Result<BTreeMap<String, String>, Error> {
    let Some(given) = table.get("labels") else { return Ok(BTreeMap::new()) };
    let wrong = || {
        Error::new(format!("{at}: labels is no table of texts"))
            .hinted("write labels = { team = \"billing\" }")
    };
    let mut labels = BTreeMap::new();
    for (name, value) in given.as_table().ok_or_else(wrong)? {
        if !is_label(name) {
            return Err(Error::new(format!("{at}: \"{name}\" is no name of a label"))
                .hinted("letters, digits and _, no digit first"));
        }
        labels.insert(name.clone(), value.as_str().ok_or_else(wrong)?.to_owned());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_server_is_read_with_all_that_is_said_of_it() {
        let text = "[[target]]\nname = \"a\"\nservice = \"prod\"\nlabels = { team = \"x\" }\nprotected = true\n\
                    [[target]]\nname = \"b\"\nconninfo = \"host=h\"\npooler = \"port=6432\"\nproduction = true\n\
                    password_command = \"pw b\"\n[[target]]\nname = \"c\"\nconninfo = \"h:1\"\n";
        let labels = [("team".to_owned(), "x".to_owned())].into();
        assert_eq!(
            of_file(text, "f").expect("right"),
            [
                TargetSpec {
                    name: "a".into(),
                    labels,
                    place: Place::Service("prod".into()),
                    protected: true,
                    ..TargetSpec::default()
                },
                TargetSpec {
                    name: "b".into(),
                    place: Place::Conninfo("host=h".into()),
                    pooler: Some("port=6432".into()),
                    password_command: Some("pw b".into()),
                    production: true,
                    ..TargetSpec::default()
                },
                TargetSpec {
                    name: "c".into(),
                    place: Place::Conninfo("host=h port=1".into()),
                    ..TargetSpec::default()
                },
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_never_quoted() {
        for (text, message, hint) in [
            ("", "f lists no server", ""),
            ("[[target]]\nnmae = \"a\"", "f, target 1: unknown key \"nmae\"", "did you mean name?"),
            ("[[targets]]\nname = \"a\"", "f: unknown key \"targets\"", "did you mean target?"),
            (
                "[target]\nname = \"a\"",
                "f: target is no list of tables",
                "write [[target]] before each server",
            ),
            ("[[target]]\nservice = \"a\"", "f, target 1 has no name", ""),
            ("[[target]]\nname = \"a\"", "f, target 1 (\"a\") has neither service nor conninfo", ""),
            ("[[target]]\nname = 1", "f, target 1: name is no text", ""),
            (
                "[[target]]\nname = \"a\"\nservice = \"b\"\nlabels = { 1x = \"y\" }",
                "f, target 1 (\"a\"): \"1x\" is no name of a label",
                "letters, digits and _, no digit first",
            ),
            (
                "[[target]]\nname=\"a\"\nservice=\"b\"\n[[target]]\nname=\"a\"\nservice=\"b\"",
                "f: two servers are called \"a\"",
                "",
            ),
        ] {
            let error = of_file(text, "f").expect_err(text);
            assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or_default()), (message, hint));
        }
        let error = of_file("[[target]]\nconninfo = \"password=s3cret", "f").expect_err("no end");
        assert!(error.message.starts_with("f, line 2: ") && !error.message.contains("s3cret"), "{error}");
    }

    proptest! {
        #[test]
        fn fuzz_targets_file(text in "\\PC*|([\\[\\]a-c=\"\n]|target|name|labels){0,30}") {
            let _ = of_file(&text, "f");
        }
    }
}
