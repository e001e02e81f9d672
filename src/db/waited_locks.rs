//! The question which locks sessions wait for that were seen to wait for one.

use std::collections::HashMap;

use super::blocking::{array, lock_of};
use super::connection::Db;
use super::error::Error;
use super::questions;
use super::rows::exactly;
use super::session::Entitlement;
use crate::model::lock::{self, Lock};
use crate::model::session::Session;

impl Db {
    /// Tells of those of `sessions` that wait for a lock for which one they do, and marks tables of the same name. What has changed
    /// since they were looked at is left out. Nothing is asked where none waits.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn add_waited_locks(&self, sessions: &mut [Session]) -> Result<(), Error> {
        let waiters: Vec<i32> =
            sessions.iter().filter(|session| session.waits_for_lock()).map(|session| session.pid).collect();
        if waiters.is_empty() {
            return Ok(());
        }
        let question =
            questions::WaitedLocks { lock_object: &questions::LockObject.sql(), pids: &array(&waiters) };
        let [rows] = exactly(self.look_for(Entitlement::Sessions, &[question.sql()]).await?)?;
        let mut locks: HashMap<i32, Lock> = HashMap::new();
        for row in rows {
            locks.insert(row.required("pid")?, lock_of(&row)?);
        }
        for session in sessions.iter_mut().filter(|session| session.waits_for_lock()) {
            let lock = locks.remove(&session.pid);
            session.lock = lock.filter(|lock| session.wait_event.as_ref() == Some(&lock.kind)).map(Box::new);
        }
        lock::tell_apart(sessions.iter_mut().filter_map(|session| session.lock.as_deref_mut()));
        Ok(())
    }
}
