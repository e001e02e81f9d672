//! Looks: questions that change nothing. One that is asked again on the same session, by a live screen or an endpoint, is
//! prepared there, because planning it costs the server as much as answering it for a few dozen sessions.
//!
//! Only where the session is the server's own and no pooler's: there it would stay behind for others, or be missing.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::error::SqlState;

use super::error::Error;

/// What is shorter is planned in no time.
const WORTH_IT: usize = 1_000;
/// The most statements that one session keeps prepared; each takes some hundred kB of the server's memory.
const MOST_PREPARED: usize = 16;
/// How many questions are remembered that were asked once.
const MOST_REMEMBERED: usize = 64;

/// The questions of one session that were asked before, each by the hash of its text.
#[derive(Debug, Default)]
pub(super) struct Repeated(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether statements may be prepared; none before that is known.
    allowed: Option<bool>,
    /// Something was asked: the first questions of a session are not remembered, for most sessions have no others.
    begun: bool,
    /// Those that were asked once since, the latest last.
    once: VecDeque<u64>,
    /// Those that are prepared, the one used latest last.
    prepared: VecDeque<u64>,
}

/// Statements that ask some questions.
#[derive(Debug)]
pub(super) struct Worded {
    pub(super) statements: Vec<String>,
    /// Those of them that are being prepared.
    pub(super) preparing: Vec<u64>,
    /// Something is asked by its name.
    pub(super) by_name: bool,
}

impl Repeated {
    /// Whether it matters by now if statements may be prepared, and that is not known.
    pub(super) fn is_to_be_found_out(&self, questions: &[String]) -> bool {
        let state = self.state();
        state.allowed.is_none()
            && !state.once.is_empty()
            && questions.iter().any(|question| state.once.contains(&hash_of(question)))
    }

    /// Says whether statements may be prepared.
    pub(super) fn allow(&self, allowed: bool) {
        self.state().allowed = Some(allowed);
    }

    /// The questions as they are to be asked.
    pub(super) fn worded(&self, questions: &[String]) -> Worded {
        self.state().worded(questions)
    }

    /// Says that what was to be prepared is.
    pub(super) fn are_prepared(&self, hashes: Vec<u64>) {
        self.state().prepared.extend(hashes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The questions as they are to be asked.
    fn worded(&mut self, questions: &[String]) -> Worded {
        let mut worded = Worded { statements: Vec::new(), preparing: Vec::new(), by_name: false };
        if !std::mem::replace(&mut self.begun, true) {
            worded.statements.extend_from_slice(questions);
            return worded;
        }
        for question in questions {
            let hash = hash_of(question);
            if self.allowed == Some(false) || question.len() < WORTH_IT {
                worded.statements.push(question.clone());
            } else if take(&mut self.prepared, hash) {
                self.prepared.push_back(hash);
                worded.by_name = true;
                worded.statements.push(format!("execute {}", name(hash)));
            } else if self.allowed == Some(true) && take(&mut self.once, hash) {
                if self.prepared.len() + worded.preparing.len() >= MOST_PREPARED
                    && let Some(oldest) = self.prepared.pop_front()
                {
                    worded.statements.push(format!("deallocate {}", name(oldest)));
                }
                worded.by_name = true;
                worded.preparing.push(hash);
                worded.statements.push(format!("prepare {} as\n{question}", name(hash)));
                worded.statements.push(format!("execute {}", name(hash)));
            } else {
                if !self.once.contains(&hash) {
                    self.once.push_back(hash);
                }
                if self.once.len() > MOST_REMEMBERED {
                    self.once.pop_front();
                }
                worded.statements.push(question.clone());
            }
        }
        worded
    }
}

/// Takes it out, if it is there.
fn take(hashes: &mut VecDeque<u64>, hash: u64) -> bool {
    let place = hashes.iter().position(|known| *known == hash);
    place.and_then(|place| hashes.remove(place)).is_some()
}

fn hash_of(question: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    question.hash(&mut hasher);
    hasher.finish()
}

/// The name of a prepared statement: what has the same name is the same, whoever prepared it.
fn name(hash: u64) -> String {
    format!("pgconn_{hash:016x}")
}

/// Whether the server has no statement of that name, or already has, or cannot use it any more.
pub(super) fn is_about_a_name(error: &Error) -> bool {
    let codes = [
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    codes.iter().any(|code| error.sqlstate.as_deref() == Some(code.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn question(number: usize) -> String {
        format!("select {number}{}", " ".repeat(WORTH_IT))
    }

    /// A session: its statements by name.
    type Session = HashMap<String, String>;

    /// What the server makes of a statement: the question that is answered, if it is one.
    fn answered(session: &mut Session, statement: &str) -> Result<Option<String>, String> {
        if let Some((name, text)) =
            statement.strip_prefix("prepare ").and_then(|rest| rest.split_once(" as\n"))
        {
            return match session.insert(name.to_owned(), text.to_owned()) {
                None => Ok(None),
                Some(_) => Err(format!("{name} is there")),
            };
        }
        if let Some(name) = statement.strip_prefix("deallocate ") {
            return session.remove(name).map(|_| None).ok_or(format!("{name} is not there"));
        }
        match statement.strip_prefix("execute ") {
            Some(name) => session.get(name).cloned().map(Some).ok_or(format!("{name} is not there")),
            None => Ok(Some(statement.to_owned())),
        }
    }

    proptest! {
        #[test]
        fn each_question_is_answered_and_few_are_kept(
            looks in prop::collection::vec(prop::collection::hash_set(0_usize..40, 1..4), 1..200),
        ) {
            let (repeated, mut session) = (Repeated::default(), Session::new());
            for look in looks {
                let questions: Vec<String> = look.into_iter().map(question).collect();
                if repeated.is_to_be_found_out(&questions) {
                    repeated.allow(true);
                }
                let worded = repeated.worded(&questions);
                let mut answers = Vec::new();
                for statement in &worded.statements {
                    answers.extend(answered(&mut session, statement).map_err(TestCaseError::fail)?);
                }
                repeated.are_prepared(worded.preparing);
                prop_assert_eq!(answers, questions);
                prop_assert!(session.len() <= MOST_PREPARED);
            }
        }
    }

    #[test]
    fn what_comes_again_is_prepared_and_nothing_where_that_may_not_be() {
        for allowed in [true, false] {
            let repeated = Repeated::default();
            let questions = [question(1), "select 1".to_owned()];
            for _ in 0..2 {
                let first = repeated.worded(&questions);
                assert!(first.statements == questions && !first.by_name);
            }
            assert!(repeated.is_to_be_found_out(&questions));
            repeated.allow(allowed);
            let third = repeated.worded(&questions);
            assert_eq!((third.by_name, third.statements.len()), (allowed, if allowed { 3 } else { 2 }));
            repeated.are_prepared(third.preparing);
            let fourth = repeated.worded(&questions);
            assert_eq!(fourth.statements[0].starts_with("execute "), allowed);
            assert_eq!((fourth.statements.len(), &fourth.statements[1]), (2, &questions[1]));
        }
    }
}
