//! `pooler`: the real PgBouncer in its three modes, with clients at work, waiting and idle.

mod connections;
mod console;
mod disabled;
mod join;
mod pools;
mod several;

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, wait_until, with};
use serde_json::Value;

/// A pooler in front of a server of its own, with a pool of two for each user.
pub(crate) struct Pooled {
    pub(crate) pooler: PgBouncer,
    pub(crate) cluster: Cluster,
}

pub(crate) fn pooled(mode: &str, settings: &[(&str, &str)]) -> Pooled {
    let cluster = with(&[("max_connections", "30")]);
    cluster.query("create role app login");
    let settings =
        [&[("pool_mode", mode), ("default_pool_size", "2"), ("stats_users", "watcher")], settings].concat();
    let pooler = PgBouncer::start(&cluster, &["app", "watcher", "stranger"], &settings);
    Pooled { pooler, cluster }
}

impl Pooled {
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.as_user("postgres", arguments)
    }

    pub(crate) fn as_user(&self, user: &str, arguments: &[&str]) -> Outcome {
        let port = self.pooler.port.to_string();
        // The environment is psql's, of a shell that looks at the server: only the port differs.
        Pgconn::new(&[&["-p", &port, "-U", user, "pooler"], arguments].concat()).on(&self.cluster).run()
    }

    pub(crate) fn client(&self, application: &str) -> Session {
        self.pooler.connect(&[("user", "app"), ("application_name", application)]).unwrap()
    }

    /// A client in a transaction, so that it holds a connection to the server in every mode.
    pub(crate) fn working(&self, application: &str) -> Session {
        let mut client = self.client(application);
        client.query("begin");
        client
    }

    /// A client that waits for a connection to the server.
    pub(crate) fn waiting(&self, application: &str) -> Session {
        let mut client = self.client(application);
        client.send("select 1");
        self.wait_for(application, "waiting");
        client
    }

    pub(crate) fn clients(&self) -> Vec<Value> {
        let answer = self.run(&["clients", "--json"]).success().json();
        answer["clients"].as_array().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, application: &str, state: &str) {
        wait_until(&format!("{application} is {state}"), || {
            self.clients().iter().any(|row| {
                row["client"]["application_name"] == application && row["client"]["state"] == state
            })
        });
    }

    pub(crate) fn pool(&self) -> Value {
        let answer = self.run(&["--role", "app", "--json"]).success().json();
        answer["pools"][0].clone()
    }
}

/// The names of the clients in a list of connections.
fn applications(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row["client"]["application_name"].as_str().unwrap_or("-")).collect()
}
