//! Lists of servers: a file of ours, the sections of service files, what a command prints. From text to where each leads;
//! nothing is connected to.

mod discovery;
mod file;
mod services;
mod words;

use std::collections::BTreeMap;

use super::error::Error;
use super::given::{Called, Given};
use super::{keyword, redact, uri};

pub(crate) use discovery::of_discovery;
pub(crate) use file::of_file;
pub(crate) use services::{is_pattern, of_services};

/// One server of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetSpec {
    /// What it is called; no other of the list is called so.
    pub(crate) name: String,
    /// What else is said of it.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where it is.
    pub(crate) place: Place,
    /// The connection string of the console of the pooler in front of it.
    pub(crate) pooler: Option<String>,
    /// The command that prints its password.
    pub(crate) password_command: Option<String>,
    /// Whether acts need its name.
    pub(crate) protected: bool,
    /// Whether people are to be reminded of what it is.
    pub(crate) production: bool,
}

/// Where a server of a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An entry of the service file.
    Service(String),
    /// A connection string or URI.
    Conninfo(String),
}

impl Default for Place {
    fn default() -> Self {
        Self::Conninfo(String::new())
    }
}

impl TargetSpec {
    /// What the command line says, with this server as where to connect.
    pub(crate) fn given(&self, typed: &Given) -> Given {
        let called = Some(Called { name: self.name.clone(), labels: self.labels.clone() });
        let mut given = Given { host: None, port: None, service: None, called, ..typed.clone() };
        match &self.place {
            Place::Service(name) => given.service = Some(name.clone()),
            Place::Conninfo(text) => given.dbname = Some(text.clone()),
        }
        if let Some(command) = &self.password_command {
            given.password_command = Some(command.clone());
        }
        given
    }

    /// Whether a string of it has a password in it, whatever else it leaves to others; what is neither a URI nor a connection
    /// string has one where messages would mask something.
    pub(crate) fn has_password(&self) -> bool {
        let place = match &self.place {
            Place::Conninfo(text) => Some(text),
            Place::Service(_) => None,
        };
        place.into_iter().chain(&self.pooler).any(|text| {
            let pairs = if uri::is_uri(text) { uri::parse(text) } else { keyword::parse(text) };
            match pairs {
                Ok(pairs) => pairs.iter().any(|(keyword, value)| keyword.secret && !value.is_empty()),
                Err(_) => redact::masked(text) != *text,
            }
        })
    }

    /// Whether `only` selects it: a name, or `label=value`, of which `name` is the name; `*` is any text.
    pub(crate) fn is_meant(&self, only: &str) -> bool {
        let has = |label: &str| self.labels.get(label).or((label == "name").then_some(&self.name));
        let labelled = only.split_once('=').and_then(|(label, value)| Some((has(label)?, value)));
        matches(only, &self.name) || labelled.is_some_and(|(has, value)| matches(value, has))
    }
}

/// Whether `text` is as `pattern` says, in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

/// The list, in which each name stands for one server.
fn distinct(specs: Vec<TargetSpec>, source: &str) -> Result<Vec<TargetSpec>, Error> {
    if specs.is_empty() {
        return Err(Error::new(format!("{source} lists no server")));
    }
    for (at, spec) in specs.iter().enumerate() {
        if specs.iter().take(at).any(|earlier| earlier.name == spec.name) {
            return Err(Error::new(format!("{source}: two servers are called \"{}\"", spec.name)));
        }
    }
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in [
            ("prod-*", "prod-a", true),
            ("prod-*", "prod-", true),
            ("prod-*", "xprod-a", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_server_is_meant_by_its_name_or_by_a_label() {
        let labels = [("team".to_owned(), "billing".to_owned())].into();
        let spec = TargetSpec { name: "db=1".into(), labels, ..TargetSpec::default() };
        for (only, expected) in
            [("db=1", true), ("team=billing", true), ("team=b*", true), ("team=x", false), ("env=*", false)]
        {
            assert_eq!(spec.is_meant(only), expected, "{only}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_as_it_says_itself(parts in prop::collection::vec("[a-c]{0,3}", 1..4), between in "[a-c]{0,3}") {
            prop_assert!(matches(&parts.join("*"), &parts.join(&between)));
        }
    }
}
