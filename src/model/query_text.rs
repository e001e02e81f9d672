//! The text of a statement, which can be a megabyte.

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A text that is in memory, or is stored elsewhere until it is read.
#[derive(Clone, Debug)]
pub(crate) enum QueryText {
    /// In memory.
    Held(String),
    /// Elsewhere.
    Stored(Arc<dyn StoredText>),
}

/// A text that is not in memory.
pub(crate) trait StoredText: Debug + Send + Sync {
    /// The whole text.
    ///
    /// # Errors
    /// When what it is stored in cannot be read.
    fn read(&self) -> io::Result<String>;
}

impl QueryText {
    /// The whole text.
    ///
    /// # Errors
    /// When what it is stored in cannot be read.
    pub(crate) fn read(&self) -> io::Result<Cow<'_, str>> {
        match self {
            Self::Held(text) => Ok(Cow::Borrowed(text)),
            Self::Stored(text) => text.read().map(Cow::Owned),
        }
    }
}

/// Texts that can be read are compared by what they say.
impl PartialEq for QueryText {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.read(), other.read()), (Ok(text), Ok(other)) if text == other)
    }
}

impl Serialize for QueryText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.read().map_err(serde::ser::Error::custom)?)
    }
}

/// In JSON it is the text.
#[cfg(test)]
impl schemars::JsonSchema for QueryText {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}
