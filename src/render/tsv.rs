//! Tab-separated values for awk and spreadsheets: a header line, raw numbers, nothing cut; tabs, line ends, backslashes
//! and everything invisible inside a value are escaped, an unknown value is empty. Rows are written one by one.

use std::borrow::Borrow;
use std::io::{self, Write};

use super::columns::{Column, Value};
use super::text::{self, Piece};

/// A header and its rows.
pub(crate) struct Rows<'a>(Box<Writes<'a>>);

type Writes<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

impl<'a> Rows<'a> {
    /// Of every column that scripts get, its key and its values from `rows`.
    pub(crate) fn of<R: 'a, B: Borrow<R> + 'a>(
        columns: &[Column<R>],
        rows: impl IntoIterator<Item = B>,
    ) -> Self {
        let columns = columns.iter().filter_map(|column| Some((column.key()?, *column)));
        let (columns, rows): (Vec<_>, Vec<B>) = (columns.collect(), rows.into_iter().collect());
        Self(Box::new(move |out| {
            line(&columns, out, |(key, _), out| out.write_all(key.as_bytes()))?;
            for row in &rows {
                line(&columns, out, |(_, column), out| write_value(&column.value(row.borrow()), out))?;
            }
            Ok(())
        }))
    }

    /// Writes the header and the rows.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        (self.0)(out)
    }
}

/// Writes one line with a cell for each column.
fn line<C>(
    columns: &[C],
    out: &mut dyn Write,
    cell: impl Fn(&C, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.write_all(b"\t")?;
        }
        cell(column, out)?;
    }
    out.write_all(b"\n")
}

fn write_value(value: &Value<'_>, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::None => Ok(()),
        Value::Text(text) => write_text(text, out),
        Value::Whole(number) => write!(out, "{number}"),
        Value::Number(number) | Value::Seconds(number) => write!(out, "{number}"),
        Value::Claim(claim) => write!(out, "{claim}"),
    }
}

/// A text as it stands in a cell.
pub(crate) fn escaped(text: &str) -> String {
    let mut cell = Vec::new();
    // Into memory it cannot fail.
    let _ = write_text(text, &mut cell);
    String::from_utf8(cell).unwrap_or_default()
}

fn write_text(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for piece in text::visible_pieces(text) {
        match piece {
            Piece::Plain(plain) => {
                for (at, part) in plain.split('\\').enumerate() {
                    out.write_all(if at > 0 { b"\\\\" } else { b"" })?;
                    out.write_all(part.as_bytes())?;
                }
            }
            Piece::Escaped('\t') => out.write_all(b"\\t")?,
            Piece::Escaped('\n') => out.write_all(b"\\n")?,
            Piece::Escaped('\r') => out.write_all(b"\\r")?,
            Piece::Escaped(character) => write!(out, "{}", text::Escape(character))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_cell() {
        type Row = (&'static str, Option<&'static str>, f64);
        const COLUMNS: &[Column<Row>] = &[
            Column::script("a", |row| row.0.into()),
            Column::script("b", |row| row.1.into()),
            Column::script("c", |row| row.2.into()),
        ];
        let mut out = Vec::new();
        let row = ("x\ty\nz\\\u{1b}\u{202e}", None, 1.5);
        Rows::of(COLUMNS, [row]).write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\tb\tc\nx\\ty\\nz\\\\\\x1B\\u{202E}\t\t1.5\n");
    }
}
