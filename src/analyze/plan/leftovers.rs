//! What is left behind when a session is ended or what it runs is cancelled.

use crate::model::act::{Action, Candidate, UnfinishedWork};

/// What `action` leaves behind of a session that is at `work` and holds so many `advisory` locks; none where everything just goes away.
pub(super) fn leftovers(
    action: Action,
    candidate: &Candidate,
    work: Option<&UnfinishedWork>,
    advisory: i64,
) -> Option<String> {
    let session = &candidate.session;
    if session.wait_event.as_deref() == Some("SyncRep") {
        return Some("it has committed and waits for a standby; that is not undone".into());
    }
    let is_autovacuum = session.backend_type.as_deref() == Some("autovacuum worker");
    work.and_then(|work| of_work(work, is_autovacuum))
        .or_else(|| (action == Action::Cancel && advisory > 0).then(|| kept(advisory)))
}

fn of_work(work: &UnfinishedWork, is_autovacuum: bool) -> Option<String> {
    let object = work.object.as_deref();
    let table = object.unwrap_or("the table that it is at");
    let index = |of: &str| match object {
        Some(name) => format!("leaves the invalid index {name} behind, which has to be dropped{of}"),
        None => format!("can leave an invalid index behind, which has to be dropped{of}"),
    };
    Some(match work.statement.as_str() {
        "CREATE INDEX CONCURRENTLY" => index(" before it is created again"),
        "REINDEX CONCURRENTLY" => {
            index(" (its name ends in _ccnew or _ccold); the index itself stays as it is")
        }
        "CREATE INDEX" => "the index is not there, and building it starts over".into(),
        "REINDEX" => "the index stays as it was, and rebuilding it starts over".into(),
        "DROP INDEX CONCURRENTLY" => "can leave the index behind, invalid, until it is dropped again".into(),
        "DETACH PARTITION CONCURRENTLY" => {
            "can leave the partition half detached, until ALTER TABLE … DETACH PARTITION … FINALIZE".into()
        }
        "DROP DATABASE" => {
            "can leave the database behind, invalid, so that only DROP DATABASE can be done with it".into()
        }
        "BASE BACKUP" => "the copy that it sends stays incomplete and is of no use".into(),
        "VACUUM" if is_autovacuum => {
            format!("its work on {table} is not finished, and autovacuum starts it over by itself")
        }
        "VACUUM" => format!("its work on {table} is not finished, and has to be started over"),
        "CLUSTER" | "VACUUM FULL" => format!("{table} stays as it was, and rewriting it starts over"),
        _ => return None,
    })
}

fn kept(advisory: i64) -> String {
    match advisory {
        1 => "its advisory lock, if it was taken for the session, stays until that ends; kill ends it".into(),
        many => format!(
            "those of its {many} advisory locks that were taken for the session stay until that ends; kill ends it"
        ),
    }
}
