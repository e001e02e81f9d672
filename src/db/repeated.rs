//! Questions that are asked again on the same session, by a live screen or an endpoint: they are prepared there, because planning one
//! costs the server as much as answering it for a few dozen sessions.
//!
//! Only where the session is the server's own as far as can be told: through a pooler a statement would stay behind for others, or be
//! missing. Its name tells its text, so that nobody is ever answered another question; and who is told that there is no such
//! statement, or that there already is, asks in full from then on.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::error::SqlState;

use super::error::Error;

/// What is shorter is planned in no time.
const WORTH_IT: usize = 1_000;
/// The most statements that one session keeps prepared; each takes some hundred kB of the server's memory.
const MOST_PREPARED: usize = 16;
/// How many questions are remembered that are not prepared.
const MOST_REMEMBERED: usize = 64;

/// The questions of one session that were asked before.
#[derive(Debug, Default)]
pub(super) struct Repeated(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether statements may be prepared; none before that is known.
    allowed: Option<bool>,
    /// Something was asked: the first questions of a session are not remembered, for most sessions have no others.
    begun: bool,
    /// Those that were asked once since, each by the hash of its text, the latest last.
    once: VecDeque<u64>,
    /// Those that failed while they were prepared; they are asked in full.
    unfit: VecDeque<u64>,
    /// Those that are prepared, the one used latest last.
    prepared: VecDeque<Statement>,
    /// How many statements have been prepared, which makes their names differ.
    count: u64,
    /// How many the server may have that nobody asks by their names any more.
    left: usize,
}

/// A prepared statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Statement {
    /// Of its text.
    hash: u64,
    number: u64,
}

impl Statement {
    fn name(self) -> String {
        format!("pgconn_{:016x}_{}", self.hash, self.number)
    }

    /// Asks by its name, with the values of its parameters.
    fn execute(self, lists: &[&str]) -> String {
        let values = if lists.is_empty() { String::new() } else { format!(" ({})", lists.join(", ")) };
        format!("execute {}{values}", self.name())
    }
}

/// How some questions are asked.
#[derive(Debug, Default)]
pub(super) struct Worded {
    pub(super) statements: Vec<String>,
    /// Something is asked by a name.
    by_name: bool,
    /// Those of them that are being prepared.
    preparing: Vec<Statement>,
    /// How many prepared ones are given up.
    given_up: usize,
}

impl Repeated {
    /// Whether it matters by now if statements may be prepared, and that is not known.
    pub(super) fn is_to_be_found_out(&self, questions: &[String]) -> bool {
        let state = self.state();
        state.allowed.is_none()
            && !state.once.is_empty()
            && questions.iter().any(|question| state.once.contains(&Template::of(question).hash()))
    }

    /// Says whether statements may be prepared.
    pub(super) fn allow(&self, allowed: bool) {
        self.state().allowed = Some(allowed);
    }

    /// The questions as they are to be asked by name; none where all are asked in full.
    pub(super) fn worded(&self, questions: &[String]) -> Option<Worded> {
        self.state().worded(questions)
    }

    /// Says that they were answered.
    pub(super) fn answered(&self, worded: Worded) {
        self.state().prepared.extend(worded.preparing);
    }

    /// Says that the server refused something of it: what of it was prepared by then is not known.
    pub(super) fn refused(&self, worded: &Worded) {
        let mut state = self.state();
        state.left += worded.preparing.len() + worded.given_up;
        for statement in &worded.preparing {
            remember(&mut state.unfit, statement.hash);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn worded(&mut self, questions: &[String]) -> Option<Worded> {
        if !std::mem::replace(&mut self.begun, true) || self.allowed == Some(false) {
            return None;
        }
        let mut worded = Worded::default();
        for question in questions {
            self.word(question, &mut worded);
        }
        worded.by_name.then_some(worded)
    }

    fn word(&mut self, question: &str, worded: &mut Worded) {
        if question.len() < WORTH_IT {
            worded.statements.push(question.to_owned());
            return;
        }
        let template = Template::of(question);
        let hash = template.hash();
        if let Some(place) = self.prepared.iter().position(|statement| statement.hash == hash)
            && let Some(statement) = self.prepared.remove(place)
        {
            self.prepared.push_back(statement);
            worded.by_name = true;
            worded.statements.push(statement.execute(&template.lists));
        } else if self.allowed == Some(true) && self.once.contains(&hash) && self.makes_room(worded) {
            self.once.retain(|known| *known != hash);
            self.count += 1;
            let statement = Statement { hash, number: self.count };
            worded.by_name = true;
            worded.preparing.push(statement);
            worded.statements.push(template.prepare(&statement.name()));
            worded.statements.push(statement.execute(&template.lists));
        } else {
            if !self.unfit.contains(&hash) {
                remember(&mut self.once, hash);
            }
            worded.statements.push(question.to_owned());
        }
    }

    /// Gives one up for one more where there are as many as there may be. False where that cannot be.
    fn makes_room(&mut self, worded: &mut Worded) -> bool {
        if self.prepared.len() + worded.preparing.len() + self.left < MOST_PREPARED {
            return true;
        }
        let Some(oldest) = self.prepared.pop_front() else { return false };
        worded.given_up += 1;
        worded.statements.push(format!("deallocate {}", oldest.name()));
        true
    }
}

/// A question without its lists of process ids: they are other ones at each look, and are no part of what is planned.
#[derive(Debug, Default, PartialEq, Eq)]
struct Template<'a> {
    /// What stands before each list, and behind the last.
    pieces: Vec<&'a str>,
    lists: Vec<&'a str>,
}

impl<'a> Template<'a> {
    fn of(question: &'a str) -> Self {
        const BEGIN: &str = "array[";
        const END: &str = "]::int4[]";
        let (mut template, mut taken) = (Self::default(), 0);
        for (bracket, _) in question.match_indices('[') {
            let (before, body) = question.split_at(bracket + 1);
            let is_number = |character: char| character.is_ascii_digit() || character == ',';
            let after = body.trim_start_matches(is_number);
            let length = body.len() - after.len();
            if length == 0 || !before.ends_with(BEGIN) || !after.starts_with(END) {
                continue;
            }
            let (start, end) = (before.len() - BEGIN.len(), before.len() + length + END.len());
            // Within a literal there is an odd number of quotes before it, as sql::literal writes them.
            let quotes = before.bytes().filter(|byte| *byte == b'\'').count();
            if quotes.is_multiple_of(2) {
                template.pieces.push(question.get(taken..start).unwrap_or_default());
                template.lists.push(question.get(start..end).unwrap_or_default());
                taken = end;
            }
        }
        template.pieces.push(question.get(taken..).unwrap_or_default());
        template
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.pieces.hash(&mut hasher);
        hasher.finish()
    }

    /// With `$1` for the first list, and so on.
    fn prepare(&self, name: &str) -> String {
        let types = vec!["int4[]"; self.lists.len()].join(", ");
        let types = if types.is_empty() { types } else { format!(" ({types})") };
        let mut text = format!("prepare {name}{types} as\n");
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                let _ = write!(text, "${place}");
            }
            text.push_str(piece);
        }
        text
    }
}

/// Adds it, unless it is there; the oldest makes room.
fn remember(hashes: &mut VecDeque<u64>, hash: u64) {
    if hashes.contains(&hash) {
        return;
    }
    hashes.push_back(hash);
    if hashes.len() > MOST_REMEMBERED {
        hashes.pop_front();
    }
}

/// Whether the server has no statement of that name, or already has, or cannot use one any more that it has had.
pub(super) fn is_about_a_name(error: &Error, worded: &Worded) -> bool {
    let is = |code: SqlState| error.sqlstate.as_deref() == Some(code.code());
    is(SqlState::INVALID_SQL_STATEMENT_NAME)
        || is(SqlState::DUPLICATE_PSTATEMENT)
        || (is(SqlState::FEATURE_NOT_SUPPORTED) && worded.preparing.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn question(number: usize, pids: &[i32]) -> String {
        let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
        format!("select {number} where array[{}]::int4[]{}", pids.join(","), " ".repeat(WORTH_IT))
    }

    /// A session: its statements by name.
    type Session = HashMap<String, String>;

    /// What the server makes of a statement: the question that is answered, if it is one.
    fn answered(session: &mut Session, statement: &str) -> Result<Option<String>, String> {
        if let Some((head, text)) =
            statement.strip_prefix("prepare ").and_then(|rest| rest.split_once(" as\n"))
        {
            let name = head.split(' ').next().unwrap().to_owned();
            return match session.insert(name, text.to_owned()) {
                None => Ok(None),
                Some(_) => Err(format!("{head} is there")),
            };
        }
        if let Some(name) = statement.strip_prefix("deallocate ") {
            return session.remove(name).map(|_| None).ok_or(format!("{name} is not there"));
        }
        let Some(call) = statement.strip_prefix("execute ") else { return Ok(Some(statement.to_owned())) };
        let (name, values) = call.split_once(" (").unwrap_or((call, ""));
        let text = session.get(name).ok_or(format!("{name} is not there"))?;
        Ok(Some(text.replace("$1", values.trim_end_matches(')'))))
    }

    proptest! {
        #[test]
        fn each_question_is_answered_and_few_are_kept_whatever_fails(
            looks in prop::collection::vec(
                (prop::collection::hash_map(0_usize..40, prop::collection::vec(1_i32..9, 0..3), 1..4), 0_usize..40),
                1..200,
            ),
        ) {
            let (repeated, mut session) = (Repeated::default(), Session::new());
            for (look, fails_at) in looks {
                let questions: Vec<String> =
                    look.iter().map(|(number, pids)| question(*number, pids)).collect();
                if repeated.is_to_be_found_out(&questions) {
                    repeated.allow(true);
                }
                let Some(worded) = repeated.worded(&questions) else { continue };
                let mut answers = Vec::new();
                let until = worded.statements.len().min(fails_at);
                for statement in &worded.statements[..until] {
                    answers.extend(answered(&mut session, statement).map_err(TestCaseError::fail)?);
                }
                prop_assert!(session.len() <= MOST_PREPARED, "{}", session.len());
                if until == worded.statements.len() {
                    prop_assert_eq!(answers, questions);
                    repeated.answered(worded);
                } else {
                    repeated.refused(&worded);
                }
            }
        }
    }

    #[test]
    fn what_comes_again_is_prepared_and_nothing_where_that_may_not_be() {
        for allowed in [true, false] {
            let repeated = Repeated::default();
            let questions = |pids: &[i32]| [question(1, pids), "select 1".to_owned()];
            for pids in [&[1][..], &[2]] {
                assert!(repeated.worded(&questions(pids)).is_none());
            }
            assert!(repeated.is_to_be_found_out(&questions(&[3, 4])));
            repeated.allow(allowed);
            let third = repeated.worded(&questions(&[3, 4]));
            assert_eq!(third.is_some(), allowed);
            let Some(third) = third else { continue };
            assert_eq!(third.statements.len(), 3);
            repeated.answered(third);
            let fourth = repeated.worded(&questions(&[5])).unwrap().statements;
            assert!(fourth[0].starts_with("execute ") && fourth[0].ends_with("_1 (array[5]::int4[])"));
            assert_eq!((fourth.len(), fourth[1].as_str()), (2, "select 1"));
        }
    }

    #[test]
    fn what_fails_while_it_is_prepared_is_asked_in_full() {
        let repeated = Repeated::default();
        let questions = [question(1, &[])];
        repeated.allow(true);
        for look in 0..9 {
            let worded = repeated.worded(&questions);
            assert_eq!(worded.is_some(), look == 2, "look {look}");
            worded.iter().for_each(|worded| repeated.refused(worded));
        }
    }

    #[test]
    fn lists_of_pids_are_no_part_of_a_question_but_within_a_text() {
        let template =
            Template::of("a array[1,22]::int4[] b array[]::int4[] array[x]::int4[] array[3]::int4[]");
        assert_eq!(template.pieces, ["a ", " b array[]::int4[] array[x]::int4[] ", ""]);
        assert_eq!(template.lists, ["array[1,22]::int4[]", "array[3]::int4[]"]);
        let prepared = "prepare x (int4[], int4[]) as\na $1 b array[]::int4[] array[x]::int4[] $2";
        assert_eq!(template.prepare("x"), prepared);
        for text in ["it's array[1]::int4[]", "a\\' array[1]::int4[]", "'", "\n array[1]::int4[]"] {
            let question = format!("select {}, array[2]::int4[]", crate::db::sql::literal(text));
            assert_eq!(Template::of(&question).lists, ["array[2]::int4[]"], "{question}");
        }
    }
}
