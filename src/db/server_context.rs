//! The question that goes with every look: what this server is, and what this role may do there.

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::questions;
use super::rows::{Rows, exactly};
use crate::model::rights::Rights;
use crate::model::server::{ConnectionSlots, Server, ServerContext};

impl Db {
    /// What this server is and what this role may do there.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn server_context(&self) -> Result<ServerContext, Error> {
        let [rows] = exactly(self.look(&[server_context_question()]).await?)?;
        server_context_of(&rows)
    }
}

/// What this server is and what this role may do there.
pub(super) fn server_context_question() -> String {
    questions::ServerContext { signal_rights: &questions::SignalRights.sql() }.sql()
}

/// The answer to `server_context.sql`.
pub(super) fn server_context_of(rows: &Rows) -> Result<ServerContext, Error> {
    let row = rows
        .first()
        .ok_or_else(|| Error::new(ErrorKind::Protocol, "this login role does not exist any more"))?;
    let version_num: i32 = row.required("version_num")?;
    let product = row.text("version_text")?.unwrap_or_default();
    Ok(ServerContext {
        server: Server {
            version: version(version_num),
            version_num,
            in_recovery: row.claim("in_recovery")?,
            started_at: row.word("started_at")?.unwrap_or_default(),
        },
        product,
        backend_pid: row.required("backend_pid")?,
        uptime_seconds: row.age("uptime_seconds")?.unwrap_or_default(),
        limits: ConnectionSlots {
            max_connections: row.required("max_connections")?,
            superuser_reserved: row.required("superuser_reserved")?,
            reserved: row.required("reserved")?,
        },
        rights: Rights {
            role: row.text("role")?.unwrap_or_default(),
            superuser: row.claim("superuser")?,
            creates_roles: row.claim("creates_roles")?,
            sees_all: row.claim("sees_all")?,
            signals: row.claim("signals")?,
            signals_autovacuum: row.claim("signals_autovacuum")?,
        },
        query_size: bytes(&row.word("query_size")?.unwrap_or_default())?,
    })
}

/// Returns 1024 for `1kB`: a setting in bytes as the server shows it, with a unit of its own choice.
fn bytes(setting: &str) -> Result<i64, Error> {
    let (number, unit) =
        setting.split_at(setting.find(|c: char| !c.is_ascii_digit()).unwrap_or(setting.len()));
    let factor = match unit {
        "" | "B" => Some(1),
        "kB" => Some(1024),
        "MB" => Some(1024 * 1024),
        _ => None,
    };
    factor.and_then(|factor| number.parse::<i64>().ok()?.checked_mul(factor)).ok_or_else(|| {
        Error::new(ErrorKind::Protocol, format!("the server's answer has an unreadable size \"{setting}\""))
    })
}

/// Returns `17.2` for 170002.
fn version(version_num: i32) -> String {
    format!("{}.{}", version_num / 10_000, version_num % 10_000)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read_in_every_unit() {
        let read: Vec<i64> = ["110000B", "1kB", "1MB", "100"].map(|text| bytes(text).unwrap()).into();
        assert_eq!(read, [110_000, 1024, 1_048_576, 100]);
        assert!(bytes("1 kB").is_err() && bytes("").is_err());
    }
}
