//! `size --lint FILE`: what is wrong or dangerous in a configuration that exists.

use std::path::{Component, Path};

use anyhow::Result;
use serde::Serialize;

use super::args::Args;
use super::input::read;
use crate::analyze::sizing::{FigureSource, SizeRequest, budget};
use crate::commands::Context;
use crate::commands::screen_room::Part;
use crate::error::Failure;
use crate::exit::Exit;
use crate::poolconf::lint::{self, Against, ConfigFormat, LintFinding, Severity};
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, tsv};

/// What can be judged.
const KINDS: &str = "judged are pgbouncer.ini, connection URLs, the environment of PgBouncer's images (compose, Helm, .env), \
    spring.datasource.hikari (properties, YAML), database.yml with a postgresql adapter, and Npgsql's Host=…;…";

/// Judges the file; any error in it makes the exit code 1.
pub(super) fn run(
    path: &Path,
    args: &Args,
    request: &SizeRequest,
    head: &Head,
    context: &mut Context,
) -> Result<Exit> {
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let against = against(args, request)?;
    let files = |name: &str| beside(path, name);
    let (format, findings) = lint::lint(&text, &against, &files).ok_or_else(|| {
        let file = path.display();
        Failure::failed(format!(
            "{file} is neither a pgbouncer.ini nor has a connection URL or a pool's settings"
        ))
        .hinted(KINDS)
    })?;
    let worst = findings.iter().map(|finding| finding.severity).min();
    let report = Lint {
        file: path.display().to_string(),
        format,
        usable: against.usable,
        max_connections: request.max_connections.value,
        max_connections_source: request.max_connections.source,
        findings,
        with_notes: context.ui.is_verbose(),
    };
    context.emit_top(&report, head, Part::of(context, head, &[]).whole())?;
    Ok(if worst == Some(Severity::Error) { Exit::Failed } else { Exit::Done })
}

/// The text of another file that the one at `path` names. It lies in its folder or below, however it is named: what lies elsewhere
/// may be another machine's than the one for which the file is, and who lints other people's files shows none of his own.
fn beside(path: &Path, name: &str) -> Result<String, String> {
    if path.as_os_str() == "-" {
        return Err("what comes from stdin has no folder".to_owned());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("")).join(".");
    let (named, real) = (std::path::absolute(&folder), std::fs::canonicalize(&folder));
    let (named, real) = named.and_then(|named| Ok((named, real?))).map_err(|error| error.to_string())?;
    // Where PgBouncer was started is not known: it may have been a folder above.
    let above = named.ancestors().map(|above| above.join(name));
    let found = above.take(DEEPEST_FOLDER).find(|other| is_inside(other, &real) == Some(true));
    let other = found.unwrap_or_else(|| named.join(name));
    let leaves = other.components().any(|part| part == Component::ParentDir) || !other.starts_with(&named);
    if !is_inside(&other, &real).unwrap_or(!leaves) {
        return Err("it lies outside of the file's folder".to_owned());
    }
    // Whatever else there is, as a pipe, may never end.
    if std::fs::metadata(&other).is_ok_and(|seen| !seen.is_file()) {
        return Err("it is no file".to_owned());
    }
    let bytes = read(&other).map_err(|failure| failure.message)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a file lies in this folder or below when links are followed; `None` when there is none.
fn is_inside(file: &Path, folder: &Path) -> Option<bool> {
    std::fs::canonicalize(file).ok().map(|file| file.starts_with(folder))
}

/// How many folders above the file's own, and that one, an included file's name is tried from.
const DEEPEST_FOLDER: usize = 8;

/// The slots to hold the file against, from the same inputs that a plan has.
fn against(args: &Args, request: &SizeRequest) -> Result<Against, Failure> {
    let (max_connections, slots) = (request.max_connections.value, request.reserved_slots.value);
    let budget =
        budget(max_connections, request.reserve_percent.value, slots).map_err(super::request::refused)?;
    Ok(Against {
        usable: max_connections.saturating_sub(slots),
        budget: budget.budget,
        assumed: Some(max_connections).filter(|_| request.max_connections.source == FigureSource::Assumed),
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
    /// The max_connections that leaves them.
    max_connections: u64,
    /// Who said so.
    max_connections_source: FigureSource,
    /// What was found, in order of lines.
    findings: Vec<LintFinding>,
    /// Whether people see the notes, too.
    #[serde(skip)]
    with_notes: bool,
}

impl Report for Lint {
    fn kind(&self) -> &'static str {
        "size_lint"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("findings", &self.findings)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let is_shown = |finding: &&LintFinding| self.with_notes || finding.severity != Severity::Note;
        let shown: Vec<&LintFinding> = self.findings.iter().filter(is_shown).collect();
        let folded = self.findings.len() - shown.len();
        let assumed = self.max_connections_source == FigureSource::Assumed
            && self.findings.iter().any(|finding| matches!(finding.code, "over_server" | "over_budget"));
        let mut remarks = Vec::new();
        if assumed {
            remarks.push(format!("max_connections is assumed {}", self.max_connections));
        }
        if folded > 0 {
            let notes = if folded == 1 { "1 note".to_owned() } else { format!("{folded} notes") };
            remarks.push(format!("{notes} with -v"));
        }
        let remarks = remarks.join("; ");
        if shown.is_empty() {
            let remarks = if remarks.is_empty() { remarks } else { format!(" ({remarks})") };
            return vec![Block::marked(Mark::Good, format!("{}: nothing found{remarks}", self.file))];
        }
        // The rows are lines of their own: a terminal wraps them, and would cut those of a table.
        let header = Table::of(COLUMNS, None::<&LintFinding>, |_| Mark::Plain);
        let rows = shown.into_iter().map(|finding| {
            let mark = match finding.severity {
                Severity::Error => Mark::Bad,
                Severity::Warning => Mark::Warn,
                Severity::Note => Mark::Plain,
            };
            let hint = finding.hint.as_ref().map(|hint| format!(" → {hint}")).unwrap_or_default();
            let line = finding.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
            let word = finding.severity.word();
            let file = finding.file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default();
            Block::marked(mark, format!("{line:>4}  {word:<8}  {file}{}{hint}", finding.message))
        });
        let remarks = Some(remarks).filter(|remarks| !remarks.is_empty());
        let remarks = remarks.map(|remarks| Block::marked(Mark::Dim, format!("({remarks})")));
        std::iter::once(Block::Table(header)).chain(rows).chain(remarks).collect()
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
    Column::script("file", |finding| finding.file.as_ref().into()),
    Column::script("prevents_start", |finding| finding.prevents_start.into()),
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
