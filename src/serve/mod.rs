//! The endpoint: what monitoring and people ask for over HTTP. Everything is answered from looks that are shared; nothing acts,
//! and no query text leaves. Knows HTTP and the clock, not PostgreSQL: who looks is given to it.

mod access;
mod answer;
mod own_metrics;
mod page;
mod respond;
mod server;
mod serving;
mod shared;
mod tls;

pub(crate) use access::Access;
pub(crate) use answer::{Answer, Facts, Group, Health, Line, Verdict};
pub(crate) use server::serve;
pub(crate) use serving::Serving;
pub(crate) use shared::{Look, Pace, Watched};
pub(crate) use tls::{Certificates, acceptor};
