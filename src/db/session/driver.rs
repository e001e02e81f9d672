//! The driver's half of a session that moves the bytes, while nobody else polls it.

use super::wire::Wire;
use futures_util::TryStreamExt as _;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tokio::io::Empty;
use tokio_postgres::{Client, Connection, SimpleQueryMessage};

/// The driver's half that moves the bytes; it must be polled for the client to work.
pub(crate) type Driver = Connection<Empty, Wire>;

/// What the driver says, with its cause.
pub(super) fn driver_words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The first value of the first row that answers a question; whatever else comes is not held.
pub(in crate::db) async fn first_value(
    client: &Client,
    question: &str,
) -> Result<Option<String>, tokio_postgres::Error> {
    let mut answer = pin!(client.simple_query_raw(question).await?);
    let mut first = None;
    while let Some(part) = answer.try_next().await? {
        if let SimpleQueryMessage::Row(row) = part
            && first.is_none()
        {
            first = Some(row.try_get(0).ok().flatten().map(str::to_owned));
        }
    }
    Ok(first.flatten())
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
