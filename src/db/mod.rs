//! The only place that talks to servers. One method per question, which returns model types; driver types and errors
//! end here. Every question travels in one message of the simple protocol together with its own guards, so that
//! nothing leaks through a transaction pooler and no round trip is added.

mod act;
mod aftermath;
mod blocking;
mod completion;
mod connection;
pub(crate) mod console;
mod error;
mod exporter;
mod fence;
mod filter;
mod guard;
mod health;
mod load;
mod look;
mod monitor;
mod one_session;
mod parts;
mod ping;
mod pooler_words;
mod practice;
mod questions;
mod read_waits;
mod refusal;
mod repeated;
mod rows;
mod screen;
mod server_context;
mod session;
mod settings;
mod sql;
mod statement_error;
mod text_store;
mod trace;
mod version;
mod wait_queue;
mod waited_locks;

pub(crate) use act::{SignalAnswer, SignalOrder, Still};
pub(crate) use aftermath::Origins;
pub(crate) use blocking::WaitsLookedAt;
pub(crate) use connection::{Db, Uninterrupted};
pub(crate) use error::{Error, ErrorKind, LimitScope};
pub(crate) use fence::{ClosableKey, ExpectedClosable, Inside};
pub(crate) use health::Wanted;
pub(crate) use look::{Listing, Selection, SortOrder};
pub(crate) use monitor::{Kept, Scraped};
pub(crate) use ping::{HostFound, Ping, ping};
pub(crate) use pooler_words::may_recover;
pub(crate) use screen::ScreenListing;
pub(crate) use session::{
    AskPassword, Attempt, Lane, NOT_ENCRYPTED, Notice, Options, PendingLogins, ScramLogin, TypedPasswords,
    new_password, printed_by,
};
pub(crate) use settings::Moment;
pub(crate) use trace::Trace;
