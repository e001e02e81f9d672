//! `top`: the facts and acts of the commands on one screen. A pure state machine ([`state`], [`update`]), what it looks
//! like ([`view`]), and the loop that drives all of it ([`driver`]). It has no SQL, no rule
//! and no signal of its own: it asks through `observe` and `db`, judges by `analyze`, and acts by `act`.

mod canvas;
mod choose;
mod console;
mod dialog;
mod driver;
mod entries;
mod event;
mod line;
mod list;
mod pools;
mod servers;
mod services;
mod state;
#[cfg(test)]
mod tests;
mod typing;
mod update;
mod view;
mod work;

pub(crate) use choose::{Chosen, choose};
pub(crate) use console::PoolerSetup;
pub(crate) use driver::{Ended, Failed, Observers, run};
pub(crate) use event::View;
pub(crate) use servers::{Found, Listed, News, Servers, Wish};
pub(crate) use services::{ActLog, Services};
pub(crate) use state::{INTERVALS, SORTS, Setup};
pub(crate) use view::Look;
