//! What `check` says of a pooler's limits.

use crate::analyze::health::pooler_limits::LimitsFound;
use crate::analyze::health::range::Crossed;
use crate::analyze::pooler::PoolerLimit;
use crate::commands::pooler::limits::{consequence, named};
use crate::model::health::Status;
use crate::model::pooler::Product;
use crate::model::suggestion::Command;
use crate::render::text;

/// The message and the next command. `beyond` is the threshold that was crossed, in words.
pub(super) fn message_and_command(
    found: &LimitsFound,
    beyond: &str,
    product: &Product,
) -> (String, Option<Command>) {
    let status = found.verdict.status;
    let alerts = matches!(status, Status::Warning | Status::Critical);
    // Who asks for at least so many connections is not helped by a higher limit.
    let too_many = alerts && !matches!(found.verdict.crossed, Some(Crossed::Under(_)));
    let limit = found.limit.as_ref().map(|limit| {
        let result = (too_many && limit.is_used_up()).then(|| consequence(limit));
        let who = too_many.then(|| who_raises_it(product));
        let more: String = [result, who].into_iter().flatten().map(|part| format!("; {part}")).collect();
        format!("{}{beyond}{more}", figures(limit))
    });
    let missing = (!found.missing.is_empty())
        .then(|| format!("the console does not tell {}", found.missing.join(", nor ")));
    let parts = if alerts { [limit, missing] } else { [missing, limit] };
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let hint = match (status, &found.limit) {
        (Status::Ok, _) => None,
        (Status::Warning | Status::Critical, Some(limit)) => Some(shows(limit)),
        // the rules that need no limit
        _ => Some(Command::pgconn("check reachable pooler-waiting")),
    };
    (message, hint)
}

/// `max_client_conn of the pooler is used up: 100 of 100`, `pool_size of shop/app: 9 of 20 (45%)`.
fn figures(limit: &PoolerLimit) -> String {
    let PoolerLimit { used, limit: most, used_ratio, .. } = limit;
    let name = named(limit);
    if limit.is_used_up() {
        let own = if limit.is_of_all() { ", pgconn's own included" } else { "" };
        return format!("{name} is used up: {used} of {most}{own}");
    }
    let reserve = if used >= most { ", with room in its reserve" } else { "" };
    format!("{name}: {used} of {most} ({}){reserve}", text::percent(*used_ratio))
}

fn who_raises_it(product: &Product) -> &'static str {
    if product.is_pgbouncer() {
        "one of admin_users may raise it: pgbouncer.ini, then RELOAD"
    } else {
        "the pooler's administrator may raise it"
    }
}

/// The command that shows who uses it: clients, or pools.
fn shows(limit: &PoolerLimit) -> Command {
    let view = if limit.is_of_clients() { "pooler clients" } else { "pooler" };
    let names = [("--db", &limit.database), ("--role", &limit.user)];
    let given = names.into_iter().filter_map(|(flag, name)| Some((flag, name.as_deref()?)));
    given.fold(Command::pgconn(view), |command, (flag, name)| command.only(flag, name))
}
