//! The facts pgconn works on: plain data with units in names and types. No I/O, no clock, no driver types.

pub(crate) mod act;
pub(crate) mod blocking;
pub(crate) mod closable;
pub(crate) mod completion;
pub(crate) mod database;
pub(crate) mod filter;
pub(crate) mod health;
pub(crate) mod load;
pub(crate) mod lock;
pub(crate) mod metric;
pub(crate) mod nearest;
pub(crate) mod one_session;
pub(crate) mod order;
pub(crate) mod pooler;
pub(crate) mod pooler_client;
pub(crate) mod practice;
pub(crate) mod query_text;
pub(crate) mod quote;
pub(crate) mod rights;
pub(crate) mod screen;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod short_words;
pub(crate) mod suggestion;
pub(crate) mod usage;
