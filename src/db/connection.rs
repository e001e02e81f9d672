//! A session of pgconn's own, over which every question travels: in one message of the simple protocol, with its guards.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::error::{Error, ErrorKind};
use super::guard::{Access, Guards};
use super::repeated::{Repeated, is_about_a_name};
use super::rows::{self, Answers, Collected, Rows, exactly};
use super::session::{self, Canceller, Entitlement, Excess, Lane, LoginInfo, Metering, Notice, Options};
use super::statement_error::{is_encoding_trouble, statement_error};
use super::trace::Trace;
use super::version::version_num;
use crate::conninfo::ConnInfo;
use crate::model::server::{ServerContext, Target};
use crate::stop::Stop;

/// Whose session this is, as the server says.
const OWN_PID: &str = "select pg_backend_pid() as pid";

/// How long to wait beyond the server's own time limit before the connection itself is given up.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How long to wait beyond it for an answer, and then for the cancelling of what gave none: both within [`GRACE`].
const HALF: Duration = Duration::from_millis(500);

/// A session of pgconn's own.
#[derive(Debug)]
pub(crate) struct Db {
    pub(super) client: tokio_postgres::Client,
    pub(super) driver: JoinHandle<()>,
    pub(super) canceller: Canceller,
    pub(super) target: Target,
    notices: Vec<Notice>,
    pub(super) lane: Lane,
    pub(super) login_info: LoginInfo,
    pub(super) metering: Metering,
    pub(super) trace: Trace,
    pub(super) version_num: i32,
    pub(super) timeout: Duration,
    pub(super) stop: Stop,
    repeated: Repeated,
    /// No signal ends a question any more.
    finishing: AtomicBool,
}

impl Db {
    /// Connects and logs in; `timeout` bounds each later statement.
    ///
    /// # Errors
    /// When no connection can be had, with the reason as its kind.
    pub(crate) async fn connect(
        info: &ConnInfo,
        options: &Options,
        timeout: Duration,
        stop: Stop,
    ) -> Result<Self, Error> {
        let (mut db, server_version) = Self::open(info, options, timeout, stop).await?;
        db.version_num = version_num(&server_version)?;
        Ok(db)
    }

    /// Connects to whatever answers, be it a console, with what it says as its `server_version`.
    pub(super) async fn open(
        info: &ConnInfo,
        options: &Options,
        timeout: Duration,
        stop: Stop,
    ) -> Result<(Self, String), Error> {
        let (mut options, mut attempts) = (options.clone(), Vec::new());
        // On the heap, because it is large, and part of every command that connects.
        let open = Box::pin(session::connect(info, &mut options, &mut attempts));
        let session = tokio::select! {
            session = open => session?,
            signal = stop.pulled() => return Err(Error::interrupted(signal)),
        };
        let target = session.described();
        let connection = session.driver;
        let driver = tokio::spawn(async move {
            // How a session ended is told by the statement that was running, or by the next one.
            let _ = connection.await;
        });
        let db = Self {
            client: session.client,
            driver,
            canceller: session.canceller,
            target,
            notices: session.notices,
            lane: session.lane,
            login_info: session.login_info,
            metering: session.metering,
            trace: options.trace,
            version_num: 0,
            timeout,
            stop,
            repeated: Repeated::default(),
            finishing: AtomicBool::new(false),
        };
        Ok((db, session.server_version))
    }

    /// Says that a signal has been heard: what is asked from here on, to tell what was seen so far, it does not end.
    pub(crate) fn finish(&self) {
        self.finishing.store(true, Ordering::Relaxed);
    }

    /// Lowers the limit of each later statement to `timeout`, for runs that are bounded as a whole.
    pub(crate) const fn limit(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// What the user should know about how the connection came about: no encryption, another database.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Whether this is the emergency lane: a walsender's slot instead of an ordinary one.
    pub(crate) fn is_emergency(&self) -> bool {
        self.lane == Lane::Emergency
    }

    /// Whether somebody stands between who gives out process ids of his own: a pooler.
    pub(crate) fn is_pooled(&self, server_context: &ServerContext) -> bool {
        session::is_pooled(self.login_info.pid(), server_context.backend_pid)
            && server_context.other_product().is_none()
    }

    /// Which pooler it would be that stands between, where its address or what it told tells.
    pub(crate) fn pooler(&self) -> Option<&'static str> {
        let is_supavisor = self.target.host.ends_with(".pooler.supabase.com");
        self.login_info.pooler().or_else(|| is_supavisor.then_some("Supavisor"))
    }

    /// The settings that lead to where this session is and nowhere else, with the password and the database that it got in with.
    pub(crate) fn way_back(&self) -> ConnInfo {
        self.canceller.way_back()
    }

    /// Where the session is.
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Asks questions that change nothing, in one transaction and one message; returns the rows of each.
    pub(super) async fn look(&self, questions: &[String]) -> Result<Vec<Rows>, Error> {
        self.look_for(Entitlement::Facts, questions).await
    }

    /// Looks, with answers that may take more than facts do.
    pub(super) async fn look_for(
        &self,
        entitlement: Entitlement,
        questions: &[String],
    ) -> Result<Vec<Rows>, Error> {
        self.look_first(entitlement, &[], questions).await
    }

    /// Looks, with the questions `first` asked before any SET of a limit, the only moment at which a session can tell the
    /// limits that it logged in with. Where a statement_timeout of this very role leaves no time for that, the guards go first
    /// after all; the settings that they touch then have the source `session`.
    pub(super) async fn look_first(
        &self,
        entitlement: Entitlement,
        first: &[String],
        questions: &[String],
    ) -> Result<Vec<Rows>, Error> {
        let mut collected = Collected { entitlement, answers: Vec::new() };
        match self.guards(false).time_to_ask().filter(|_| !first.is_empty()) {
            None => self.look_into(first, questions, &mut collected).await?,
            Some(before) => {
                self.look_into(&[&[before], first].concat(), questions, &mut collected).await?;
                collected.answers.remove(0);
            }
        }
        Ok(collected.answers)
    }

    /// Looks, the questions `first` before any SET of a limit; each row is taken as it comes in.
    pub(super) async fn look_into(
        &self,
        first: &[String],
        questions: &[String],
        answers: &mut dyn Answers,
    ) -> Result<(), Error> {
        let answered = match self.ask_by_name(first, questions, answers).await? {
            Some(answered) => answered,
            None => self.ask_in_full(first, questions, answers).await?,
        };
        let asked = first.len() + questions.len();
        if answered == asked {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Protocol, format!("{asked} questions got {answered} answers")))
    }

    /// Asks by name what was asked before; none where the questions are to be asked in full. The first time that one comes again it is
    /// asked whose session this is.
    async fn ask_by_name(
        &self,
        first: &[String],
        questions: &[String],
        answers: &mut dyn Answers,
    ) -> Result<Option<usize>, Error> {
        if self.repeated.is_to_be_found_out(questions) {
            let allowed = self.lane == Lane::Ordinary && !self.is_through_a_pooler().await?;
            self.repeated.allow(allowed);
        }
        let Some(worded) = self.repeated.worded(questions) else { return Ok(None) };
        let look = self.guards(false).transaction(Access::ReadOnly, first, &worded.statements);
        match self.ask_all(&look, answers).await {
            Ok(answered) => {
                self.repeated.answered(worded);
                Ok(Some(answered))
            }
            Err(error) if error.sqlstate.is_some() => {
                self.repeated.refused(&worded);
                let is_about_a_name = is_about_a_name(&error, &worded);
                if is_about_a_name {
                    self.repeated.allow(false);
                }
                // Asked in full it may be answered in other words.
                let is_late = !first.is_empty() && error.kind == ErrorKind::StatementTimeout;
                if is_about_a_name || is_encoding_trouble(&error) || is_late {
                    answers.anew();
                    return Ok(None);
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_in_full(
        &self,
        first: &[String],
        questions: &[String],
        answers: &mut dyn Answers,
    ) -> Result<usize, Error> {
        let look = |bytes, first: &[String], questions: &[String]| {
            self.guards(bytes).transaction(Access::ReadOnly, first, questions)
        };
        match self.ask_all(&look(false, first, questions), answers).await {
            Err(error) if is_encoding_trouble(&error) => {
                answers.anew();
                self.ask_all(&look(true, first, questions), answers).await
            }
            Err(error)
                if !first.is_empty()
                    && error.sqlstate.is_some()
                    && error.kind == ErrorKind::StatementTimeout =>
            {
                let questions: Vec<String> = first.iter().chain(questions).cloned().collect();
                answers.anew();
                self.ask_all(&look(false, &[], &questions), answers).await
            }
            other => other,
        }
    }

    async fn is_through_a_pooler(&self) -> Result<bool, Error> {
        let mut answers = Vec::new();
        let statements = self.guards(false).transaction(Access::ReadOnly, &[], &[OWN_PID.to_owned()]);
        self.ask_all(&statements, &mut answers).await?;
        let [rows] = exactly(answers)?;
        let pid = rows.first().map(|row| row.required("pid")).transpose()?;
        // Who does not tell is no PostgreSQL.
        Ok(pid.is_none_or(|pid| self.login_info.pid() != Some(pid)))
    }

    /// What travels with this session's statements.
    pub(super) const fn guards(&self, bytes: bool) -> Guards {
        Guards { limit: self.timeout, transaction_timeout: self.version_num >= 170_000, bytes }
    }

    /// Sends statements, which may be a transaction. One that the server refuses is ended, so that what is asked next finds
    /// the session as it was. Returns how many answered with rows.
    pub(super) async fn ask_all(
        &self,
        statements: &[String],
        answers: &mut dyn Answers,
    ) -> Result<usize, Error> {
        let answered = self.ask_in_order(statements, answers).await;
        if answered.as_ref().is_err_and(|error| error.sqlstate.is_some())
            && statements.first().is_some_and(|first| first.starts_with("begin"))
        {
            // What went wrong first is what counts, also where it ended the session.
            let _ = tokio::time::timeout(HALF, self.ask("rollback")).await;
        }
        answered
    }

    /// Sends statements as one message; on the emergency lane one by one, because a walsender of an older minor takes
    /// only one statement a message.
    pub(super) async fn ask_in_order(
        &self,
        statements: &[String],
        answers: &mut dyn Answers,
    ) -> Result<usize, Error> {
        if self.lane == Lane::Ordinary {
            return self.ask_into(&statements.join(";\n"), answers).await;
        }
        let mut answered = 0;
        for statement in statements {
            answered += self.ask_into(statement, answers).await?;
        }
        Ok(answered)
    }

    /// Sends one message and returns the rows of each of its answers.
    pub(super) async fn ask(&self, message: &str) -> Result<Vec<Rows>, Error> {
        let mut answers = Vec::new();
        self.ask_into(message, &mut answers).await?;
        Ok(answers)
    }

    /// Sends one message and takes its answers, within the time limit and until a signal arrives. Returns how many there were.
    pub(super) async fn ask_into(&self, message: &str, answers: &mut dyn Answers) -> Result<usize, Error> {
        self.trace.tell(message);
        let began = Instant::now();
        let answered = rows::take(&self.client, &self.metering, message, answers);
        tokio::select! {
            answered = tokio::time::timeout(self.timeout + HALF, answered) => match answered {
                Ok(Ok(answered)) => Ok(answered),
                Ok(Err(error)) => {
                    if let Some(Excess(why)) = self.metering.excess() {
                        return Err(Error::new(ErrorKind::Protocol, why));
                    }
                    let mut error = statement_error(&error);
                    // Somebody else's cancel, or somebody else's limit.
                    error.hint = error.hint.filter(|_| error.kind != ErrorKind::StatementTimeout || began.elapsed() >= self.timeout);
                    Err(error)
                }
                Err(_) => {
                    self.cancel().await;
                    Err(self.silent())
                }
            },
            signal = self.stop.pulled(), if !self.finishing.load(Ordering::Relaxed) => {
                self.cancel().await;
                Err(Error::interrupted(signal))
            }
        }
    }

    /// The error when no answer came. The login is a pooler's own, and what is asked then may wait in its queue.
    pub(super) fn silent(&self) -> Error {
        let message = format!("{} did not answer within {:?}", self.target.place(), self.timeout);
        let error = Error::new(ErrorKind::StatementTimeout, message);
        // A console has no queue, and no server's version.
        match self.pooler().filter(|_| self.version_num != 0) {
            None => error,
            Some(_) => error.hinted(
                "a pooler answered the login, and has perhaps no connection to the server to give: see its queue with \
                 pgconn pooler",
            ),
        }
    }

    /// Leaves nothing running on the server; when that cannot be had in time, the closed connection must do.
    pub(super) async fn cancel(&self) {
        let _ = tokio::time::timeout(HALF, self.canceller.cancel()).await;
    }

    /// Sends statements that signal or change something, once, with the guards of this run; all of them count or none. Returns
    /// the rows of the first that answers with rows.
    pub(super) async fn act(&self, access: Access, statements: &[String]) -> Result<Rows, Error> {
        let guarded = |bytes| {
            let guards = self.guards(bytes);
            // A walsender of an older minor takes one statement a message.
            if self.is_emergency() {
                guards.transaction(access, &[], statements)
            } else {
                guards.message(access, statements)
            }
        };
        let mut answers = Vec::new();
        match self.ask_all(&guarded(false), &mut answers).await {
            // The text of the statement itself did not fit: nothing has been done.
            Err(error) if is_encoding_trouble(&error) => {
                answers.anew();
                self.ask_all(&guarded(true), &mut answers).await?;
            }
            other => drop(other?),
        }
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    /// This session, which from here on waits for its answers whatever signal arrives; the time limits stay.
    pub(crate) fn until_done(mut self) -> Uninterrupted {
        self.stop = Stop::never();
        Uninterrupted(self)
    }

    /// Whether the session is still there, asked of the server: it may have ended in a while without questions.
    pub(crate) async fn answers(&self) -> bool {
        !self.is_closed() && self.look(&["select 1".to_owned()]).await.is_ok()
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Ends the transaction that a look without an answer may have left, in which the session would take no other question.
    pub(crate) async fn abandon(&self) {
        // What cannot be ended now fails the next question, too.
        let _ = self.ask("rollback").await;
    }

    /// Ends the session in good order, so that the server frees its slot at once.
    pub(crate) async fn close(self) {
        let Self { client, driver, .. } = self;
        drop(client);
        let _ = tokio::time::timeout(GRACE, driver).await;
    }
}

/// A session that waits for its answers whatever signal arrives; the time limits stay.
#[derive(Debug)]
pub(crate) struct Uninterrupted(pub(super) Db);

impl Uninterrupted {
    /// The session, whose questions a signal at `stop` ends again.
    pub(crate) fn interruptible(mut self, stop: Stop) -> Db {
        self.0.stop = stop;
        self.0
    }

    /// Ends the session in good order.
    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}

impl Deref for Uninterrupted {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.0
    }
}
