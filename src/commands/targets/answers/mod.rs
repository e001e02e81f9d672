//! What several servers answered, in every form.

mod document;
mod table;

#[cfg(test)]
pub(in crate::commands) use document::{Document, Unanswered};

use std::io;

use anyhow::Result;
use tokio::time::Instant;

use crate::commands::shown::Shown;
use crate::commands::watch::local_time::Zone;
use crate::commands::{Command, Context};
use crate::conninfo::TargetSpec;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::metric::Family;
use crate::model::order;
use crate::model::server::Target;
use crate::render::table::Mark;
use crate::render::{Format, Headline, Warning, prometheus, text, tsv};

/// What one server answered, or why it did not.
pub(super) struct Answer {
    /// The result; an unreachable server can have one, too.
    shown: Option<Shown>,
    /// Why it could not be asked.
    failure: Option<Failure>,
    at: Instant,
}

impl Answer {
    /// Of what a run found.
    pub(super) fn of(found: Result<Shown, Failure>) -> Self {
        let at = Instant::now();
        match found {
            Ok(shown) => Self { failure: shown.unanswered.clone(), shown: Some(shown), at },
            Err(failure) => Self { failure: Some(failure.without_secrets()), shown: None, at },
        }
    }

    /// The mark, and the line behind the server's name.
    fn headline(&self) -> Headline {
        match (&self.failure, &self.shown) {
            (Some(failure), _) => {
                Headline { mark: Mark::Bad, text: format!("! {}: {}", failure.code, failure.message) }
            }
            (None, Some(shown)) => shown.report.headline(),
            (None, None) => Headline { mark: Mark::Plain, text: String::new() },
        }
    }

    /// The worst first.
    fn rank(&self) -> u8 {
        match (self.failure.is_some(), self.headline().mark) {
            (true, _) => 0,
            (false, Mark::Bad) => 1,
            (false, Mark::Warn) => 2,
            (false, Mark::Plain | Mark::Dim | Mark::Good) => 3,
        }
    }
}

/// What all servers of a list answered, a place for each.
pub(super) struct Answers<'a> {
    kind: &'static str,
    /// Whether each exit code is a verdict.
    judges: bool,
    specs: Vec<TargetSpec>,
    /// Where each is looked for; none when its settings are wrong.
    aims: Vec<Option<Target>>,
    answers: Vec<Option<Answer>>,
    warnings: Vec<Warning>,
    context: &'a Context,
    /// Whether something was written already.
    has_written: bool,
    /// What the line above a watch is told in.
    zone: Zone,
}

impl<'a> Answers<'a> {
    /// None yet, of `command` on these servers; `warnings` are about their list.
    pub(super) fn new(
        command: &Command,
        specs: Vec<TargetSpec>,
        aims: Vec<Option<Target>>,
        warnings: Vec<Warning>,
        context: &'a Context,
    ) -> Self {
        let answers = specs.iter().map(|_| None).collect();
        let judges = command.judges_all();
        Self {
            kind: command.kind(),
            judges,
            specs,
            aims,
            answers,
            warnings,
            context,
            has_written: false,
            zone: Zone::local(),
        }
    }

    /// How many servers there are.
    pub(super) const fn count(&self) -> usize {
        self.specs.len()
    }

    /// Takes an answer; where each is a document of its own, writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn take(&mut self, place: usize, answer: Answer) -> io::Result<()> {
        let watched = self.context.flags.watch.is_some();
        let at_once = match self.context.format() {
            Format::Ndjson => true,
            Format::Json | Format::Tsv | Format::Prometheus => watched,
            Format::Table | Format::Nagios => false,
        };
        let Some(kept) = self.answers.get_mut(place) else { return Ok(()) };
        *kept = Some(answer);
        if !at_once {
            return Ok(());
        }
        match self.context.format() {
            Format::Json | Format::Ndjson => {
                let mut line = Vec::new();
                self.write_document(place, false, &mut line)?;
                self.context.write(|out| out.write_all(&line))
            }
            _ => self.write_rows(&[place]),
        }
    }

    /// Writes what there is, and says how the run ends.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn show(mut self) -> Result<Exit> {
        for warning in &self.warnings {
            self.context.ui.warning(warning);
        }
        let exit = self.exit();
        match self.context.format() {
            // Written as they came.
            Format::Ndjson => {}
            Format::Json => self.write_all(exit)?,
            Format::Tsv | Format::Prometheus | Format::Nagios => {
                let places: Vec<usize> = (0..self.count()).collect();
                self.write_rows(&places)?;
            }
            Format::Table => self.write_table()?,
        }
        Ok(exit)
    }

    fn answered(&self) -> usize {
        self.answers.iter().flatten().filter(|answer| answer.failure.is_none()).count()
    }

    /// Of verdicts the worst; else whether all, some or none could be asked.
    fn exit(&self) -> Exit {
        if self.judges {
            let verdict = |answer: &Answer| match (&answer.shown, &answer.failure) {
                (Some(shown), _) => shown.exit.code(),
                (None, Some(failure)) => failure.exit.as_verdict().code(),
                (None, None) => 3,
            };
            let worst = [2, 1, 3]
                .into_iter()
                .find(|code| self.answers.iter().any(|answer| answer.as_ref().map_or(3, verdict) == *code));
            return Exit::Code(worst.unwrap_or(0));
        }
        match self.answered() {
            all if all == self.count() => Exit::Done,
            0 => Exit::NoConnection,
            _ => Exit::Partly,
        }
    }

    /// The places, the worst first, else in the order of the list.
    fn worst_first(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.count()).collect();
        let rank = |place: &usize| match self.answers.get(*place) {
            Some(Some(answer)) => answer.rank(),
            _ => 0,
        };
        order::sort_by_key(&mut places, rank);
        places
    }

    fn at(&self, place: usize) -> Option<(&TargetSpec, &Answer)> {
        self.specs.get(place).zip(self.answers.get(place)?.as_ref())
    }

    /// `40 servers: 2 did not answer (db3, db7); worst: db1`.
    fn message(&self) -> String {
        let all = text::count(i64::try_from(self.count()).unwrap_or(i64::MAX), "server");
        let named = |ranks: &[u8]| -> Vec<&str> {
            let is_one =
                |place: &usize| self.at(*place).is_some_and(|(_, answer)| ranks.contains(&answer.rank()));
            let places = (0..self.count()).filter(is_one);
            places.filter_map(|place| Some(self.specs.get(place)?.name.as_str())).collect()
        };
        let parts = [("not answered", named(&[0])), ("bad", named(&[1])), ("to look at", named(&[2]))];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts
            .map(|(word, names)| format!("{} {word} ({})", names.len(), super::list::some(&names)))
            .collect();
        if parts.is_empty() { format!("{all} answered") } else { format!("{all}: {}", parts.join(", ")) }
    }

    /// Rows, with the name of the server before each; of metrics the families of all servers, with its label.
    fn write_rows(&mut self, places: &[usize]) -> io::Result<()> {
        let mut text = Vec::new();
        let mut families: Vec<Family> = Vec::new();
        for place in places {
            let Some((spec, answer)) = self.at(*place) else { continue };
            if let Some(failure) = &answer.failure {
                let message = format!("{}: {}", spec.name, failure.message);
                self.context.ui.failure(&Failure { message, ..failure.clone() });
            }
            let Some(shown) = &answer.shown else { continue };
            if self.context.format() == Format::Prometheus {
                merge(&mut families, shown.report.families(), &spec.name);
                continue;
            }
            let mut rows = Vec::new();
            shown.report.tsv().write(&mut rows)?;
            let name = tsv::escaped(&spec.name);
            for (at, row) in rows.split_inclusive(|byte| *byte == b'\n').enumerate() {
                match at {
                    0 if self.has_written || !text.is_empty() => continue,
                    0 => text.extend_from_slice(b"server"),
                    _ => text.extend_from_slice(name.as_bytes()),
                }
                text.push(b'\t');
                text.extend_from_slice(row);
            }
        }
        self.has_written |= !text.is_empty();
        prometheus::write(&families, &mut text)?;
        self.context.write(|out| out.write_all(&text))
    }
}

/// Adds the families of one more server, each series with the label that tells it from the others'.
fn merge(families: &mut Vec<Family>, more: &[Family], name: &str) {
    for family in more {
        let mut samples = family.samples.clone();
        for sample in &mut samples {
            sample.labels.insert("target", name);
        }
        match families.iter_mut().find(|known| known.name == family.name) {
            Some(known) => known.samples.extend(samples),
            None => families.push(Family { samples, ..family.clone() }),
        }
    }
}
