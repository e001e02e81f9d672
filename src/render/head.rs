//! What stands around every payload.

use std::time::SystemTime;

use serde::Serialize;

use super::table::Mark;
use crate::model::server::{Server, Target};

/// Something the reader must know to read the result rightly.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Warning {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// What stands around every payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// Where the answer comes from; none when nothing was connected to.
    pub(crate) target: Option<Target>,
    /// The server that answered.
    pub(crate) server: Option<Server>,
    /// What the reader must know.
    pub(crate) warnings: Vec<Warning>,
    /// Whether people are to be reminded that it is production.
    pub(crate) is_production: bool,
    /// When it was found out, where that was before it is written.
    pub(crate) found_at: Option<SystemTime>,
}

impl Head {
    /// How the server's name is shown, where it is not to be overlooked that it is production.
    pub(crate) fn reminding(&self, mark: Mark, place: String) -> (Mark, String) {
        if self.is_production { (Mark::Bad, format!("{place}  production")) } else { (mark, place) }
    }
}
