//! `pgconn conninfo`: what would be connected to, and where each setting comes from. Opens no connection.

use anyhow::Result;
use serde::Serialize;

use super::Context;
use super::manual::{Group, Manual};
use crate::conninfo::{self, ConnInfo};
use crate::exit::Exit;
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
pub(super) struct Settings {
    /// Every setting that has a value.
    parameters: Vec<Parameter>,
    /// The hosts in the order of the list.
    hosts: Vec<Host>,
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
    context.emit(&Settings::of(&info), &head)?;
    Ok(Exit::Done)
}

impl Settings {
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
            password_source: host.password.as_ref().map(|password| password.source.to_string()),
        };
        Self {
            parameters: info.parameters().iter().map(parameter).collect(),
            hosts: info.hosts().iter().map(host).collect(),
        }
    }
}

impl Report for Settings {
    fn kind(&self) -> &'static str {
        "conninfo"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("parameters", &self.parameters), List::new("hosts", &self.hosts)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let mut parameters =
            Table::new(&[("PARAMETER", Align::Left), ("VALUE", Align::Left), ("SOURCE", Align::Left)]);
        for found in &self.parameters {
            let mark = if found.source == "default" { Mark::Dim } else { Mark::Plain };
            parameters.push(mark, [found.keyword.into(), found.value.clone(), found.source.clone()]);
        }
        let mut hosts = Table::new(&[
            ("HOST", Align::Left),
            ("ADDRESS", Align::Left),
            ("PORT", Align::Right),
            ("PASSWORD FROM", Align::Left),
        ]);
        for host in &self.hosts {
            hosts.push(
                Mark::Plain,
                [
                    host.host.clone().unwrap_or_default(),
                    host.hostaddr.clone().unwrap_or_default(),
                    host.port.to_string(),
                    host.password_source.clone().unwrap_or_default(),
                ],
            );
        }
        vec![Block::Table(parameters), Block::Gap, Block::Table(hosts)]
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let mut rows = tsv::Rows::new(&["keyword", "value", "source"]);
        for found in &self.parameters {
            rows.push([found.keyword.into(), found.value.as_str().into(), found.source.as_str().into()]);
        }
        rows.into()
    }
}
