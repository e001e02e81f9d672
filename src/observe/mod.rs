//! Where a server is and how it may be asked ([`Endpoint`]), and the one session with it that is kept, made again and asked
//! ([`Observer`]). The only place that retries, waits, backs off and gives up. Prints nothing, and judges nothing.

mod deadline;
mod endpoint;
mod looks;
mod observer;
mod retry;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use deadline::Deadline;
pub(crate) use endpoint::{Endpoint, LIMIT, LanePolicy, Prompt};
pub(crate) use looks::{Looks, UnderWay};
pub(crate) use observer::{Down, Observer, State, waiting};
pub(crate) use retry::Patience;
pub(crate) use sources::{KeptSession, OfConsole, OfServer, Source};
