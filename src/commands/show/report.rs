//! The answer of `show` in every form.

use super::found::Shows;
use super::words;
use crate::model::one_session::Neighbour;
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::Block;
use crate::render::{Head, Headline, Report, tsv};

impl Report for Shows {
    fn kind(&self) -> &'static str {
        "show"
    }

    fn lists(&self) -> Vec<List<'_>> {
        Vec::new()
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        words::blocks(self)
    }

    fn headline(&self) -> Headline {
        Headline { mark: words::mark(self), text: words::state(&self.session) }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, [self])
    }
}

fn pids(neighbours: &[Neighbour]) -> String {
    neighbours.iter().filter_map(|one| one.pid).map(|pid| pid.to_string()).collect::<Vec<_>>().join(",")
}

/// What scripts read in a row.
const COLUMNS: &[Column<Shows>] = &[
    Column::script("pid", |row| row.session.pid.into()),
    Column::script("session_id", |row| row.session.session_id.as_ref().into()),
    Column::script("backend_start", |row| row.session.backend_start.as_ref().into()),
    Column::script("backend_type", |row| row.session.backend_type.as_ref().into()),
    Column::script("database", |row| row.session.database.as_ref().into()),
    Column::script("role", |row| row.session.role.as_ref().into()),
    Column::script("application_name", |row| (&row.session.application_name).into()),
    Column::script("client", |row| row.session.client.as_ref().into()),
    Column::script("client_port", |row| row.session.client_port.into()),
    Column::script("state", |row| row.session.state.as_ref().into()),
    Column::script("wait_event_type", |row| row.session.wait_event_type.as_ref().into()),
    Column::script("wait_event", |row| row.session.wait_event.as_ref().into()),
    Column::script("xact_start", |row| row.session.xact_start.as_ref().into()),
    Column::script("query_start", |row| row.session.query_start.as_ref().into()),
    Column::script("state_change", |row| row.session.state_change.as_ref().into()),
    Column::script("session_seconds", |row| Value::seconds(row.session.session_seconds)),
    Column::script("xact_seconds", |row| Value::seconds(row.session.xact_seconds)),
    Column::script("query_seconds", |row| Value::seconds(row.session.query_seconds)),
    Column::script("state_seconds", |row| Value::seconds(row.session.state_seconds)),
    Column::script("backend_xid", |row| row.session.backend_xid.map(i64::from).into()),
    Column::script("backend_xmin", |row| row.session.backend_xmin.map(i64::from).into()),
    Column::script("xmin_age", |row| row.session.xmin_age.into()),
    Column::script("parallel_workers", |row| row.session.parallel_workers.into()),
    Column::script("hidden", |row| row.session.hidden.into()),
    Column::script("can_signal", |row| row.session.can_signal.into()),
    Column::script("blocked_by", |row| pids(&row.blocked_by).into()),
    Column::script("blocks", |row| pids(&row.blocks).into()),
    Column::script("blocks_total", |row| row.blocks_total.into()),
    Column::script("locks_held", |row| row.locks_held.into()),
    Column::script("cancel_result", |row| row.cancel.result.word().into()),
    Column::script("terminate_result", |row| row.terminate.result.word().into()),
    Column::script("pooler_client_addr", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.addr.as_ref()).into()
    }),
    Column::script("pooler_client_port", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.port).into()
    }),
    Column::script("pooler_client_application_name", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.application_name.as_ref()).into()
    }),
    Column::script("query_id", |row| row.session.query_id.as_ref().into()),
    Column::script("query_truncated", |row| row.session.query_truncated.into()),
    Column::script("query", |row| row.session.query.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
