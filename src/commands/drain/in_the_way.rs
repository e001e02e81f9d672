//! What stands in the way of who wants the database for himself, as it is said and as it is told to scripts.

use serde::Serialize;

use crate::analyze::obstacles::{remedy, stops, told};
use crate::model::database::{Obstacle, ObstacleKind};
use crate::model::suggestion::Lead;

/// Something that stands in the way of DROP DATABASE, of renaming the database, or of its use as a template, or is lost with it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct InTheWay {
    /// What it is.
    kind: ObstacleKind,
    /// Its name: a walsender's application_name, a worker's type, a prepared transaction's gid.
    name: String,
    /// The process, where there is one.
    pid: Option<i32>,
    /// What it stands in the way of: `DROP`, `RENAME`, `TEMPLATE`; empty for what DROP takes away with the database.
    stops: Vec<&'static str>,
    /// What can be done about it.
    remedy: String,
}

impl InTheWay {
    /// What is told of it.
    pub(super) fn of(obstacle: &Obstacle, database: &str, lead: &Lead) -> Self {
        let Obstacle { kind, name, pid, .. } = obstacle;
        Self {
            kind: *kind,
            name: name.clone(),
            pid: *pid,
            stops: stops(obstacle).to_vec(),
            remedy: remedy(obstacle, database).shown(lead),
        }
    }
}

/// A line for each: `in the way of DROP and RENAME: …; what can be done`.
pub(super) fn lines(obstacles: &[Obstacle], database: &str, lead: &Lead) -> Vec<String> {
    let line = |obstacle: &Obstacle| {
        let of = match stops(obstacle) {
            [] => "lost with the database".to_owned(),
            [all @ .., last] if !all.is_empty() => format!("in the way of {} and {last}", all.join(", ")),
            all => format!("in the way of {}", all.join(", ")),
        };
        format!("{of}: {}; {}", told(obstacle), remedy(obstacle, database).shown(lead))
    };
    obstacles.iter().map(line).collect()
}
