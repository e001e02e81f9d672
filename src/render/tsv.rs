//! Tab-separated values for awk and spreadsheets: a header line, raw numbers, nothing cut; tabs, line ends, backslashes
//! and everything invisible inside a value are escaped, an unknown value is empty.

use std::io::{self, Write};

use super::text;

/// A header and its rows.
#[derive(Debug)]
pub(crate) struct Rows {
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

/// A value of a row; none is written as nothing.
#[derive(Debug)]
pub(crate) struct Value(String);

impl Rows {
    /// No rows yet, under `header`.
    pub(crate) const fn new(header: &'static [&'static str]) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Adds a row with as many values as the header has names.
    pub(crate) fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.header.len(), "a row as wide as its header");
        self.rows.push(row.into_iter().map(|value| value.0).collect());
    }

    /// Writes the header and the rows.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.header.join("\t"))?;
        for row in &self.rows {
            writeln!(out, "{}", row.join("\t"))?;
        }
        Ok(())
    }
}

impl From<&str> for Value {
    fn from(raw: &str) -> Self {
        let mut value = String::with_capacity(raw.len());
        for character in raw.chars() {
            match character {
                '\t' => value.push_str("\\t"),
                '\n' => value.push_str("\\n"),
                '\r' => value.push_str("\\r"),
                '\\' => value.push_str("\\\\"),
                _ => value.push(character),
            }
        }
        Self(text::visible(&value).into_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(number.to_string())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self(number.to_string())
    }
}

impl From<bool> for Value {
    fn from(claim: bool) -> Self {
        Self(claim.to_string())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T> From<Option<T>> for Value
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self(String::new()), Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_cell() {
        let mut rows = Rows::new(&["a", "b", "c"]);
        rows.push(["x\ty\nz\\\u{1b}\u{202e}".into(), None::<&str>.into(), Some(1.5).into()]);
        let mut out = Vec::new();
        rows.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\tb\tc\nx\\ty\\nz\\\\\\x1B\\u{202E}\t\t1.5\n");
    }
}
