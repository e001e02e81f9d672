//! `kill`: the right sessions, all of them, and nobody else.

mod consent;
mod course;
mod identity;
mod leftovers;
pub(crate) mod logging;
pub(crate) mod model;
mod output;
mod permissions;
mod places;
mod plan;
mod prompt;
pub(crate) mod racing;
mod returning;

use super::common::{Cluster, Outcome, Pgconn, Session, shared};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

/// The pids that a JSON outcome lists with this result, in ascending order.
pub(crate) fn pids(outcome: &Outcome, result: &str) -> Vec<i32> {
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    let mut pids: Vec<i32> = results
        .iter()
        .filter(|row| row["result"] == result)
        .map(|row| i32::try_from(row["pid"].as_i64().unwrap()).unwrap())
        .collect();
    pids.sort_unstable();
    pids
}

pub(crate) fn row(outcome: &Outcome, pid: i32) -> Value {
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    results.iter().find(|row| row["pid"] == pid).unwrap_or_else(|| panic!("no {pid}\n{outcome}")).clone()
}

pub(crate) fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

pub(crate) fn is_there(cluster: &Cluster, pid: i32) -> bool {
    cluster.value(&format!("select count(*) from pg_stat_activity where pid = {pid}")) == "1"
}

pub(crate) fn session_id(cluster: &Cluster, pid: i32, later: i32) -> String {
    cluster.value(&format!(
        "select to_hex(floor(extract(epoch from backend_start))::int8 + {later}) || '.' || to_hex(pid) \
         from pg_stat_activity where pid = {pid}"
    ))
}

pub(crate) fn kill(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["kill", "--json"], arguments].concat()).on(cluster)
}

/// Stops a backend, so that a signal reaches it only when it may go on.
pub(crate) struct Stopped(i32);

impl Stopped {
    pub(crate) fn new(pid: i32) -> Self {
        nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(Pid::from_raw(self.0), Signal::SIGCONT);
    }
}

#[test]
fn a_named_session_is_ended_and_seen_gone() {
    let cluster = shared();
    let mut victim = cluster.connect(&app("kill-named")).unwrap();
    let mut neighbour = cluster.connect(&app("kill-named")).unwrap();
    let outcome = Pgconn::new(&["kill", &victim.pid.to_string()]).on(cluster).run().success();
    assert!(outcome.stdout.ends_with("terminated\n1 terminated\n"), "{outcome}");
    assert!(outcome.stderr.contains("would terminate"), "the plan comes first\n{outcome}");
    assert!(victim.is_ended());
    assert_eq!(neighbour.query("select 1")[0][0].as_deref(), Some("1"));
    let again = kill(cluster, &[&victim.pid.to_string()]).run().fails_with(1);
    assert_eq!(pids(&again, "gone"), [victim.pid]);
}

#[test]
fn a_filter_is_the_consent_without_a_terminal() {
    let cluster = shared();
    let mut victims: Vec<Session> = (0..3).map(|_| cluster.connect(&app("kill-filter")).unwrap()).collect();
    let mut busy = cluster.idle_in_transaction(&app("kill-filter"), "select 1");
    let outcome = kill(cluster, &["--app", "kill-filter", "--state", "idle"]).run().success();
    let document = outcome.json();
    assert_eq!(document["kind"], "kill");
    assert_eq!(document["action"], "terminate");
    for (key, count) in [
        ("matched", 3),
        ("succeeded", 3),
        ("failed", 0),
        ("skipped", 0),
        ("undecidable", 0),
        ("remaining_matching", 0),
    ] {
        assert_eq!(document[key], count, "{key}\n{outcome}");
    }
    assert!(victims.iter_mut().all(Session::is_ended));
    busy.query("select 1");
    let nothing = Pgconn::new(&["kill", "--app", "kill-filtre"]).on(cluster).run().success();
    assert_eq!(nothing.stdout, "no session matches\n");
    assert!(nothing.stderr.contains("did you mean --app kill-filter?"), "{nothing}");
}
