//! How clients use their connections: what `doctor` judges, and what it says about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// How a rule of `doctor` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// As it should be.
    Pass,
    /// Not as it should be, and known and accepted.
    Accepted,
    /// Cannot be told; the evidence says why.
    Unknown,
    /// Should be better.
    Warn,
    /// Is wrong.
    Fail,
}

/// What one rule of `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// Its name.
    pub(crate) rule: &'static str,
    /// How it ended.
    pub(crate) status: Grade,
    /// The practice it is about.
    pub(crate) title: &'static str,
    /// What was seen on this server.
    pub(crate) evidence: String,
    /// What to do about it, when it did not pass.
    pub(crate) advice: Option<String>,
    /// The command or SQL to start with.
    pub(crate) next_command: Option<String>,
}

/// Client sessions that are alike in where they come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// As the clients set it; empty when they did not.
    pub(crate) application_name: String,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// Whether that role has SUPERUSER.
    pub(crate) superuser: bool,
    /// Whether the role has a CONNECTION LIMIT.
    pub(crate) role_limited: bool,
    /// Database they are connected to.
    pub(crate) database: Option<String>,
    /// Whether the database has a CONNECTION LIMIT.
    pub(crate) database_limited: bool,
    /// Over the network, without TLS; none when hidden.
    pub(crate) plaintext: Option<bool>,
    /// How many.
    pub(crate) sessions: i64,
}

/// Who opens connections: the key by which sessions are told apart while they are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionSource {
    /// As the clients set it.
    pub(crate) application_name: String,
    /// Role that logged in.
    pub(crate) role: Option<String>,
}

/// What tells a session from a later one with the same pid: when it began, in microseconds since 1970; none when hidden.
pub(crate) type SessionKey = (i32, Option<i64>);

/// A client session at one look, pgconn's own left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampledSession {
    /// Which session it is.
    pub(crate) identity: SessionKey,
    /// Whose it is just now: behind a pooler this changes.
    pub(crate) source: SessionSource,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Address or `local`; none when hidden.
    pub(crate) client: Option<String>,
    /// Whether it runs a statement or is in a transaction; none when hidden.
    pub(crate) busy: Option<bool>,
    /// Age of its transaction, in seconds.
    pub(crate) xact_seconds: Option<f64>,
    /// How long it has been idle, in seconds; none when it is not.
    pub(crate) idle_seconds: Option<f64>,
}

/// An idle session that holds advisory locks.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionLocks {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// Address or `local`.
    pub(crate) client: Option<String>,
    /// TCP port; none for a Unix socket.
    pub(crate) client_port: Option<i32>,
    /// How many it holds.
    pub(crate) held: i64,
}

/// What a source's sessions did while they were watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conduct {
    /// Sessions at the first look.
    pub(crate) first: usize,
    /// Sessions at the last look of the first half.
    pub(crate) halfway: usize,
    /// Sessions at the last look.
    pub(crate) last: usize,
    /// Fewest sessions at any look.
    pub(crate) fewest: usize,
    /// Most sessions that were at work or in a transaction at one look.
    pub(crate) busiest: usize,
    /// Sessions that were seen to come.
    pub(crate) born: usize,
    /// Sessions that came and went before the watching was interrupted.
    pub(crate) passed_before: usize,
    /// Of each address (or `local`) the sessions that were seen to come from there; 0 for those that were there.
    pub(crate) clients: BTreeMap<String, usize>,
}

impl Conduct {
    /// Sessions that went while they were watched.
    pub(crate) const fn gone(&self) -> usize {
        (self.first + self.born).saturating_sub(self.last)
    }

    /// Of the sessions that came, those that cannot have gone: what is more at the end than what was there and is left.
    pub(crate) fn stayed(&self) -> usize {
        let left = self.first.saturating_sub(self.gone());
        self.born.min(self.last.saturating_sub(left))
    }

    /// Sessions that came and went.
    pub(crate) fn passed(&self) -> usize {
        self.passed_before + self.born - self.stayed()
    }
}

/// What tells the sessions of one pool of a pooler: its address, the role and the database.
pub(crate) type Pool = (Option<String>, Option<String>, Option<String>);

/// How often a session must have changed its application to be called a pooler's: applications that name themselves only
/// after the login do it once.
const HANDS: usize = 2;

/// A session that is known from a look before.
#[derive(Clone, Debug)]
struct Known {
    source: SessionSource,
    born: bool,
    /// How often it went from one named application to another.
    hands: usize,
}

/// Several looks at the same server, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// What each source did.
    pub(crate) sources: BTreeMap<SessionSource, Conduct>,
    /// The sessions of the last look.
    pub(crate) present: Vec<SampledSession>,
    /// The pools whose sessions were seen to go from application to application, and those applications.
    pub(crate) pools: BTreeMap<Pool, BTreeSet<SessionSource>>,
    /// Whether the server was away in between: all sessions are others since then.
    pub(crate) interrupted: bool,
    known: BTreeMap<SessionKey, Known>,
    looks: usize,
    /// The next look is the first since.
    resumes: bool,
}

impl Watched {
    /// Adds a look at all sessions.
    pub(crate) fn add(&mut self, sessions: Vec<SampledSession>) {
        let is_first = std::mem::take(&mut self.resumes) || self.looks == 0;
        self.meet(&sessions, !is_first);
        let mut now: BTreeMap<&SessionSource, (usize, usize)> = BTreeMap::new();
        for session in &sessions {
            let (all, busy) = now.entry(&session.source).or_default();
            *all += 1;
            *busy += usize::from(session.busy != Some(false));
        }
        for (source, conduct) in &mut self.sources {
            let (all, busy) = now.get(source).copied().unwrap_or_default();
            if is_first {
                conduct.first = all;
            }
            if self.looks == 0 {
                conduct.fewest = all;
            }
            conduct.last = all;
            conduct.fewest = conduct.fewest.min(all);
            conduct.busiest = conduct.busiest.max(busy);
        }
        let present: BTreeSet<SessionKey> = sessions.iter().map(|session| session.identity).collect();
        self.known.retain(|identity, _| present.contains(identity));
        self.present = sessions;
        self.looks += 1;
    }

    /// Whether there has been a look.
    pub(crate) const fn has_seen(&self) -> bool {
        self.looks > 0
    }

    /// Says that the server was away: who is there at the next look has come meanwhile, and was not seen to come.
    pub(crate) fn resume(&mut self) {
        for conduct in self.sources.values_mut() {
            (conduct.passed_before, conduct.born) = (conduct.passed(), 0);
        }
        self.known.clear();
        (self.interrupted, self.resumes) = (true, true);
    }

    /// Says that the last look was still one of the first half.
    pub(crate) fn still_first_half(&mut self) {
        self.sources.values_mut().for_each(|conduct| conduct.halfway = conduct.last);
    }

    /// Adds a look at sessions that have just come; those that are known already do not count again.
    pub(crate) fn add_arrivals(&mut self, sessions: &[SampledSession]) {
        self.meet(sessions, true);
    }

    fn meet(&mut self, sessions: &[SampledSession], born: bool) {
        for session in sessions {
            let conduct = self.sources.entry(session.source.clone()).or_default();
            if let Some(client) = &session.client {
                conduct.clients.entry(client.clone()).or_default();
            }
            match self.known.get_mut(&session.identity) {
                Some(known) if known.source != session.source => self.change_hands(session),
                Some(_) => {}
                None => {
                    let source = session.source.clone();
                    self.known.insert(session.identity, Known { source, born, hands: 0 });
                    if born {
                        conduct.born += 1;
                        let from = session.client.as_ref().and_then(|client| conduct.clients.get_mut(client));
                        from.into_iter().for_each(|count| *count += 1);
                    }
                }
            }
        }
    }

    /// A session that is another application's now. Its birth goes with it.
    fn change_hands(&mut self, session: &SampledSession) {
        let Some(known) = self.known.get_mut(&session.identity) else { return };
        let before = std::mem::replace(&mut known.source, session.source.clone());
        if known.born {
            for (source, change) in [(&before, -1), (&session.source, 1)] {
                if let Some(conduct) = self.sources.get_mut(source) {
                    conduct.born = conduct.born.saturating_add_signed(change);
                }
            }
        }
        if !before.application_name.is_empty() && !session.source.application_name.is_empty() {
            known.hands += 1;
        }
        if known.hands >= HANDS {
            let SampledSession { client, source, database, .. } = session;
            let pool = (client.clone(), source.role.clone(), database.clone());
            self.pools.entry(pool).or_default().extend([before, source.clone()]);
        }
    }
}

#[cfg(test)]
impl SampledSession {
    /// An idle session of this application and role, as tests watch it.
    pub(crate) fn idle(pid: i32, application: &str, role: &str) -> Self {
        let source = SessionSource { application_name: application.into(), role: Some(role.into()) };
        let client = Some("10.0.0.9".into());
        Self { identity: (pid, Some(1)), source, client, busy: Some(false), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, application: &str) -> SampledSession {
        SampledSession::idle(pid, application, "app")
    }

    fn conduct<'a>(watched: &'a Watched, application: &str) -> &'a Conduct {
        let found = watched.sources.iter().find(|(source, _)| source.application_name == application);
        found.unwrap().1
    }

    #[test]
    fn a_session_that_lives_between_two_looks_came_and_went() {
        let mut watched = Watched::default();
        watched.add(vec![session(1, "api")]);
        watched.add_arrivals(&[session(2, "job")]);
        watched.add_arrivals(&[session(2, "job"), session(3, "job")]);
        watched.add(vec![session(1, "api"), session(3, "job"), session(4, "api")]);
        let (job, api) = (conduct(&watched, "job"), conduct(&watched, "api"));
        assert_eq!((job.born, job.gone(), job.stayed(), job.passed()), (2, 1, 1, 1));
        assert_eq!((api.first, api.last, api.born, api.gone(), api.stayed()), (1, 2, 1, 0, 1));
        assert_eq!(job.clients["10.0.0.9"], 2);
        watched.add(vec![session(1, "api")]);
        assert_eq!((conduct(&watched, "job").passed(), conduct(&watched, "api").gone()), (2, 1));
    }

    #[test]
    fn who_comes_back_after_the_server_was_away_was_not_seen_to_come() {
        let mut watched = Watched::default();
        watched.add(vec![session(1, "api")]);
        watched.add_arrivals(&[session(2, "api"), session(4, "api")]);
        watched.add(vec![session(1, "api"), session(3, "api")]);
        watched.resume();
        watched.add(vec![session(7, "api"), session(8, "api")]);
        let api = conduct(&watched, "api");
        assert_eq!((api.first, api.last, api.born, api.passed()), (2, 2, 0, 1));
        watched.add_arrivals(&[session(9, "api"), session(10, "api"), session(11, "api")]);
        watched.add(vec![session(7, "api")]);
        assert_eq!(conduct(&watched, "api").passed(), 3);
    }

    #[test]
    fn a_session_that_gets_its_name_late_is_born_under_it_and_is_no_poolers() {
        let mut watched = Watched::default();
        watched.add(Vec::new());
        watched.add_arrivals(&[session(2, "driver")]);
        watched.add(vec![session(2, "api")]);
        assert_eq!((conduct(&watched, "driver").born, conduct(&watched, "api").born), (0, 1));
        assert!(watched.pools.is_empty());
        watched.add(vec![session(2, "batch")]);
        let (pool, sources) = watched.pools.iter().next().unwrap();
        assert_eq!(pool, &(Some("10.0.0.9".into()), Some("app".into()), None));
        assert_eq!(
            sources.iter().map(|source| source.application_name.as_str()).collect::<Vec<_>>(),
            ["api", "batch"]
        );
    }
}
