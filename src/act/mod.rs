//! Acts: carrying a plan out step by step ([`Act`]), and keeping something closed while a command runs or time passes ([`Hold`]).
//! Knows no output: what is to be said of an act is for the commands to say.

mod carry_out;
mod hold;
mod outcome;
mod progress;
mod reopening;
pub(crate) mod run_held;
mod signal_log;

pub(crate) use carry_out::{Act, Done};
pub(crate) use hold::{Ended, Hold, HoldOutcome, WhileHeld, hold};
pub(crate) use progress::OutcomeChange;
pub(crate) use reopening::{AfterPanic, Reopening, planted};
pub(crate) use signal_log::{SignalLog, unlogged};
