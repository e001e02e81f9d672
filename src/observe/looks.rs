//! One look at a time, for everybody who asks while it is under way, and without holding up an event loop.

use std::pin::Pin;

use anyhow::Result;

use super::observer::Observer;
use super::sources::Source;

/// A look that is under way: what it finds comes with the observer that it went through.
pub(crate) type UnderWay<'a, S, T> = Pin<Box<dyn Future<Output = (Observer<S>, Result<T>)> + 'a>>;

/// Looks through one observer.
pub(crate) struct Looks<'a, S: Source, T> {
    look: &'a dyn Fn(Observer<S>) -> UnderWay<'a, S, T>,
    observer: Option<Observer<S>>,
    under_way: Option<UnderWay<'a, S, T>>,
}

impl<'a, S: Source, T> Looks<'a, S, T> {
    /// None is under way; `look` begins one.
    pub(crate) fn new(observer: Observer<S>, look: &'a dyn Fn(Observer<S>) -> UnderWay<'a, S, T>) -> Self {
        Self { look, observer: Some(observer), under_way: None }
    }

    /// Asks for a look. One that is under way is for this asker, too: it answers later than this was asked.
    pub(crate) fn ask(&mut self) {
        if let Some(observer) = self.observer.take() {
            self.under_way = Some((self.look)(observer));
        }
    }

    /// Whether a look is under way.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// What the look under way finds; waits for ever while none is. Given up and called again, it goes on where it was.
    pub(crate) async fn next(&mut self) -> Result<T> {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let (observer, found) = under_way.await;
        (self.observer, self.under_way) = (Some(observer), None);
        found
    }

    /// Ends the session in good order; a look under way is given up.
    pub(crate) async fn close(self) {
        drop(self.under_way);
        if let Some(mut observer) = self.observer {
            observer.close().await;
        }
    }
}
