//! What stands in the way of who wants a database for himself: of what, and what can be done about it.

use crate::model::database::{Obstacle, ObstacleKind};
use crate::model::quote;
use crate::model::suggestion::{Command, Hint};

/// Everything that wants a database without anybody in it.
const ALONE: &[&str] = &["DROP", "RENAME", "TEMPLATE"];

/// The statements that it stands in the way of, as PostgreSQL judges: none of them where it is only lost with the database.
pub(crate) fn stops(obstacle: &Obstacle) -> &'static [&'static str] {
    match obstacle.kind {
        ObstacleKind::Walsender | ObstacleKind::Worker | ObstacleKind::PreparedTransaction => ALONE,
        ObstacleKind::Subscription => &["DROP"],
        ObstacleKind::ReplicationSlot if obstacle.active => &["DROP"],
        ObstacleKind::ReplicationSlot => &[],
    }
}

/// What it is, in words.
pub(crate) fn told(obstacle: &Obstacle) -> String {
    let Obstacle { name, pid, .. } = obstacle;
    let of = |word: &str| format!("{word} {}", quote::shown(name));
    match (obstacle.kind, pid) {
        (ObstacleKind::Walsender, Some(pid)) if name.is_empty() => format!("walsender pid {pid}"),
        (ObstacleKind::Walsender, Some(pid)) => format!("{} pid {pid}", of("walsender")),
        (ObstacleKind::Worker, Some(pid)) => format!("{name} pid {pid}"),
        (ObstacleKind::Walsender, None) => of("walsender"),
        (ObstacleKind::Worker, None) => name.clone(),
        (ObstacleKind::PreparedTransaction, _) => of("prepared transaction"),
        (ObstacleKind::Subscription, _) => of("subscription"),
        (ObstacleKind::ReplicationSlot, Some(pid)) => {
            format!("{}, used by pid {pid}", of("replication slot"))
        }
        (ObstacleKind::ReplicationSlot, None) => of("replication slot"),
    }
}

/// What can be done about it, where it is in `database`.
pub(crate) fn remedy(obstacle: &Obstacle, database: &str) -> Hint {
    let end =
        |pid: Option<i32>| Command::pgconn("kill --all-backends").word(&pid.unwrap_or_default().to_string());
    let (name, shown) = (&obstacle.name, quote::shown(&obstacle.name));
    match obstacle.kind {
        ObstacleKind::Walsender => Hint::from("stop what reads from it, or: ").call(end(obstacle.pid)),
        ObstacleKind::Worker if name.starts_with("logical replication") => {
            Hint::from("it is a subscription's: ALTER SUBSCRIPTION … DISABLE, in that database")
        }
        ObstacleKind::Worker => {
            Hint::default().call(end(obstacle.pid)).then("; what started it may start it again")
        }
        ObstacleKind::PreparedTransaction => quote::finish_prepared(database, name).into(),
        ObstacleKind::Subscription => format!(
            "in database {}: DROP SUBSCRIPTION {shown}, before ALTER SUBSCRIPTION {shown} DISABLE and SET (slot_name = NONE) where its \
             publisher is gone",
            quote::shown(database)
        )
        .into(),
        ObstacleKind::ReplicationSlot if obstacle.active => format!(
            "stop what reads from it, then: SELECT pg_drop_replication_slot('{}')",
            quote::pasteable(&name.replace('\'', "''"))
        )
        .into(),
        ObstacleKind::ReplicationSlot => {
            "DROP DATABASE drops it as well: what reads from it has to begin anew".into()
        }
    }
}
