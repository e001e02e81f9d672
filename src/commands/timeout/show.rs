//! `pgconn timeout`: what is stored, what the server has, and what new sessions get.

use anyhow::Result;

use super::names::{kind, name, no_such_name, refuse_unknown};
use super::report::{Part, Timeouts};
use crate::analyze::settings::{at_server, for_sessions, stored, without_statement_timeout};
use crate::commands::head::head_of_look;
use crate::commands::{Context, screen_room};
use crate::exit::Exit;
use crate::model::settings::{ServerSettings, Setting};
use crate::render::Warning;

/// Arguments of `timeout` by itself.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// What new sessions of this role get
    #[arg(long, value_name = "NAME", value_parser = name)]
    role: Option<String>,
    /// What new sessions in this database get
    #[arg(long, value_name = "NAME", value_parser = name)]
    db: Option<String>,
    /// What new sessions of each role that can log in get
    #[arg(long, conflicts_with = "role")]
    every_role: bool,
    /// Only this setting (repeat for more)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind())]
    kind: Vec<Setting>,
    /// TCP keepalives and deadlock_timeout too
    #[arg(long, conflicts_with = "kind")]
    every_kind: bool,
}

impl ShowArgs {
    /// True when one of them was given.
    pub(super) const fn any(&self) -> bool {
        self.role.is_some()
            || self.db.is_some()
            || self.every_role
            || !self.kind.is_empty()
            || self.every_kind
    }
}

/// Looks and prints.
pub(super) async fn run(args: ShowArgs, context: &mut Context) -> Result<Exit> {
    let which = match (args.kind.as_slice(), args.every_kind) {
        ([], true) => Setting::ALL,
        ([], false) => Setting::TIMEOUTS,
        (kinds, _) => kinds,
    };
    let db = context.connect().await?;
    let (server_context, settings, login_roles) = db.settings(which).await?;
    refuse_unknown(&args.kind, &settings, &server_context.server)?;
    for (kind, named) in [("role", &args.role), ("database", &args.db)] {
        let Some(named) = named else { continue };
        let names = db.names().await?;
        if !names.iter().any(|(of, name)| of == kind && name == named) {
            return Err(no_such_name(&db, kind, named).await?.into());
        }
    }
    let login_roles: Vec<String> = login_roles.into_iter().map(|role| role.name).collect();
    let mut head = head_of_look(&db, &server_context, 0);
    db.close().await;
    head.warnings.extend(unknown_server_value(&settings, &server_context.rights.role));
    let named: Vec<String> = args.role.into_iter().collect();
    head.warnings.extend(named.iter().filter(|name| !login_roles.contains(name)).map(no_login));
    let databases: Vec<String> = args.db.into_iter().collect();
    let report = if args.every_role {
        Timeouts::of(Part::NewSessions, for_sessions(&settings, &login_roles, &databases))
    } else if named.is_empty() && databases.is_empty() {
        overview(&settings, &login_roles)
    } else {
        Timeouts::of(Part::NewSessions, for_sessions(&settings, &named, &databases))
    };
    context.emit_top(&report, &head, screen_room::Part::of(context, &head, &[]).whole())?;
    Ok(Exit::Done)
}

fn overview(settings: &ServerSettings, login_roles: &[String]) -> Timeouts {
    let rows = at_server(settings).into_iter().chain(stored(settings)).collect();
    let mut report = Timeouts::of(Part::Overview, rows);
    if settings.server.iter().any(|server| server.setting == Setting::Statement) {
        report.login_roles = Some(without_statement_timeout(settings, login_roles));
    }
    report
}

/// A role that cannot log in has no sessions, and its members do not get its values.
fn no_login(role: &String) -> Warning {
    Warning {
        code: "no_login",
        message: format!("role \"{role}\" cannot log in, and its members do not inherit its settings"),
        hint: None,
    }
}

/// Says that this session cannot tell the server's own values, and why.
fn unknown_server_value(settings: &ServerSettings, role: &str) -> Option<Warning> {
    let hidden: Vec<&str> = settings
        .server
        .iter()
        .filter(|server| server.value.is_none())
        .map(|server| server.setting.name())
        .collect();
    (!hidden.is_empty()).then(|| Warning {
        code: "server_value_unknown",
        message: format!(
            "the server's own {} cannot be told: this session of role \"{role}\" has a value of its own",
            hidden.join(", ")
        ),
        hint: Some("connect as a role and to a database for which nothing is stored".into()),
    })
}
