//! Who watches a server for a while, through a session that is had again when it is lost.

use std::time::{Duration, Instant};

use super::rules::Evidence;
use crate::commands::head::head_of_look;
use crate::db::{self, Db, ErrorKind, Listing, Scraped, Selection, SortOrder};
use crate::model::blocking::PreparedBlocker;
use crate::model::filter::{Filter, StateFilter, Term};
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Origin, Watched};
use crate::model::session::Session;
use crate::observe::{Observer, OfServer, Patience};
use crate::render::{Head, Warning, text};
use crate::stop::{Signal, Stop};
use crate::ui::Ui;

/// Transactions left open that are looked at one by one, the oldest.
const LISTED: u32 = 200;
/// Between two looks at all sessions.
const WHOLE: Duration = Duration::from_millis(250);
/// Between two looks at those that have just come: a session that runs one statement lives a few milliseconds, and those
/// that are caught tell whose the others are.
const ARRIVALS: Duration = Duration::from_millis(15);
/// A look is followed by a pause of at least so many times what it took: watching costs the server a tenth of one core.
const RESTRAINT: u32 = 9;
/// How far back a look at arrivals reaches beyond the last look at all: a login takes so long at most, mostly.
const LOGIN: Duration = Duration::from_millis(500);

/// How long the counters of a server can lag that counts late: the half second after which it writes them anew, and a little.
const COUNTED_WITHIN: Duration = Duration::from_millis(600);

/// What was gathered.
pub(super) struct Gathered {
    pub(super) evidence: Evidence,
    /// With what was not seen.
    pub(super) head: Head,
    pub(super) ended: Ended,
}

/// How the watching ended.
pub(super) enum Ended {
    /// Its time was over.
    Over,
    /// By a signal.
    Interrupted(Signal),
    /// The server was lost, for this reason, and not back in time.
    Lost(String),
}

/// What is counted from: the counters, and the sessions that were there and may be counted only afterwards.
struct Baseline {
    databases: Vec<DatabaseCounters>,
    counted_late: i64,
    at: Instant,
}

impl Baseline {
    async fn of(db: &Db) -> Result<Self, db::Error> {
        let mut first = db.scrape(&mut None).await?;
        let mut counted_late = 0;
        if db.counts_sessions_late() {
            tokio::time::sleep(COUNTED_WITHIN).await;
            first = db.scrape(&mut None).await?;
            counted_late = first.facts.connections.used;
        }
        Ok(Self { databases: first.databases, counted_late, at: Instant::now() })
    }
}

/// The server as it is at one moment.
struct Moment {
    scraped: Scraped,
    prepared_blockers: Vec<PreparedBlocker>,
    origins: Vec<Origin>,
    left_open: Vec<Session>,
    head: Head,
}

impl Moment {
    async fn of(db: &Db) -> Result<Self, db::Error> {
        let scraped = db.scrape(&mut None).await?;
        let waiters = scraped.facts.waits.sessions.iter().filter(|session| session.blocked_by.contains(&0));
        let waiters: Vec<i32> = waiters.map(|session| session.who.pid).collect();
        let prepared_blockers = db.prepared_blockers(&waiters).await?;
        let origins = db.origins().await?;
        let idle = Term { exclude: false, value: StateFilter::IdleInTransaction };
        let listing = Listing {
            selection: Selection {
                filter: Filter { states: vec![idle], ..Filter::default() },
                all_backends: false,
            },
            over: None,
            order: SortOrder::Xact,
            limit: Some(LISTED),
            query_bytes: Some(0),
        };
        let (_, left_open) = db.sessions(&listing).await?;
        let left_open = left_open.sessions.into_iter().filter(|session| !session.undecidable).collect();
        let head = head_of_look(db, &scraped.server_context, 0);
        Ok(Self { scraped, prepared_blockers, origins, left_open, head })
    }
}

/// Who looks again and again until `sample` is over.
pub(super) struct Watcher {
    pub(super) sample: Duration,
    /// How long a server that is lost is waited for.
    pub(super) wait: Duration,
    pub(super) stop: Stop,
    pub(super) ui: Ui,
    /// Whether there is a line of its own for the progress.
    pub(super) shown: bool,
}

impl Watcher {
    /// Watches, and looks at the server before and after that.
    ///
    /// # Errors
    /// When nothing was seen.
    pub(super) async fn gather(
        &self,
        observer: &mut Observer<OfServer>,
        patience: Patience,
    ) -> Result<Gathered, db::Error> {
        let start = async |db: &mut Db| Ok((Baseline::of(db).await?, Moment::of(db).await?));
        let (mut baseline, start) = observer.look::<_, db::Error>(patience, start).await?;
        let began = Instant::now();
        let mut watched = Watched::default();
        let mut ended = self.watch(observer, began, &mut baseline, &mut watched).await?;
        let last = match &ended {
            Ended::Lost(_) => None,
            Ended::Over => {
                let last = async |db: &mut Db| Moment::of(db).await;
                match observer.look(Patience::For(self.wait), last).await {
                    Err(error) if matches!(error.kind, ErrorKind::Interrupted(_)) => return Err(error),
                    Err(error) => {
                        ended = Ended::Lost(error.message);
                        None
                    }
                    Ok(last) => Some(last),
                }
            }
            Ended::Interrupted(_) => {
                let last = async |db: &mut Db| {
                    db.finish();
                    // What was cancelled has left its transaction, and the cancelling may come late: this is to meet it.
                    db.abandon().await;
                    let _is_there = db.answers().await;
                    Moment::of(db).await
                };
                Some(observer.look(Patience::NONE, last).await?)
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        let was_interrupted = watched.interrupted;
        let Moment { scraped, prepared_blockers, origins, left_open, mut head } = last.unwrap_or(start);
        head.warnings.extend(self.not_seen(seconds, was_interrupted, &ended));
        let evidence = Evidence {
            scraped,
            // What the server has counted since is not known where it was lost.
            before: if matches!(ended, Ended::Lost(_)) { Vec::new() } else { baseline.databases },
            counted_late: baseline.counted_late,
            origins,
            left_open,
            prepared_blockers,
            watched,
            seconds,
            counted_seconds: baseline.at.elapsed().as_secs_f64(),
        };
        Ok(Gathered { evidence: evidence.of_customers(), head, ended })
    }

    /// That less was seen than was to be.
    fn not_seen(&self, seconds: f64, was_interrupted: bool, ended: &Ended) -> Vec<Warning> {
        let (seen, wanted) = (text::duration(seconds), text::duration(self.sample.as_secs_f64()));
        let gap = was_interrupted.then(|| Warning {
            code: "interrupted",
            message: "the session was lost, and another one had: what happened in between was not seen"
                .into(),
            hint: None,
        });
        let cut = match ended {
            Ended::Over => None,
            Ended::Interrupted(_) => Some(Warning {
                code: "cut_short",
                message: format!(
                    "interrupted after {seen} of {wanted}: what takes longer to show was not seen"
                ),
                hint: None,
            }),
            Ended::Lost(why) => Some(Warning {
                code: "cut_short",
                message: format!(
                    "the watching ended after {seen} of {wanted}: {why}; settings and limits are those of its beginning"
                ),
                hint: Some("--connect-wait DUR waits for the server to come back".into()),
            }),
        };
        gap.into_iter().chain(cut).collect()
    }

    /// Watches until the time is over, a signal comes, or the server is lost and not back in time.
    async fn watch(
        &self,
        observer: &mut Observer<OfServer>,
        began: Instant,
        baseline: &mut Baseline,
        watched: &mut Watched,
    ) -> Result<Ended, db::Error> {
        let mut whole: Option<Instant> = None;
        loop {
            let (look, sessions) = (Instant::now(), observer.sessions());
            let is_whole =
                whole.is_none_or(|whole| whole.elapsed() >= WHOLE) || began.elapsed() >= self.sample;
            let within = whole.filter(|_| !is_whole).map(|whole| whole.elapsed() + LOGIN);
            let left = self.sample.saturating_sub(began.elapsed());
            let patience = Patience::For(self.wait.min(left));
            let ask = async |db: &mut Db| db.sample_sessions(within).await;
            let mut looked = observer.look(patience, ask).await;
            if looked.is_ok() && observer.sessions() > sessions {
                // The counters may be others, and the sessions are: both are looked at anew.
                let anew = async |db: &mut Db| {
                    let baseline = Baseline::of(db).await?;
                    Ok::<_, db::Error>((baseline, db.sample_sessions(None).await?))
                };
                looked = observer.look(patience, anew).await.map(|(read, sessions)| {
                    *baseline = read;
                    watched.resume();
                    watched.add(sessions);
                    Vec::new()
                });
                if looked.is_ok() {
                    whole = Some(look);
                    continue;
                }
            }
            let sessions = match (looked, self.stop.signal()) {
                // What it was interrupted in is not missed by what was seen before.
                (Err(_), Some(signal)) => return Ok(Ended::Interrupted(signal)),
                (Err(error), None) if watched.has_seen() => return Ok(Ended::Lost(error.message)),
                (sessions, _) => sessions?,
            };
            if is_whole {
                whole = Some(look);
                watched.add(sessions);
                if began.elapsed() <= self.sample / 2 {
                    watched.still_first_half();
                }
                let left = self.sample.saturating_sub(began.elapsed());
                if left.is_zero() {
                    return Ok(Ended::Over);
                }
                self.progress(&format!("watching, {} left", text::duration(left.as_secs_f64().ceil())));
            } else {
                watched.add_arrivals(&sessions);
            }
            let pause = ARRIVALS.max(look.elapsed() * RESTRAINT);
            tokio::select! {
                () = tokio::time::sleep(pause.min(self.sample.saturating_sub(began.elapsed()))) => {}
                signal = self.stop.pulled() => return Ok(Ended::Interrupted(signal)),
            }
        }
    }

    /// Says how far it is; nothing ends that.
    pub(super) fn progress(&self, line: &str) {
        if self.shown && self.sample > Duration::from_secs(1) {
            self.ui.progress(line);
        }
    }
}
