//! A pooler's admin console: a database of its own that speaks the simple protocol, takes one command per message, and
//! knows neither transactions nor settings. Columns differ between versions and are read by name (see [`read`]).

mod client;
mod control;
mod read;

pub(crate) use client::Console;
pub(crate) use control::ConsoleOrder;
pub(crate) use read::DATABASE;
