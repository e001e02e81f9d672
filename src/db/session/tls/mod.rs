//! TLS as libpq does it, on rustls: asking for it, the handshake, which certificates are accepted, and what SCRAM
//! needs for channel binding.

mod chain;
mod der;
mod extensions;
pub(super) mod failure;
mod files;
pub(super) mod handshake;
mod judge;
mod key_log;
mod keys;
mod member;
mod names;
mod no_tls;
mod plain;
mod reader;
mod refused;
mod revocation;
mod verify;
