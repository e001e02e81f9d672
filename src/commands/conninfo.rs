//! `pgconn conninfo`: what would be connected to, and where each setting comes from. Opens no connection.

use anyhow::Result;
use serde::Serialize;

use super::Context;
use super::defaults::Said;
use super::manual::{Group, Manual};
use crate::conninfo::{self, ConnInfo};
use crate::exit::Exit;
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, Warning, tsv};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("Where would pgconn, and psql, connect to?", "pgconn conninfo"),
        ("What does this service stand for?", "pgconn conninfo -S reporting"),
        ("Which line of the password file is used?", "pgconn conninfo -h db1 -U app"),
    ],
);

/// Arguments of `conninfo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// One setting.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Parameter {
    /// The keyword, as in connection strings.
    keyword: &'static str,
    /// The value as given; a secret's is `********`.
    value: String,
    /// Where it comes from.
    source: String,
}

/// One host that would be tried.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Host {
    /// Host name, address or socket directory; null when only an address was given.
    host: Option<String>,
    /// The address to use instead of looking the name up.
    hostaddr: Option<String>,
    /// Port, also of a socket.
    port: u16,
    /// Where the password for this host comes from; null when none is known.
    password_source: Option<String>,
}

/// The answer of `conninfo`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ResolvedSettings {
    /// Every setting that has a value.
    parameters: Vec<Parameter>,
    /// The hosts in the order of the list.
    hosts: Vec<Host>,
    /// Defaults of one's own that hold for this server.
    defaults: Vec<Said>,
}

/// Resolves the settings and shows them.
pub(crate) fn run(_: &Args, context: &mut Context) -> Result<Exit> {
    let info = context.conninfo()?;
    let warnings = info.warnings().iter().map(|why| Warning {
        code: "password_file_ignored",
        message: why.clone(),
        hint: None,
    });
    let head = Head { warnings: warnings.collect(), ..Head::default() };
    let defaults = context.config.said(&context.defaults());
    context.emit(&ResolvedSettings { defaults, ..ResolvedSettings::of(info) }, &head)?;
    Ok(Exit::Done)
}

impl ResolvedSettings {
    fn of(info: &ConnInfo) -> Self {
        let parameter = |found: &conninfo::Parameter| Parameter {
            keyword: found.keyword,
            value: found.shown(),
            source: found.source.to_string(),
        };
        let host = |host: &conninfo::Host| Host {
            host: (!host.host.is_empty()).then(|| conninfo::readable(&host.host)),
            hostaddr: host.hostaddr.clone(),
            port: host.port,
            password_source: host
                .password
                .as_ref()
                .map(|password| &password.source)
                .or_else(|| info.password_command().map(|command| &command.source))
                .map(ToString::to_string),
        };
        Self {
            parameters: info.parameters().iter().map(parameter).collect(),
            hosts: info.hosts().iter().map(host).collect(),
            defaults: Vec::new(),
        }
    }
}

impl Report for ResolvedSettings {
    fn kind(&self) -> &'static str {
        "conninfo"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![
            List::new("parameters", &self.parameters),
            List::new("hosts", &self.hosts),
            List::new("defaults", &self.defaults),
        ]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let mark = |found: &Parameter| if found.source == "default" { Mark::Dim } else { Mark::Plain };
        let parameters = Table::of(PARAMETERS, &self.parameters, mark);
        let hosts = Table::of(HOSTS, &self.hosts, |_| Mark::Plain);
        let mut blocks = vec![Block::Table(parameters), Block::Gap, Block::Table(hosts)];
        if !self.defaults.is_empty() {
            let defaults = Table::of(DEFAULTS, &self.defaults, |_| Mark::Plain);
            blocks.extend([Block::Gap, Block::Table(defaults)]);
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(PARAMETERS, &self.parameters)
    }
}

/// What is told of each setting.
const PARAMETERS: &[Column<Parameter>] = &[
    Column::new("PARAMETER", Align::Left, "keyword", |found| found.keyword.into()),
    Column::new("VALUE", Align::Left, "value", |found| (&found.value).into()),
    Column::new("SOURCE", Align::Left, "source", |found| (&found.source).into()),
];

/// What people read of each host.
const HOSTS: &[Column<Host>] = &[
    Column::table("HOST", Align::Left, |host| host.host.as_ref().into()),
    Column::table("ADDRESS", Align::Left, |host| host.hostaddr.as_ref().into()),
    Column::table("PORT", Align::Right, |host| i32::from(host.port).into()),
    Column::table("PASSWORD FROM", Align::Left, |host| host.password_source.as_ref().into()),
];

/// What people read of each default.
const DEFAULTS: &[Column<Said>] = &[
    Column::table("DEFAULT", Align::Left, |said| (&said.key).into()),
    Column::table("VALUE", Align::Left, |said| (&said.value).into()),
    Column::table("SOURCE", Align::Left, |said| (&said.source).into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(PARAMETERS), [""; 0]);
    }
}
