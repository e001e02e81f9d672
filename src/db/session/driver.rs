//! The driver's half of a session that moves the bytes, while nobody else polls it.

use super::wire::Wire;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tokio::io::Empty;
use tokio_postgres::Connection;

/// The driver's half that moves the bytes; it must be polled for the client to work.
pub(crate) type Driver = Connection<Empty, Wire>;

/// What the driver says, with its cause.
pub(super) fn driver_words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The outcome of `work`, with the driver polled alongside; nothing when the connection ends before.
pub(in crate::db) async fn while_driving<T>(driver: &mut Driver, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut driving = true;
    poll_fn(|context| {
        while driving {
            match driver.poll_message(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => driving = false,
                Poll::Pending => break,
            }
        }
        match work.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if driving => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}
