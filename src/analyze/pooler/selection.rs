//! Which of a pooler's pools and connections are meant by filters, and the names that there are.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::filter::{ClientFilter as Origin, Name, Term};
use crate::model::pooler::{Link, Pool, PoolerFacts};

/// Which of a pooler's connections are meant. A console answers no conditions, so this is decided here, with the same
/// meaning as PostgreSQL gives the filters of sessions.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolerSelection {
    /// By the pooler's name of the database.
    pub(crate) databases: Vec<Term<Name>>,
    /// By user.
    pub(crate) roles: Vec<Term<Name>>,
    /// By `application_name`.
    pub(crate) applications: Vec<Term<Name>>,
    /// By the client's address.
    pub(crate) clients: Vec<Term<Origin>>,
    /// By the state of the client or, for a connection without one, its own.
    pub(crate) states: Vec<Term<String>>,
}

/// The names that a selection can mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// The pooler's names of databases.
    pub(crate) databases: BTreeSet<String>,
    /// Users.
    pub(crate) users: BTreeSet<String>,
    /// What clients are called.
    pub(crate) applications: BTreeSet<String>,
}

impl Names {
    /// Adds those of connections.
    pub(crate) fn add(&mut self, links: &[Link]) {
        for link in links {
            self.databases.insert(link.database.clone());
            self.users.insert(link.user.clone());
            let client = link.client.as_ref().and_then(|client| client.application_name.clone());
            let server = link.server.as_ref().and_then(|server| server.application_name.clone());
            self.applications.extend(client.or(server));
        }
    }
}

impl PoolerFacts {
    /// Of these databases and users alone, and of the pooler as a whole.
    pub(crate) fn narrowed(&self, databases: &[Term<Name>], roles: &[Term<Name>]) -> Self {
        let (mut facts, no_databases, no_roles) = (self.clone(), databases.is_empty(), roles.is_empty());
        let database = |name: &str| Term::any_of(databases, |term| term.fits(name));
        let role = |name: &str| Term::any_of(roles, |term| term.fits(name));
        facts.pools.retain(|pool| database(&pool.database) && role(&pool.user));
        facts.databases.retain(|known| no_roles && database(&known.name));
        facts.users.retain(|user| no_databases && role(&user.name));
        facts
    }

    /// The names of databases and users that the console shows.
    pub(crate) fn names(&self) -> Names {
        let databases = self.databases.iter().map(|database| &database.name);
        let users = self.users.iter().map(|user| &user.name);
        Names {
            databases: databases.chain(self.pools.iter().map(|pool| &pool.database)).cloned().collect(),
            users: users.chain(self.pools.iter().map(|pool| &pool.user)).cloned().collect(),
            applications: BTreeSet::new(),
        }
    }
}

impl PoolerSelection {
    /// Whether a name is given that may not exist.
    pub(crate) fn names_something(&self) -> bool {
        let names = [&self.databases, &self.roles, &self.applications];
        names.into_iter().flatten().any(|term| !term.exclude && matches!(term.value, Name::Exact(_)))
    }

    /// Whether a database is meant.
    pub(crate) fn has_database(&self, name: &str) -> bool {
        Term::any_of(&self.databases, |wanted| wanted.fits(name))
    }

    /// Whether a pool is meant.
    pub(crate) fn has_pool(&self, pool: &Pool) -> bool {
        self.has_database(&pool.database) && Term::any_of(&self.roles, |name| name.fits(&pool.user))
    }

    /// Whether a connection is meant; its states are those of the client, or of the server when `by_server`.
    pub(crate) fn has_link(&self, link: &Link, by_server: bool) -> bool {
        let client = link.client.as_ref();
        let server = link.server.as_ref();
        let application = client
            .and_then(|client| client.application_name.as_deref())
            .or_else(|| server.and_then(|server| server.application_name.as_deref()))
            .unwrap_or_default();
        let addr = client.and_then(|client| Some((client.addr.as_deref()?, client.port)));
        let state = match (client, server) {
            (_, Some(server)) if by_server => &server.state,
            (Some(client), _) => &client.state,
            (None, Some(server)) => &server.state,
            (None, None) => return false,
        };
        self.has_database(&link.database)
            && Term::any_of(&self.roles, |name| name.fits(&link.user))
            && Term::any_of(&self.applications, |name| name.fits(application))
            && Term::any_of(&self.clients, |origin| {
                addr.is_some_and(|(addr, port)| comes_from(origin, addr, port))
            })
            && Term::any_of(&self.states, |wanted| wanted == state)
    }
}

fn comes_from(origin: &Origin, addr: &str, port: Option<i64>) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    match origin {
        Origin::Local => addr == "local",
        Origin::Peer(peer) => {
            addr.parse() == Ok(peer.ip()) && port.is_some_and(|port| port == i64::from(peer.port()))
        }
        Origin::Network(network, length) => addr.parse::<IpAddr>().is_ok_and(|address| {
            let differing = bits(address) ^ bits(*network);
            address.is_ipv4() == network.is_ipv4() && differing.leading_zeros() >= u32::from(*length)
        }),
    }
}
