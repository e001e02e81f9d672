//! `drain`: whatever happens to it, in whatever order, it leaves nothing closed unless it is killed; and then `--restore` opens it
//! with one command.
//!
//! `PGCONN_TEST_HISTORIES` says how many histories are played, `PGCONN_TEST_SEED` from which one on; each says its seed when it fails.

use crate::common::{Cluster, Outcome, Pgconn, Running, wait_until, with};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How many are played in the suite.
const HISTORIES: u64 = 14;

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// What can happen to a drain.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Interrupt,
    Terminate,
    Kill,
    Lost,
    Restart,
    Owner,
    Rename,
    Drop,
    Second,
}

const EVENTS: [Event; 10] = [
    Event::Interrupt,
    Event::Terminate,
    Event::Kill,
    Event::Kill,
    Event::Lost,
    Event::Restart,
    Event::Owner,
    Event::Rename,
    Event::Drop,
    Event::Second,
];

/// Whether it has ended, seen from outside.
fn is_over(run: &Running) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", run.pid())).is_ok_and(|stat| stat.contains(") Z "))
}

/// One run of a drain, from before it begins.
struct History {
    chance: Chance,
    /// What is told when it fails.
    told: String,
    fence: &'static str,
    user: &'static str,
    /// The oid of what is closed.
    oid: String,
    before: String,
    events: Vec<Event>,
}

impl History {
    fn is_role(&self) -> bool {
        self.fence == "role"
    }

    /// Who may enter, whoever owns it; nothing when it is no more.
    fn closable(&self, cluster: &Cluster) -> Option<String> {
        let what = if self.is_role() {
            "rolconnlimit::text from pg_roles".to_owned()
        } else {
            let may = |role| format!("has_database_privilege('{role}', datname, 'connect')");
            format!(
                "concat_ws(' ', datconnlimit, datallowconn, {}, {}, {}) from pg_database",
                may("web"),
                may("guest"),
                may("other")
            )
        };
        let rows = cluster.query(&format!("select {what} where oid = {}", self.oid));
        rows.first().map(|row| row[0].clone().unwrap())
    }

    fn name(&self, cluster: &Cluster) -> Option<String> {
        let what = if self.is_role() { "rolname from pg_roles" } else { "datname from pg_database" };
        let rows = cluster.query(&format!("select {what} where oid = {}", self.oid));
        rows.first().map(|row| row[0].clone().unwrap())
    }

    fn begin(seed: u64, cluster: &Cluster) -> Self {
        let mut chance = Chance(seed);
        cluster.query("drop database if exists shop with (force)");
        cluster.query("drop database if exists store with (force)");
        cluster.query("drop role if exists app");
        cluster.query("drop role if exists app2");
        let limit = chance.of(&[-1, 7]);
        cluster.query(&format!("create database shop owner boss connection limit {limit}"));
        cluster.query(&format!("create role app login connection limit {limit}"));
        if chance.below(2) == 0 {
            cluster.query("revoke connect on database shop from public");
            cluster.query("grant connect on database shop to guest; grant connect on database shop to web with grant option");
        }
        let fence = chance.of(&["limit", "revoke", "hard", "role"]);
        let user = if fence == "role" { "postgres" } else { chance.of(&["postgres", "boss"]) };
        let of = if fence == "role" {
            "pg_roles where rolname = 'app'"
        } else {
            "pg_database where datname = 'shop'"
        };
        let oid = cluster.value(&format!("select oid from {of}"));
        // Left to chance alone, few of a small number would be killed while it is closed.
        let events = if seed % 4 == 0 {
            vec![
                chance.of(&[Event::Lost, Event::Restart, Event::Owner, Event::Rename, Event::Second]),
                Event::Kill,
            ]
        } else {
            (0..=chance.below(3)).map(|_| chance.of(&EVENTS)).collect()
        };
        let told = format!("seed {seed}: {fence} by {user}, {events:?}");
        let mut history = Self { chance, told, fence, user, oid, before: String::new(), events };
        history.before = history.closable(cluster).unwrap();
        history
    }

    fn start(&mut self, gate: &Path, cluster: &Cluster) -> Running {
        let what = if self.is_role() { ["--role", "app"] } else { ["--db", "shop"] };
        let fence = if self.is_role() { "limit" } else { self.fence };
        fs::write(gate, "").unwrap();
        let script = format!("echo ready; while [ -e '{}' ]; do sleep 0.02; done", gate.display());
        let rest = match self.chance.below(2) {
            0 => vec!["--for", "1h"],
            _ => vec!["--", "sh", "-c", script.as_str()],
        };
        let first = ["drain", what[0], what[1], "--fence", fence, "-U", self.user];
        let run = Pgconn::new(&[&first[..], &rest].concat()).on(cluster);
        match self.chance.below(5) {
            0 => {
                let step = self.chance.of(&["close", "settle", "look", "reopen"]);
                let _ = write!(self.told, ", a panic planted at {step}");
                run.env("PGCONN_PLANTED_PANIC", step)
            }
            _ => run,
        }
        .spawn()
    }

    /// Waits until it is held, or a moment that falls anywhere.
    fn pause(&mut self, run: &Running) {
        if self.chance.below(2) == 0 {
            let held = || run.stderr().contains("closed and empty") || run.stdout().contains("ready");
            wait_until("it is held, or over", || held() || is_over(run));
            let _ = write!(self.told, ", held");
        } else {
            let time = self.chance.below(120);
            let _ = write!(self.told, ", after {time} ms");
            std::thread::sleep(Duration::from_millis(time));
        }
    }

    fn happen(&mut self, event: Event, run: &Running, cluster: &mut Cluster) {
        let kind = if self.is_role() { "role" } else { "database" };
        let name = self.name(cluster);
        match (event, name) {
            (Event::Interrupt, _) => run.signal(Signal::SIGINT),
            (Event::Terminate, _) => run.signal(Signal::SIGTERM),
            (Event::Kill, _) => run.signal(Signal::SIGKILL),
            (Event::Lost, _) => {
                cluster.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgconn'",
                );
            }
            (Event::Restart, _) => {
                cluster.stop();
                cluster.launch(&|| true).unwrap();
            }
            // Each waits for its turn, as whoever else alters it.
            (Event::Owner, Some(name)) if !self.is_role() => {
                cluster.query(&format!("alter database {name} owner to heir"));
            }
            (Event::Rename, Some(name)) if name == "shop" || name == "app" => {
                let to = if self.is_role() { "app2" } else { "store" };
                // Who is on the way in keeps it from being renamed.
                let _ = cluster.session().run(&format!("alter {kind} {name} rename to {to}"));
            }
            (Event::Drop, Some(name)) => {
                let _ = cluster.session().run(&format!("drop {kind} {name}"));
            }
            (Event::Second, Some(name)) => {
                let fence =
                    if self.is_role() { "limit" } else { self.chance.of(&["limit", "revoke", "hard"]) };
                let flag = if self.is_role() { "--role" } else { "--db" };
                let second =
                    Pgconn::new(&["drain", flag, &name, "--fence", fence, "--for", "1ms"]).on(cluster).run();
                self.judge_words(&second, cluster);
            }
            (Event::Owner | Event::Rename | Event::Drop | Event::Second, _) => {}
        }
    }

    /// What it says is so: nothing that it calls open is closed, unless another drain has closed it since.
    fn judge_words(&self, outcome: &Outcome, cluster: &Cluster) {
        let says = outcome.to_string();
        if outcome.code == 0 && says.contains("open as before") && !self.events.contains(&Event::Second) {
            assert_eq!(
                self.closable(cluster).as_deref(),
                Some(self.before.as_str()),
                "{}\n{outcome}",
                self.told
            );
        }
    }

    /// Plays it to its end; returns whether it was left closed by a kill.
    fn end(mut self, run: Running, gate: &Path, cluster: &Cluster) -> bool {
        if !is_over(&run) {
            self.pause(&run);
            run.signal(Signal::SIGTERM);
        }
        // The command of one that was killed goes on.
        fs::remove_file(gate).unwrap();
        let outcome = run.finish();
        self.judge_words(&outcome, cluster);
        let is_killed = outcome.code == 137;
        let Some(after) = self.closable(cluster) else { return false };
        let story = format!("{}\n{outcome}", self.told);
        // Who has lost the right to open it cannot, and has said so.
        let may_not = self.user == "boss" && self.events.contains(&Event::Owner);
        if after != self.before {
            assert!(is_killed || may_not, "it was left closed ({after}, not {})\n{story}", self.before);
            assert!(is_killed || outcome.stderr.contains("was left closed"), "{story}");
        }
        let restored = Pgconn::new(&["drain", "--restore"]).on(cluster).run();
        assert_eq!(restored.code, 0, "{story}\n{restored}");
        assert_eq!(self.closable(cluster), Some(self.before.clone()), "{story}\n{restored}");
        let left: Vec<_> = fs::read_dir(cluster.dir.join("state/pgconn")).into_iter().flatten().collect();
        assert!(left.is_empty(), "{left:?}\n{story}\n{restored}");
        // It is not only written in the catalogue.
        let (user, database) = match (self.is_role(), self.name(cluster).unwrap()) {
            (true, name) => (name, "postgres".to_owned()),
            (false, name) => ("web".to_owned(), name),
        };
        drop(cluster.connect(&[("user", &user), ("database", &database)]).expect(&story));
        is_killed && after != self.before
    }
}

#[test]
fn nothing_is_left_closed_but_by_a_kill_and_that_is_opened_with_one_command() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("PGCONN_TEST_SEED").unwrap_or(1);
    let histories = number("PGCONN_TEST_HISTORIES").unwrap_or(HISTORIES);
    let mut cluster = with(&[]);
    cluster.query(
        "create role boss login; create role web login; create role guest login; create role other login; create role heir",
    );
    let gate = cluster.dir.join("gate");
    let mut left_closed = 0;
    for seed in first..first + histories {
        let mut history = History::begin(seed, &cluster);
        let run = history.start(&gate, &cluster);
        for event in history.events.clone() {
            history.pause(&run);
            history.happen(event, &run, &mut cluster);
        }
        left_closed += u64::from(history.end(run, &gate, &cluster));
        cluster.wait_until("not exists (select from pg_locks where locktype = 'advisory')");
    }
    assert!(left_closed > 0 || histories < HISTORIES, "nothing was left closed in {histories} histories");
    println!("{histories} histories, {left_closed} left closed by a kill, and all of these opened again");
}
