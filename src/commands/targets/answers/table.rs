//! What people see of several servers: a line for each, or each in whole.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Answers;
use crate::commands::watch::keys::HELD;
use crate::conninfo::TargetSpec;
use crate::render::columns::Column;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{self, Format, Headline, Warning, text};

/// A line of the table.
struct Row {
    mark: Mark,
    name: String,
    text: String,
}

const COLUMNS: &[Column<Row>] = &[
    Column::table("SERVER", Align::Left, |row| (&row.name).into()),
    Column::table("FOUND", Align::Told, |row| (&row.text).into()),
];

impl Answers<'_> {
    pub(super) fn write_table(&self) -> io::Result<()> {
        let nothing = self.answers.iter().flatten().all(|answer| {
            answer.failure.is_none() && answer.shown.as_ref().is_some_and(|shown| shown.silent)
        });
        if nothing {
            return Ok(());
        }
        let look = self.context.output.borrow().look();
        self.say_warnings();
        let blocks = self.blocks(None);
        self.context.write(|out| render::table::write(&blocks, look, out))?;
        let mut said: Vec<&str> = Vec::new();
        for (spec, answer) in (0..self.count()).filter_map(|place| self.at(place)) {
            let hint = answer.failure.as_ref().and_then(|failure| failure.hint.as_deref());
            if let Some(hint) = hint.filter(|hint| !said.contains(hint)) {
                self.context.ui.hint(&format!("{}: {hint}", spec.name));
                said.push(hint);
            }
        }
        Ok(())
    }

    /// Says each warning once, with the servers that it is about.
    fn say_warnings(&self) {
        let mut said: Vec<(&Warning, Vec<&str>)> = Vec::new();
        for (spec, answer) in (0..self.count()).filter_map(|place| self.at(place)) {
            let Some(shown) = answer.shown.as_ref().filter(|_| answer.failure.is_none()) else { continue };
            for warning in &shown.head.warnings {
                match said.iter_mut().find(|(known, _)| known.message == warning.message) {
                    Some((_, names)) => names.push(&spec.name),
                    None => said.push((warning, vec![&spec.name])),
                }
            }
        }
        for (warning, names) in said {
            let message = format!("{}: {}", super::super::list::some(&names), warning.message);
            self.context.ui.warning(&Warning { message, ..warning.clone() });
        }
    }

    /// The human form; with `every`, of a watch, in which an answer can be old.
    fn blocks(&self, every: Option<Duration>) -> Vec<Block<'_>> {
        let places = self.worst_first();
        let mut blocks = Vec::new();
        if self.context.flags.full {
            for (spec, answer) in places.iter().filter_map(|place| self.at(*place)) {
                let Headline { mark, text } = answer.headline();
                blocks.push(Block::marked(mark, format!("== {}", shown_name(spec))));
                match &answer.shown {
                    Some(shown) if answer.failure.is_none() => {
                        blocks.extend(shown.report.blocks(&shown.head));
                        let hints = shown.hints.iter().map(|hint| Block::line(format!("hint: {hint}")));
                        blocks.extend(hints);
                    }
                    _ => blocks.push(Block::marked(mark, text)),
                }
                blocks.push(Block::Gap);
            }
        } else {
            let is_news = |place: &&usize| {
                self.at(**place)
                    .is_none_or(|(_, answer)| !answer.shown.as_ref().is_some_and(|shown| shown.silent))
            };
            let rows = places.iter().filter(is_news).filter_map(|place| self.row(*place, every));
            blocks.extend([Block::Table(Table::of(COLUMNS, rows, |row| row.mark)), Block::Gap]);
        }
        blocks.push(Block::marked(Mark::Dim, self.message()));
        blocks
    }

    fn row(&self, place: usize, every: Option<Duration>) -> Option<Row> {
        let name = shown_name(self.specs.get(place)?);
        let Some((_, answer)) = self.at(place) else {
            return Some(Row { mark: Mark::Dim, name, text: "not asked yet".into() });
        };
        let Headline { mark, text } = answer.headline();
        let age = answer.at.elapsed();
        if every.is_some_and(|every| age > old_after(every)) {
            let old = format!("! {} old: {text}", text::duration(age.as_secs_f64()));
            return Some(Row { mark: Mark::Bad, name, text: old });
        }
        Some(Row { mark, name, text })
    }

    /// Whether an answer has become old.
    pub(in crate::commands) fn grow_old(&self, every: Duration) -> bool {
        self.answers.iter().flatten().any(|answer| answer.at.elapsed() > old_after(every))
    }

    /// Shows what is known by now, where it is shown as a whole; `is_held` says that it stays as it is until a key lets it go.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(in crate::commands) fn draw(&mut self, every: Duration, is_held: bool) -> io::Result<()> {
        if self.context.format() != Format::Table {
            return Ok(());
        }
        let now = SystemTime::now();
        let clock = match self.context.output.borrow().is_screen() {
            true => self.zone.time_of_day(now),
            false => humantime::format_rfc3339_seconds(now).to_string(),
        };
        let held = if is_held { HELD } else { "" };
        let heading = format!("every {}  {clock}{held}", text::duration(every.as_secs_f64()));
        let mut blocks = vec![Block::marked(Mark::Dim, heading), Block::Gap];
        blocks.extend(self.blocks(Some(every)));
        let mut output = self.context.output.borrow_mut();
        if output.is_screen() {
            return output.draw(Arc::new(blocks.into_iter().map(Block::into_owned).collect()));
        }
        let (look, appends) = (output.look(), output.appends() && self.has_written);
        output.with(&mut |out| {
            out.write_all(if appends { b"\n" } else { b"" })?;
            render::table::write(&blocks, look, out)
        })?;
        drop(output);
        drop(blocks);
        self.has_written = true;
        Ok(())
    }

    /// Ends the watch: the terminal is as it was.
    pub(in crate::commands) fn leave(&self) {
        self.context.output.borrow_mut().leave_screen();
    }
}

/// How old an answer is at least when its age is shown.
fn old_after(every: Duration) -> Duration {
    (2 * every).max(Duration::from_secs(1)) + Duration::from_millis(500)
}

fn shown_name(spec: &TargetSpec) -> String {
    if spec.production { format!("{} (production)", spec.name) } else { spec.name.clone() }
}
