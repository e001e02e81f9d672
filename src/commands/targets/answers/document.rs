//! Documents: one about all servers, or one for each.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::SystemTime;

use anyhow::Result;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Answers;
use crate::conninfo::TargetSpec;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::server::Target;
use crate::render::Warning;
use crate::render::json::{self, ErrorFields, SCHEMA_VERSION};

/// One document about all of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Document<'a> {
    /// The command that made it.
    kind: &'a str,
    /// Raised only when a key is renamed, removed or retyped.
    schema_version: u32,
    /// When it was made, RFC 3339 UTC, by the clock of the machine that pgconn runs on.
    generated_at: String,
    /// Each server of the list, in its order.
    targets: Vec<Entry<'a>>,
    /// What it comes to.
    summary: Summary,
    /// What the reader must know of the list.
    warnings: &'a [Warning],
}

/// One server of the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TargetAnswer"))]
struct Entry<'a> {
    /// What the list calls it.
    name: &'a str,
    /// What the list says of it.
    labels: &'a BTreeMap<String, String>,
    /// Whether it could be asked.
    ok: bool,
    /// Why not.
    error: Option<ErrorFields<'a>>,
    /// What the command prints for this server alone; null when there is nothing.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    document: Option<Box<RawValue>>,
}

/// What the answers come to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TargetSummary"))]
struct Summary {
    /// Servers that the list has.
    targets: usize,
    /// Of them could be asked.
    answered: usize,
    /// Of them could not.
    not_answered: usize,
    /// One line, naming the servers that are worst.
    message: String,
    /// The exit code of the run.
    exit_code: u8,
}

/// A server that has no document of its own.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Unanswered<'a> {
    /// The command that asked.
    kind: &'a str,
    /// Raised only when a key is renamed, removed or retyped.
    schema_version: u32,
    /// When it was made, RFC 3339 UTC, by the clock of the machine that pgconn runs on.
    generated_at: String,
    /// Which server it is, and where it was looked for.
    target: Target,
    /// None answered.
    server: Option<()>,
    /// Why it could not be asked.
    error: ErrorFields<'a>,
    /// Always empty.
    warnings: [(); 0],
}

impl Answers<'_> {
    /// The document of one server.
    pub(super) fn write_document(&self, place: usize, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
        let Some((spec, answer)) = self.at(place) else { return Ok(()) };
        match (&answer.shown, &answer.failure) {
            (Some(shown), _) => {
                let mut head = shown.head.clone();
                head.target = head.target.map(|target| called(target, spec));
                shown.report.write_document(self.kind, &head, pretty, out)
            }
            (None, Some(failure)) => {
                let aim = self.aims.get(place).cloned().flatten().unwrap_or_default();
                let unanswered = Unanswered {
                    kind: self.kind,
                    schema_version: SCHEMA_VERSION,
                    generated_at: now(),
                    target: called(aim, spec),
                    server: None,
                    error: fields(failure),
                    warnings: [],
                };
                json::write(&unanswered, pretty, out)
            }
            (None, None) => Ok(()),
        }
    }

    /// The document about all of them.
    pub(super) fn write_all(&self, exit: Exit) -> Result<()> {
        let pretty = self.context.output.borrow().look().width.is_some();
        let mut targets = Vec::new();
        for (place, spec) in self.specs.iter().enumerate() {
            let answer = self.answers.get(place).and_then(Option::as_ref);
            let failure = answer.and_then(|answer| answer.failure.as_ref());
            let mut document = None;
            if answer.is_some_and(|answer| answer.shown.is_some()) {
                let mut text = Vec::new();
                self.write_document(place, pretty, &mut text)?;
                let text = String::from_utf8(text)?;
                // Within a string there is no line end.
                document = Some(RawValue::from_string(text.trim_end().replace('\n', "\n      "))?);
            }
            targets.push(Entry {
                name: &spec.name,
                labels: &spec.labels,
                ok: answer.is_some() && failure.is_none(),
                error: failure.map(fields),
                document,
            });
        }
        let answered = self.answered();
        let document = Document {
            kind: self.kind,
            schema_version: SCHEMA_VERSION,
            generated_at: now(),
            targets,
            summary: Summary {
                targets: self.count(),
                answered,
                not_answered: self.count() - answered,
                message: self.message(),
                exit_code: exit.code(),
            },
            warnings: &self.warnings,
        };
        let written = self.context.write(|out| json::write(&document, pretty, out));
        Ok(written?)
    }
}

/// The target, as the list calls it.
fn called(target: Target, spec: &TargetSpec) -> Target {
    Target { name: Some(spec.name.clone()), labels: spec.labels.clone(), ..target }
}

fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

fn fields(failure: &Failure) -> ErrorFields<'_> {
    ErrorFields {
        code: failure.code,
        message: &failure.message,
        detail: failure.detail.as_deref(),
        hint: failure.hint.as_deref(),
        sqlstate: failure.sqlstate.as_deref(),
        scope: failure.scope_word(),
        exit_code: failure.exit.code(),
    }
}
