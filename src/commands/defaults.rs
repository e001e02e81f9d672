//! Defaults of one's own: `$XDG_CONFIG_HOME/pgconn/config.toml`, which is never needed. What it says holds for all servers, or for those
//! of one service. Nothing in it says where to connect, or acts.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use toml::{Table, Value};

use crate::conninfo::refuse_endless;
use crate::error::Failure;
use crate::model::nearest::nearest;

/// Names another file; `/dev/null` for none.
const VARIABLE: &str = "PGCONN_CONFIG";
/// Why there may be no file where nobody has named one.
const ABSENT: [ErrorKind; 3] = [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied];
/// What can be said for all servers.
const FOR_ALL: &[&str] = &["color", "confirm", "no_query", "production", "check", "service"];
/// What can be said for those of one service.
const FOR_ONE: &[&str] = &["confirm", "no_query", "production", "check"];
/// What can be said of `check`.
const OF_CHECK: &[&str] = &["warning", "critical", "db", "role", "app", "client", "state", "query"];

/// The file, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config(Arc<Content>);

#[derive(Debug, Default)]
struct Content {
    color: Option<Said>,
    all: Defaults,
    services: BTreeMap<String, Defaults>,
}

/// What holds for one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    confirm: Option<Said>,
    no_query: Option<Said>,
    production: Option<Said>,
    /// Words of the command line of `check`, in the order of [`OF_CHECK`]; what is said for one service comes after what is for all.
    pub(super) check: Vec<CheckWord>,
}

/// A flag of `check` that is given unless the command line says otherwise.
#[derive(Clone, Debug)]
pub(super) struct CheckWord {
    /// The flag without its dashes.
    pub(super) flag: &'static str,
    pub(super) said: Said,
}

/// A value, and where it stands.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Said {
    /// The key, as in the file.
    pub(super) key: String,
    /// Its value.
    pub(super) value: String,
    /// The file, and the section of the service.
    pub(super) source: String,
}

impl Config {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or says something unknown; and when one that was named is not there.
    pub(crate) fn read() -> Result<Self, Failure> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let is_named = named.is_some();
        let Some(file) = named.or_else(usual) else { return Ok(Self::default()) };
        let shown = file.display().to_string();
        let unreadable = |why: String| {
            Failure::usage(format!("{shown}: {why}"))
                .hinted(format!("--no-config does without, {VARIABLE} names another file"))
        };
        refuse_endless(&file).map_err(|error| unreadable(error.to_string()))?;
        let text = match std::fs::read_to_string(&file) {
            // As psql takes its own file: a home that is none, or somebody else's, as under sudo, is no reason to fail.
            Err(error) if !is_named && ABSENT.contains(&error.kind()) => return Ok(Self::default()),
            text => text.map_err(|error| unreadable(error.to_string()))?,
        };
        Self::of(&text, &shown).map_err(|(why, hint)| match hint {
            Some(hint) => unreadable(why).hinted(hint),
            None => unreadable(why),
        })
    }

    /// What `text` says; else why it cannot be taken, and what helps.
    fn of(text: &str, file: &str) -> Result<Self, (String, Option<String>)> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            (format!("line {}: {}", 1 + before.matches('\n').count(), error.message()), None)
        })?;
        let mut content = Content { color: word(&table, "color", COLORS, file)?, ..Content::default() };
        content.all = defaults(&table, FOR_ALL, file)?;
        if let Some(services) = table.get("service") {
            let services = services.as_table().ok_or_else(|| {
                ("service is no table".into(), Some("write [service.NAME] before what holds for it".into()))
            })?;
            for (name, of_one) in services {
                let section = format!("service.{name}");
                let Some(of_one) = of_one.as_table() else {
                    return Err((
                        format!("{section} is no table"),
                        Some("write [service.NAME] before what holds for it".into()),
                    ));
                };
                let source = format!("{file} [{section}]");
                content.services.insert(name.clone(), defaults(of_one, FOR_ONE, &source)?);
            }
        }
        Ok(Self(Arc::new(content)))
    }

    /// When colours are used, as `--color` has it.
    pub(crate) fn color(&self) -> Option<clap::ColorChoice> {
        Some(match self.0.color.as_ref()?.value.as_str() {
            "always" => clap::ColorChoice::Always,
            "never" => clap::ColorChoice::Never,
            _ => clap::ColorChoice::Auto,
        })
    }

    /// What holds for a server; `service` finds out which service led there, where that matters.
    pub(super) fn defaults<'a>(&self, service: impl FnOnce() -> Option<&'a str>) -> Defaults {
        let mut defaults = self.0.all.clone();
        if self.0.services.is_empty() {
            return defaults;
        }
        if let Some(of_one) = service().and_then(|name| self.0.services.get(name)) {
            let of_one = of_one.clone();
            defaults.confirm = of_one.confirm.or(defaults.confirm);
            defaults.no_query = of_one.no_query.or(defaults.no_query);
            defaults.production = of_one.production.or(defaults.production);
            defaults.check.extend(of_one.check);
        }
        defaults
    }

    /// Everything that holds for a server, to be listed.
    pub(super) fn said(&self, defaults: &Defaults) -> Vec<Said> {
        let Defaults { confirm, no_query, production, check } = defaults;
        let one_by_one = [&self.0.color, confirm, no_query, production].into_iter().flatten();
        one_by_one.chain(check.iter().map(|word| &word.said)).cloned().collect()
    }
}

impl Defaults {
    /// Whether every act needs `--yes`.
    pub(super) fn confirms_always(&self) -> bool {
        self.confirm.is_some()
    }

    /// Whether query texts are kept out.
    pub(super) fn keeps_queries_out(&self) -> bool {
        is_true(self.no_query.as_ref())
    }

    /// Whether people are to be reminded of what it is.
    pub(super) fn is_production(&self) -> bool {
        is_true(self.production.as_ref())
    }
}

fn is_true(said: Option<&Said>) -> bool {
    said.is_some_and(|said| said.value == "true")
}

/// `$XDG_CONFIG_HOME/pgconn/config.toml`, which is in `~/.config` unless that is set.
fn usual() -> Option<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || Some(std::env::home_dir().filter(|home| home.is_absolute())?.join(".config"));
    Some(config.or_else(home)?.join("pgconn/config.toml"))
}

const COLORS: &[&str] = &["auto", "always", "never"];

type Wrong = (String, Option<String>);

fn defaults(table: &Table, may_be: &[&'static str], source: &str) -> Result<Defaults, Wrong> {
    known(table, may_be)?;
    let mut check = Vec::new();
    if let Some(given) = table.get("check") {
        let given = given.as_table().ok_or_else(|| ("check is no table".to_owned(), None))?;
        known(given, OF_CHECK)?;
        for flag in OF_CHECK {
            for value in texts(given, flag)? {
                check.push(CheckWord { flag, said: said(&format!("check.{flag}"), value, source) });
            }
        }
    }
    Ok(Defaults {
        confirm: word(table, "confirm", &["always"], source)?,
        no_query: claim(table, "no_query", source)?,
        production: claim(table, "production", source)?,
        check,
    })
}

fn known(table: &Table, may_be: &[&'static str]) -> Result<(), Wrong> {
    let Some(key) = table.keys().find(|key| !may_be.contains(&key.as_str())) else { return Ok(()) };
    Err((
        format!("unknown key \"{key}\""),
        Some(match nearest(key, may_be.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", may_be.join(", ")),
        }),
    ))
}

fn said(key: &str, value: String, source: &str) -> Said {
    Said { key: key.into(), value, source: source.into() }
}

fn word(table: &Table, key: &str, may_be: &[&str], source: &str) -> Result<Option<Said>, Wrong> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if may_be.contains(&text.as_str()) => {
            Ok(Some(said(key, text.clone(), source)))
        }
        Some(_) => Err((format!("{key} can only be \"{}\"", may_be.join("\", \"")), None)),
    }
}

fn claim(table: &Table, key: &str, source: &str) -> Result<Option<Said>, Wrong> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::Boolean(claim)) => Ok(Some(said(key, claim.to_string(), source))),
        Some(_) => Err((format!("{key} is neither true nor false"), None)),
    }
}

/// A text, or a list of them.
fn texts(table: &Table, key: &str) -> Result<Vec<String>, Wrong> {
    let wrong = || (format!("check.{key} is neither a text nor a list of texts"), None);
    match table.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(list)) => {
            list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "color = \"never\"\nconfirm = \"always\"\n[check]\nwarning = \"connections=70%\"\nrole = [\"!monitor\"]\n\
                        [service.shop]\nproduction = true\n[service.shop.check]\nwarning = [\"connections=60%\"]\n";

    #[test]
    fn what_is_said_for_a_service_comes_after_what_is_said_for_all() {
        let config = Config::of(FILE, "f").unwrap();
        assert_eq!(config.color(), Some(clap::ColorChoice::Never));
        let words = |defaults: &Defaults| -> Vec<String> {
            let all = config.said(defaults);
            all.iter().map(|said| format!("{}={} ({})", said.key, said.value, said.source)).collect()
        };
        let all = config.defaults(|| None);
        assert!(all.confirms_always() && !all.is_production());
        let general = [
            "color=never (f)",
            "confirm=always (f)",
            "check.warning=connections=70% (f)",
            "check.role=!monitor (f)",
        ];
        assert_eq!(words(&all), general);
        let shop = config.defaults(|| Some("shop"));
        assert!(shop.confirms_always() && shop.is_production());
        assert_eq!(words(&shop).last().unwrap(), "check.warning=connections=60% (f [service.shop])");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_right() {
        for (text, why) in [
            ("confirm = \"never\"", "confirm can only be \"always\""),
            ("no_query = 1", "no_query is neither true nor false"),
            ("host = \"db1\"", "unknown key \"host\""),
            ("[check]\nwarnin = \"x\"", "unknown key \"warnin\""),
            ("[service.a]\ncolor = \"never\"", "unknown key \"color\""),
            ("a = 1\nb", "line 2: "),
        ] {
            let (said, _) = Config::of(text, "f").unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
    }

    proptest! {
        #[test]
        fn nothing_in_the_file_panics(text in "\\PC*|([\\[\\]a-c=\"\n.]|check|service|warning|true){0,30}") {
            let _ = Config::of(&text, "f");
        }
    }
}
