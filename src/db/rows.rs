//! Answers: rows of named text columns, read one value at a time into what the model wants.

use std::cell::Cell;
use std::pin::pin;
use std::str::FromStr;

use futures_util::TryStreamExt as _;
use tokio_postgres::{Client, SimpleColumn, SimpleQueryMessage, SimpleQueryRow};

use super::error::{Error, ErrorKind};
use super::session::{Entitlement, Metering};

/// The rows that one question got.
pub(crate) type Rows = Vec<Row>;

/// A row. Values are asked for by column name; a name that the question does not have is an error, never a default.
#[derive(Debug)]
pub(crate) struct Row {
    values: Values,
    /// Behind the column that was read last: mostly they are read in the order in which they stand.
    next: Cell<usize>,
}

#[derive(Debug)]
enum Values {
    /// As the server sent it.
    Sent(SimpleQueryRow),
    /// As query_to_xml told it: what is null, or no column, is not there.
    Told(Vec<(String, String)>),
}

/// What becomes of the rows of a message as they come in, so that no more of them is held than is needed.
pub(super) trait Answers {
    /// How much of them there may be.
    fn entitlement(&self) -> Entitlement;
    /// The message is sent once more, in other words: what came so far does not count.
    fn anew(&mut self);
    /// The next statement that answers with rows begins to answer.
    fn next(&mut self);
    /// A row of it.
    fn row(&mut self, row: Row);
}

/// The rows of each statement that answers with rows, in order, of which there may be more than of facts.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) entitlement: Entitlement,
    pub(super) answers: Vec<Rows>,
}

impl Answers for Collected {
    fn entitlement(&self) -> Entitlement {
        self.entitlement
    }

    fn anew(&mut self) {
        self.answers.anew();
    }

    fn next(&mut self) {
        self.answers.next();
    }

    fn row(&mut self, row: Row) {
        self.answers.row(row);
    }
}

/// The rows of each statement that answers with rows, in order.
impl Answers for Vec<Rows> {
    fn entitlement(&self) -> Entitlement {
        Entitlement::Facts
    }

    fn anew(&mut self) {
        self.clear();
    }

    fn next(&mut self) {
        self.push(Vec::new());
    }

    fn row(&mut self, row: Row) {
        if let Some(rows) = self.last_mut() {
            rows.push(row);
        }
    }
}

/// The answers, when there are as many as there were questions.
///
/// # Errors
/// When there are not.
pub(super) fn exactly<const N: usize>(answers: Vec<Rows>) -> Result<[Rows; N], Error> {
    <[Rows; N]>::try_from(answers).map_err(|_| Error::new(ErrorKind::Protocol, "an answer is missing"))
}

/// Sends one message and takes its answers as they come in. Returns how many statements answered with rows.
pub(super) async fn take(
    client: &Client,
    metering: &Metering,
    message: &str,
    answers: &mut dyn Answers,
) -> Result<usize, tokio_postgres::Error> {
    metering.entitle(answers.entitlement());
    let mut stream = pin!(client.simple_query_raw(message).await?);
    let mut answered = 0;
    while let Some(part) = stream.try_next().await? {
        match part {
            SimpleQueryMessage::RowDescription(_) => {
                answered += 1;
                answers.next();
            }
            SimpleQueryMessage::Row(row) => answers.row(Row::of(Values::Sent(row))),
            _ => {}
        }
    }
    Ok(answered)
}

impl Row {
    const fn of(values: Values) -> Self {
        Self { values, next: Cell::new(0) }
    }

    fn raw(&self, column: &str) -> Result<Option<&str>, Error> {
        let sent = match &self.values {
            Values::Sent(row) => row,
            Values::Told(values) => {
                return Ok(values.iter().find(|(name, _)| name == column).map(|(_, value)| value.as_str()));
            }
        };
        let (before, behind) = sent.columns().split_at(self.next.get().min(sent.len()));
        let place = |columns: &[SimpleColumn]| columns.iter().position(|known| known.name() == column);
        let place = place(behind).map(|place| place + before.len()).or_else(|| place(before));
        let value = place.and_then(|place| {
            self.next.set(place + 1);
            sent.try_get(place).ok()
        });
        value.ok_or_else(|| {
            Error::new(
                ErrorKind::Protocol,
                format!("the server's answer has no readable column \"{column}\""),
            )
        })
    }

    /// What the server sent, in order; nothing of what query_to_xml told.
    fn sent(&self) -> Option<&SimpleQueryRow> {
        match &self.values {
            Values::Sent(row) => Some(row),
            Values::Told(_) => None,
        }
    }

    /// The names of the columns, for answers whose columns depend on a version.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.sent().into_iter().flat_map(SimpleQueryRow::columns).map(SimpleColumn::name)
    }

    /// The texts of all columns, in order. Null is none; bytes that are no UTF-8 cannot be had from the driver, and
    /// are one replacement character.
    pub(super) fn values(&self) -> impl Iterator<Item = Option<String>> {
        let texts = |row: &SimpleQueryRow| {
            let text = |at| row.try_get(at).unwrap_or(Some("\u{fffd}")).map(str::to_owned);
            (0..row.len()).map(text).collect::<Vec<_>>()
        };
        self.sent().map(texts).into_iter().flatten()
    }

    /// Plain text that the server wrote itself: numbers, words, timestamps. Null is none.
    ///
    /// # Errors
    /// When there is no such column.
    pub(crate) fn word(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.raw(column)?.map(str::to_owned))
    }

    /// Foreign text that travelled as hexadecimal bytes, decoded lossily. Null is none.
    ///
    /// # Errors
    /// When there is no such column.
    pub(crate) fn text(&self, column: &str) -> Result<Option<String>, Error> {
        let decoded = self.raw(column)?.map(|hex| String::from_utf8(bytes(hex)));
        // Only what is no text is copied.
        Ok(decoded
            .map(|text| text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())))
    }

    /// A number, or anything else that reads itself from text. Null is none.
    ///
    /// # Errors
    /// When there is no such column or its text cannot be read.
    pub(crate) fn number<T: FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        self.raw(column)?
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::new(
                        ErrorKind::Protocol,
                        format!("the server's answer has an unreadable \"{column}\""),
                    )
                })
            })
            .transpose()
    }

    /// A number that is never null.
    ///
    /// # Errors
    /// When it is, or cannot be read.
    pub(crate) fn required<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        self.number(column)?.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, format!("the server's answer has no \"{column}\""))
        })
    }

    /// An age in seconds; the clock is read after the row was, so what is below zero is rounding. Null is none.
    ///
    /// # Errors
    /// When there is no such column or its text cannot be read.
    pub(crate) fn age(&self, column: &str) -> Result<Option<f64>, Error> {
        Ok(self.number::<f64>(column)?.map(|seconds| seconds.max(0.0)))
    }

    /// Process ids, separated by commas. Null is none at all.
    ///
    /// # Errors
    /// When there is no such column or its text cannot be read.
    pub(crate) fn pids(&self, column: &str) -> Result<Vec<i32>, Error> {
        let unreadable = |_| {
            Error::new(ErrorKind::Protocol, format!("the server's answer has an unreadable \"{column}\""))
        };
        let text = self.raw(column)?.unwrap_or_default();
        text.split(',').filter(|pid| !pid.is_empty()).map(|pid| pid.parse().map_err(unreadable)).collect()
    }

    /// An array of two numbers. Null is none.
    ///
    /// # Errors
    /// When there is no such column or its text cannot be read.
    pub(super) fn pair(&self, column: &str) -> Result<Option<[f64; 2]>, Error> {
        let Some(text) = self.raw(column)? else { return Ok(None) };
        let numbers = text.trim_matches(['{', '}']).split_once(',');
        let read = numbers.and_then(|(one, other)| Some([one.parse().ok()?, other.parse().ok()?]));
        read.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Protocol, format!("the server's answer has an unreadable \"{column}\""))
        })
    }

    /// A claim; null is false.
    ///
    /// # Errors
    /// When there is no such column.
    pub(crate) fn claim(&self, column: &str) -> Result<bool, Error> {
        Ok(matches!(self.raw(column)?, Some("t" | "true")))
    }
}

/// The rows in a forest of query_to_xml, whose columns have plain names, and whose texts are one line each.
pub(super) fn told(forest: &str) -> Rows {
    let unescaped = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let value = |line: &str| {
        let (name, rest) = line.trim_start().strip_prefix('<')?.split_once('>')?;
        let (text, _) = rest.rsplit_once("</")?;
        Some((name.to_owned(), unescaped(text)))
    };
    let rows = forest.split("</row>").filter(|row| row.contains("<row"));
    rows.map(|row| Row::of(Values::Told(row.lines().filter_map(value).collect()))).collect()
}

/// The bytes behind `\x`-less hexadecimal; stops at the first thing that is not a digit pair.
fn bytes(hex: &str) -> Vec<u8> {
    const fn digit(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            b'A'..=b'F' => Some(byte - b'A' + 10),
            _ => None,
        }
    }
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut digits = hex.bytes();
    while let (Some(high), Some(low)) = (digits.next().and_then(digit), digits.next().and_then(digit)) {
        bytes.push(high << 4 | low);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{bytes, told};

    #[test]
    fn rows_are_read_as_query_to_xml_writes_them() {
        let rows = told(
            "<row xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  <pid>12</pid>\n  <selected>true</selected>\n  <client></client>\n  <kind>a &lt;b&gt; &amp;amp;</kind>\n\
             </row>\n\n<row>\n  <pid>13</pid>\n  <selected>false</selected>\n</row>\n\n",
        );
        let [first, second] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((first.required::<i32>("pid").unwrap(), first.claim("selected").unwrap()), (12, true));
        assert_eq!(first.word("client").unwrap().as_deref(), Some(""));
        assert_eq!(first.word("kind").unwrap().as_deref(), Some("a <b> &amp;"));
        assert_eq!((second.word("client").unwrap(), second.claim("selected").unwrap()), (None, false));
        assert!(told("").is_empty());
    }

    #[test]
    fn bytes_travel_as_hexadecimal() {
        assert_eq!(bytes("63c3a9ff00"), b"c\xc3\xa9\xff\x00");
        assert_eq!(bytes(""), b"");
        assert_eq!(bytes("4zz"), b"");
    }
}
