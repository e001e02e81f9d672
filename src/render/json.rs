//! JSON that is stable for scripts and safe on a terminal: the envelope, and a formatter that escapes what serde_json
//! leaves raw (DEL, C1, bidi and other invisible characters).

use std::io::{self, Write};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::head::{Head, Warning};
use crate::model::quote::is_invisible;

/// The version of the envelope and of every payload; raised only when a key is renamed, removed or retyped.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What stands around every payload.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Document<'a, R> {
    /// The command that made it.
    kind: &'a str,
    /// Raised only when a key is renamed, removed or retyped.
    schema_version: u32,
    /// When it was made, RFC 3339 UTC, by the clock of the machine that pgconn runs on.
    generated_at: String,
    /// Where the answer comes from; null when nothing was connected to.
    target: Option<&'a crate::model::server::Target>,
    /// The server that answered; null when none did.
    server: Option<&'a crate::model::server::Server>,
    #[serde(flatten)]
    payload: &'a R,
    /// What the reader must know to read the result rightly.
    warnings: &'a [Warning],
}

/// The line on stderr that stands for a result that does not exist.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ErrorLine<'a> {
    /// Always `error`.
    kind: &'a str,
    /// Raised only when a key is renamed, removed or retyped.
    schema_version: u32,
    /// What went wrong.
    error: &'a ErrorFields<'a>,
}

/// What went wrong.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorFields<'a> {
    /// The stable word for scripts.
    pub(crate) code: &'a str,
    /// One line.
    pub(crate) message: &'a str,
    /// More about it.
    pub(crate) detail: Option<&'a str>,
    /// What to do next.
    pub(crate) hint: Option<&'a str>,
    /// The server's SQLSTATE, when it was the server that refused.
    pub(crate) sqlstate: Option<&'a str>,
    /// Whose limit is exhausted, when the code is `too_many_connections`: `server`, `reserved` (only reserved slots are
    /// left), `role`, `database` or `pooler`; else null.
    pub(crate) scope: Option<&'a str>,
    /// The exit code of the run.
    pub(crate) exit_code: u8,
}

/// What stands in an envelope: whatever can be serialized.
pub(crate) trait Payload {
    /// Writes it in its envelope: one document of this `kind` and a line end.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn write_document(&self, kind: &str, head: &Head, pretty: bool, out: &mut dyn Write) -> io::Result<()>;
}

impl<P: Serialize> Payload for P {
    fn write_document(&self, kind: &str, head: &Head, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
        let document = Document {
            kind,
            schema_version: SCHEMA_VERSION,
            generated_at: humantime::format_rfc3339_millis(head.found_at.unwrap_or_else(SystemTime::now))
                .to_string(),
            target: head.target.as_ref(),
            server: head.server.as_ref(),
            payload: self,
            warnings: &head.warnings,
        };
        write(&document, pretty, out)
    }
}

/// Writes `value` and a line end: indented for people, one line otherwise.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(value: &impl Serialize, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    if pretty {
        let mut writer = serde_json::Serializer::with_formatter(&mut *out, Escaping(PrettyFormatter::new()));
        value.serialize(&mut writer)?;
    } else {
        let mut writer = serde_json::Serializer::with_formatter(&mut *out, Escaping(CompactFormatter));
        value.serialize(&mut writer)?;
    }
    out.write_all(b"\n")
}

/// A list of a payload under its key.
pub(crate) struct List<'a> {
    key: &'static str,
    rows: &'a dyn Lines,
}

impl<'a> List<'a> {
    /// The list that the payload has under `key`.
    pub(crate) const fn new(key: &'static str, rows: &'a dyn Lines) -> Self {
        Self { key, rows }
    }
}

/// What can be written as one line per element.
pub(crate) trait Lines {
    /// Writes the elements, each with `label` in front when there is one.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn write(&self, label: Option<&str>, out: &mut dyn Write) -> io::Result<()>;
}

impl<R: Serialize> Lines for Vec<R> {
    fn write(&self, label: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
        self.iter().try_for_each(|row| match label {
            None => write(row, false, out),
            Some(list) => write(&Labelled { list, row }, false, out),
        })
    }
}

/// A view that was not asked for has no rows.
impl<L: Lines> Lines for Option<L> {
    fn write(&self, label: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
        self.iter().try_for_each(|list| list.write(label, out))
    }
}

/// A row of a report that has several lists.
#[derive(Serialize)]
struct Labelled<'a, R> {
    list: &'a str,
    #[serde(flatten)]
    row: &'a R,
}

/// Writes one line per row of the lists of a report, row by row: the elements themselves, with `"list": KEY` in front when the
/// report has several lists.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_rows(lists: &[List<'_>], out: &mut dyn Write) -> io::Result<()> {
    lists.iter().try_for_each(|list| list.rows.write(Some(list.key).filter(|_| lists.len() > 1), out))
}

/// The one JSON line on stderr that stands for a result that does not exist.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_failure(failure: &ErrorFields<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(&ErrorLine { kind: "error", schema_version: SCHEMA_VERSION, error: failure }, false, out)
}

/// Passes everything on to the formatter inside, but strings with what is dangerous escaped.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let plain = |byte: &u8| matches!(byte, b' '..=b'~');
        if fragment.as_bytes().iter().all(plain) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut safe = 0;
        for (at, character) in fragment.char_indices() {
            if character.is_control() || is_invisible(character) {
                writer.write_all(fragment.get(safe..at).unwrap_or_default().as_bytes())?;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                safe = at + character.len_utf8();
            }
        }
        writer.write_all(fragment.get(safe..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// The schema of the document that a report of type `R` is printed in.
#[cfg(test)]
pub(crate) fn schema<R: schemars::JsonSchema + 'static>(kind: &str) -> schemars::Schema {
    named::<Document<'static, R>>(kind, &format!("Output of pgconn {kind} --json"))
}

/// The schema of the line that [`write_failure`] writes.
#[cfg(test)]
pub(crate) fn error_schema() -> schemars::Schema {
    named::<ErrorLine<'static>>("error", "Error of any command with --json, on stderr")
}

#[cfg(test)]
fn named<T: schemars::JsonSchema>(kind: &str, title: &str) -> schemars::Schema {
    let mut schema = titled::<T>(title);
    constant(&mut schema, "kind", kind.into());
    schema
}

/// The schema of a document whose kind is that of the documents in it.
#[cfg(test)]
pub(crate) fn titled<T: schemars::JsonSchema>(title: &str) -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("description");
    schema.insert("title".into(), title.into());
    constant(&mut schema, "schema_version", SCHEMA_VERSION.into());
    schema
}

#[cfg(test)]
fn constant(schema: &mut schemars::Schema, key: &str, value: serde_json::Value) {
    let field = schema.pointer_mut(&format!("/properties/{key}")).and_then(serde_json::Value::as_object_mut);
    field.unwrap().insert("const".into(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(value, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn invisible_characters_are_escaped_and_survive() {
        assert_eq!(
            line(&"a\u{9b}31m\u{202e}\u{e0001}\u{7f}"),
            "\"a\\u009b31m\\u202e\\udb40\\udc01\\u007f\"\n"
        );
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing_and_leaves_nothing_invisible(text in any::<String>()) {
            let written = line(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            prop_assert!(written.trim_end().chars().all(|c| !c.is_control() && !is_invisible(c)));
        }
    }
}
