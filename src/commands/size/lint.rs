//! `size --lint FILE`: what is wrong or dangerous in a configuration that exists.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::args::Args;
use crate::analyze::sizing::{FigureSource, SizeRequest, budget};
use crate::commands::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::poolconf::lint::{self, Against, ConfigFormat, LintFinding, Severity};
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, tsv};

/// Judges the file; any error in it makes the exit code 1.
pub(super) fn run(
    path: &Path,
    args: &Args,
    request: &SizeRequest,
    head: &Head,
    context: &mut Context,
) -> Result<Exit> {
    let bytes = super::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let against = against(args, request)?;
    let (format, findings) = lint::lint(&text, &against).ok_or_else(|| {
        Failure::failed(format!("{} is neither a pgbouncer.ini nor holds a connection URL", path.display()))
            .hinted("a pgbouncer.ini has a section [databases] or [pgbouncer]; a URL starts with postgres://")
    })?;
    let worst = findings.iter().map(|finding| finding.severity).min();
    let report = Lint { file: path.display().to_string(), format, usable: against.usable, findings };
    context.emit(&report, head)?;
    Ok(if worst == Some(Severity::Error) { Exit::Failed } else { Exit::Done })
}

/// The slots to hold the file against, from the same inputs that a plan has.
fn against(args: &Args, request: &SizeRequest) -> Result<Against, Failure> {
    let (max_connections, slots) = (request.max_connections.value, request.reserved_slots.value);
    let budget =
        budget(max_connections, request.reserve_percent.value, slots).map_err(super::request::refused)?;
    Ok(Against {
        usable: max_connections.saturating_sub(slots),
        budget: budget.budget,
        pools: super::request::pools(request),
        pooler_processes: request.pooler_processes.value,
        users: Some(request.pooler_pairs)
            .filter(|pairs| pairs.source == FigureSource::Given)
            .map(|pairs| pairs.value),
        version: args.configuration.pgbouncer_version,
    })
}

/// The answer of `size --lint`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Lint {
    /// The file, as named.
    file: String,
    /// What it was taken for.
    format: ConfigFormat,
    /// Slots that ordinary roles can take, which it was held against.
    usable: u64,
    /// What was found, in order of lines.
    findings: Vec<LintFinding>,
}

impl Report for Lint {
    fn kind(&self) -> &'static str {
        "size_lint"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("findings", &self.findings)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        if self.findings.is_empty() {
            return vec![Block::marked(Mark::Good, format!("{}: nothing found", self.file))];
        }
        // The rows are lines of their own: a terminal wraps them, and would cut those of a table.
        let header = Table::of(COLUMNS, None::<&LintFinding>, |_| Mark::Plain);
        let rows = self.findings.iter().map(|finding| {
            let mark = match finding.severity {
                Severity::Error => Mark::Bad,
                Severity::Warning => Mark::Warn,
                Severity::Note => Mark::Plain,
            };
            let hint = finding.hint.as_ref().map(|hint| format!(" → {hint}")).unwrap_or_default();
            let line = finding.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
            let word = finding.severity.word();
            Block::marked(mark, format!("{line:>4}  {word:<8}  {}{hint}", finding.message))
        });
        std::iter::once(Block::Table(header)).chain(rows).collect()
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.findings)
    }
}

/// What is told of each finding.
const COLUMNS: &[Column<LintFinding>] = &[
    Column::new("LINE", Align::Right, "line", |finding| {
        finding.line.map(|line| i64::try_from(line).unwrap_or(i64::MAX)).into()
    }),
    Column::new("SEVERITY", Align::Left, "severity", |finding| finding.severity.word().into()),
    Column::script("code", |finding| finding.code.into()),
    Column::new("FINDING", Align::Left, "message", |finding| (&finding.message).into()),
    Column::script("hint", |finding| finding.hint.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
