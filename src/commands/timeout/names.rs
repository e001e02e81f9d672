//! What is named: settings, roles and databases, and what is said where there is none of that name.

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::db::Db;
use crate::error::Failure;
use crate::model::server::Server;
use crate::model::settings::{ServerSettings, Setting};

/// Reads the short word or PostgreSQL's name of a setting.
pub(super) fn kind() -> impl TypedValueParser<Value = Setting> {
    let value =
        |setting: &Setting| PossibleValue::new(setting.word()).alias(setting.name()).help(setting.name());
    PossibleValuesParser::new(Setting::ALL.iter().map(value)).try_map(|text| {
        let meant = |setting: &Setting| setting.word() == text || setting.name() == text;
        Setting::ALL.iter().copied().find(meant).ok_or_else(|| format!("{text} is no such setting"))
    })
}

/// Reads the name of a role or database, exactly as it is.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("the name is empty".into()) } else { Ok(text.into()) }
}

/// Refuses settings that were asked for by name and that the server does not have.
pub(super) fn refuse_unknown(
    asked: &[Setting],
    settings: &ServerSettings,
    server: &Server,
) -> Result<(), Failure> {
    let known = |setting: &Setting| settings.server.iter().any(|server| server.setting == *setting);
    let Some(missing) = asked.iter().find(|setting| !known(setting)) else { return Ok(()) };
    let since = match missing.since() {
        0 => String::new(),
        since => format!(", it came with PostgreSQL {since}"),
    };
    let (version, name) = (&server.version, missing.name());
    Err(Failure::failed(format!("this server (PostgreSQL {version}) has no {name}{since}")))
}

/// Says that a role or database does not exist, and which one was probably meant.
pub(super) async fn no_such_name(db: &Db, kind: &str, name: &str) -> Result<Failure> {
    let names = db.names().await?;
    let known = names.iter().filter(|(of, _)| of == kind).map(|(_, name)| name.as_str());
    let failure = Failure::failed(format!("there is no {kind} \"{name}\""));
    Ok(match crate::model::nearest::nearest(name, known) {
        Some(near) => failure.hinted(format!("did you mean {near}?")),
        None => failure,
    })
}
