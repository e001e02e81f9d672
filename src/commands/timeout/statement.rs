//! `timeout set … --session` and `--transaction`: nothing is stored; the statement to use, and how libraries spell it.

use super::report::{Form, Part, Timeouts};
use crate::analyze::settings::shown;
use crate::error::Failure;
use crate::model::settings::Setting;
use crate::render::{Head, Warning};

/// How long the value is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// Until the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
}

/// What to use for `wishes` (settings with values in their unit).
///
/// # Errors
/// When a setting cannot do anything within a transaction.
pub(super) fn statement(lasting: Lasting, wishes: &[(Setting, i64)]) -> Result<(Timeouts, Head), Failure> {
    let set = |word: &str| {
        let one = |(setting, value): &(Setting, i64)| {
            format!("SET{word} {} = '{}'", setting.name(), shown(*value, setting.unit()))
        };
        wishes.iter().map(one).collect::<Vec<_>>()
    };
    let mut head = Head::default();
    let mut warn = |code, message: &str, hint: &str| {
        head.warnings.push(Warning { code, message: message.into(), hint: Some(hint.into()) });
    };
    let (statements, undo, forms) = match lasting {
        Lasting::Session => {
            warn(
                "transaction_pooler",
                "through a pooler in transaction mode SET reaches other clients, and startup options are refused",
                "there use --transaction, or store the value for the role: timeout set … --role NAME",
            );
            let undo = wishes.iter().map(|(setting, _)| format!("RESET {}", setting.name())).collect();
            (set(""), undo, session_forms(wishes))
        }
        Lasting::Transaction => {
            if wishes.iter().any(|(setting, _)| *setting == Setting::IdleSession) {
                return Err(Failure::usage(
                    "idle_session_timeout counts outside transactions: --transaction does nothing",
                )
                .hinted("use --session"));
            }
            warn(
                "only_in_transaction",
                "SET LOCAL does nothing outside a transaction, and ends with it",
                "it is the first statement after BEGIN, and safe through every pooler",
            );
            (set(" LOCAL"), Vec::new(), transaction_forms(wishes))
        }
    };
    if let Some((setting, _)) = wishes.iter().find(|(setting, _)| setting.since() > 0) {
        warn(
            "needs_version",
            &format!("{} came with PostgreSQL {}", setting.name(), setting.since()),
            "servers before that refuse the statement, or the connection",
        );
    }
    let mut report = Timeouts::of(Part::Statement, Vec::new());
    report.dry_run = Some(true);
    report.statements = Some(statements);
    report.undo = Some(undo);
    report.forms = Some(forms);
    Ok((report, head))
}

fn session_forms(wishes: &[(Setting, i64)]) -> Vec<Form> {
    let each = |write: &dyn Fn(&str, i64) -> String, between: &str| {
        wishes.iter().map(|(setting, value)| write(setting.name(), *value)).collect::<Vec<_>>().join(between)
    };
    let options = each(&|name, value| format!("-c {name}={value}"), " ");
    let encoded = options.replace(' ', "%20").replace('=', "%3D");
    let fields = each(&|name, value| format!("{name}: {value}"), ", ");
    let texts = each(&|name, value| format!("\"{name}\": \"{value}\""), ", ");
    let pairs = each(&|name, value| format!("(\"{name}\", \"{value}\")"), ", ");
    let atoms = each(&|name, value| format!("{name}: \"{value}\""), ", ");
    let go = each(&|name, value| format!("config.ConnConfig.RuntimeParams[\"{name}\"] = \"{value}\""), "; ");
    let sets = each(&|name, value| format!("SET {name} = {value}"), "; ");
    // node-pg knows these as settings of their own; the others go the way of every startup option.
    let own = [Setting::Statement, Setting::Lock, Setting::IdleInTransaction];
    let node = if wishes.iter().all(|(setting, _)| own.contains(setting)) {
        format!("new Pool({{ {fields} }})")
    } else {
        format!("new Pool({{ options: \"{options}\" }})")
    };
    let form = |target, text| Form { target, text };
    vec![
        form("environment", format!("PGOPTIONS='{options}'")),
        form("connection string", format!("options='{options}'")),
        form("URI", format!("?options={encoded}")),
        form("asyncpg", format!("create_pool(server_settings={{{texts}}})")),
        form("django", format!("\"OPTIONS\": {{\"options\": \"{options}\"}}")),
        form("ecto", format!("parameters: [{atoms}]")),
        form("hikaricp", format!("config.addDataSourceProperty(\"options\", \"{options}\")")),
        form("node-pg", node),
        form("npgsql", format!("Options={options}")),
        form("pgbouncer", format!("connect_query='{sets}'")),
        form("pgxpool", go),
        form("postgres-js", format!("postgres(url, {{ connection: {{ {fields} }} }})")),
        form("rails", format!("variables: {{ {fields} }}")),
        form("sqlalchemy", format!("create_engine(url, connect_args={{\"options\": \"{options}\"}})")),
        form("sqlx", format!("PgConnectOptions::new().options([{pairs}])")),
    ]
}

fn transaction_forms(wishes: &[(Setting, i64)]) -> Vec<Form> {
    let each = |write: &dyn Fn(&str, String) -> String, between: &str| {
        let one = |(setting, value): &(Setting, i64)| write(setting.name(), shown(*value, setting.unit()));
        wishes.iter().map(one).collect::<Vec<_>>().join(between)
    };
    let calls = each(&|name, value| format!("set_config('{name}', '{value}', true)"), ", ");
    let sets = each(&|name, value| format!("SET LOCAL {name} = '{value}'"), "; ");
    let form = |target, text| Form { target, text };
    vec![
        form("any driver", format!("SELECT {calls}")),
        form("django", format!("with transaction.atomic(): connection.cursor().execute(\"{sets}\")")),
        form("pgxpool", format!("tx.Exec(ctx, \"{sets}\")")),
        form("rails", format!("transaction {{ connection.execute(\"{sets}\") }}")),
        form(
            "sqlalchemy",
            format!("with engine.begin() as connection: connection.exec_driver_sql(\"{sets}\")"),
        ),
    ]
}

#[cfg(test)]
mod tests;
