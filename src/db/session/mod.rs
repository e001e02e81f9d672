//! From resolved settings to a session that the driver can work on. Everything that prepares a stream for tokio-postgres stands
//! here, and nothing outside knows of it. The driver dials, encrypts and authenticates in its own way, which is not libpq's; so
//! it gets a stream on which that is done, by eight tricks:
//!
//! - *The driver's startup packet is swallowed* ([`wire`]): pgconn has sent its own ([`startup`]), with what libpq sends and the
//!   driver cannot (any setting, the emergency lane, bytes that are no UTF-8), and a server takes only one.
//! - *The first answer is read ahead* ([`startup`]): only so can a method be refused that the settings forbid before a password
//!   leaves, a missing password be known as such, and something that is not PostgreSQL be called what it is; and a server that
//!   negotiates the version ([`negotiation`]) would end a login of the driver's, which does not know that message.
//! - *What was read ahead is put back* ([`wire`]): the driver has to see the same answer, because it answers the requests for a
//!   password and reads the refusals.
//! - *SCRAM is answered here* ([`sasl`]): the driver takes twice libpq's time for it, refuses counts that libpq takes, and could
//!   not bind it to a channel that it has not encrypted.
//! - *What it reads is metered* ([`limits`]): the driver holds a message until it is whole, however long it says it is, and
//!   every parameter and notice.
//! - *A login that hangs is kept* ([`pending`]): the driver's way to give one up is to close the socket, and the server goes on
//!   with it; so what is given up for now goes on here, too, and the next try waits for it.
//! - *The login is read along* ([`login_info`]): the process id and the parameters, which tell a pooler from a server, are
//!   nowhere to be had from the driver.
//! - *A cancel key is cut to four bytes* ([`login_info`]): the driver takes no longer ones, which protocol 3.2 has; the whole is kept,
//!   and sent by pgconn itself ([`cancel`]).

mod address;
mod attempt;
mod cancel;
mod connect;
mod dial;
mod driver;
mod encrypt;
mod established;
mod hosts;
mod limits;
mod login;
mod login_info;
mod lost;
mod negotiation;
mod options;
mod os_words;
mod password_command;
mod pending;
mod sasl;
mod session_kind;
mod startup;
mod tls;
mod transport;
mod typed_passwords;
mod wire;

pub(crate) use attempt::Attempt;
pub(super) use cancel::Canceller;
pub(super) use connect::connect;
pub(super) use driver::{first_value, while_driving};
pub(crate) use established::Notice;
pub(crate) use hosts::NOT_ENCRYPTED;
pub(super) use limits::{Entitlement, Excess, Metering};
pub(super) use login_info::{LoginInfo, is_pooled};
pub(crate) use options::{AskPassword, Options};
pub(crate) use password_command::printed_by;
pub(crate) use pending::PendingLogins;
pub(crate) use sasl::{ScramLogin, new_password};
pub(crate) use session_kind::Lane;
pub(crate) use typed_passwords::TypedPasswords;
