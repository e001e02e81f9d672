//! From resolved settings to a session that the driver can work on: everything that prepares a stream for tokio-postgres.

mod connect;
mod dial;
mod hosts;
mod login;
mod sasl;
mod startup;
mod tls;
mod told;
mod wire;

pub(crate) use connect::{AskPassword, Attempt, Notice, Options};
pub(super) use connect::{Canceller, connect};
pub(crate) use hosts::NOT_ENCRYPTED;
pub(super) use login::while_driving;
pub(crate) use sasl::{Login, new_password};
pub(crate) use startup::Lane;
pub(super) use told::{Told, is_pooled};
