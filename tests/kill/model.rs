//! `kill`: random populations and random filters against a model of what filters mean: by whatever way, whatever the role has set,
//! whatever names somebody has planted, and while sessions go on.

use super::{kill, pids};
use crate::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, with};
use crate::planted::plant_exchange;
use std::thread;
use std::time::{Duration, Instant};

/// A session as the model of the property test knows it.
struct Known {
    session: Session,
    database: &'static str,
    role: &'static str,
    application: &'static str,
    state: &'static str,
}

/// The same small generator on every run: what fails once fails again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const DATABASES: [&str; 5] = ["postgres", "shop", "shop_2", "Shop 3", "stock"];

const ROLES: [&str; 4] = ["postgres", "web", "we%b", "stock"];

const APPLICATIONS: [&str; 5] = ["", "api", "api-2", "a%i", "it's \\ \"x\""];

const STATES: [&str; 4] = ["idle", "active", "idle in transaction", "idle in transaction (aborted)"];

fn populate(cluster: &Cluster, dice: &mut Dice) -> Known {
    let (database, role) = (dice.pick(&DATABASES), dice.pick(&ROLES));
    let (application, state) = (dice.pick(&APPLICATIONS), dice.pick(&STATES));
    let parameters = [("database", database), ("user", role), ("application_name", application)];
    let session = match state {
        "active" => {
            let mut session = cluster.connect(&parameters).unwrap();
            session.send("select pg_sleep(3600)");
            session
        }
        "idle in transaction" => cluster.idle_in_transaction(&parameters, "select 1"),
        "idle in transaction (aborted)" => cluster.aborted(&parameters),
        _ => cluster.connect(&parameters).unwrap(),
    };
    Known { session, database, role, application, state }
}

/// What one flag means, written down a second time: one of the positive values, none of the others.
fn passes(values: &[String], actual: &str, fits: impl Fn(&str, &str) -> bool) -> bool {
    let (negative, positive): (Vec<&String>, Vec<&String>) =
        values.iter().partition(|value| value.starts_with('!'));
    (positive.is_empty() || positive.iter().any(|value| fits(value, actual)))
        && !negative.iter().any(|value| fits(&value[1..], actual))
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| glob(rest, &tail[at..]))
        }),
    }
}

fn in_state(word: &str, state: &str) -> bool {
    match word {
        "idle-in-transaction" => state.starts_with("idle in transaction"),
        "aborted" => state == "idle in transaction (aborted)",
        word => word == state,
    }
}

/// Values for a flag: mostly none or one, sometimes several, sometimes an exclusion.
fn values(dice: &mut Dice, choices: &[&str]) -> Vec<String> {
    let count = dice.pick(&[0, 0, 1, 1, 2]);
    (0..count).map(|_| format!("{}{}", dice.pick(&["", "", "!"]), dice.pick(choices))).collect()
}

/// How pgconn comes to the server.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// As the superuser.
    Plain,
    /// As a role with hostile settings, in whose path names are planted.
    Trapped,
    /// As that role, through a pooler in transaction mode.
    Pooled,
}

/// A role that may signal everybody, whose sessions are serializable, deferred and read only, and which finds planted names
/// before PostgreSQL's own.
fn trap(cluster: &Cluster) {
    cluster.query("create role ops login superuser; create schema traps");
    let mut session = cluster.session();
    for schema in ["traps", "public"] {
        plant_exchange(&mut session, schema, ["web", "stock"]);
    }
    for setting in [
        "search_path = traps, public, pg_catalog",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "default_transaction_read_only = on",
    ] {
        cluster.query(&format!("alter role ops set {setting}"));
    }
}

/// After a COMMIT that was acknowledged a signal may still be under way, not be sent: this is how long the test allows it to be,
/// on a machine that is busy with other tests.
const UNDER_WAY: Duration = Duration::from_millis(150);

/// Commits `after` a while, as the kill runs, and says whether the session was let live; what is ended long after its commit is a wrong death.
fn race(session: &mut Session, after: Duration) -> bool {
    thread::sleep(after);
    if session.run("commit").is_err() {
        return false;
    }
    let committed = Instant::now();
    while committed.elapsed() < 3 * UNDER_WAY {
        if session.run("select 1").is_err() {
            assert!(committed.elapsed() < UNDER_WAY, "ended {:?} after its commit", committed.elapsed());
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Kills by these arguments, while those of `racing` commit. Returns with the outcome the pids of those that went on.
fn killed(run: Pgconn, racing: Vec<&mut Known>) -> (Outcome, Vec<i32>) {
    thread::scope(|scope| {
        let racers: Vec<_> = racing
            .into_iter()
            .zip(1..)
            .map(|(known, at)| {
                let after = at * Duration::from_millis(4);
                scope.spawn(move || race(&mut known.session, after).then_some(known.session.pid))
            })
            .collect();
        let outcome = run.run().success();
        let spared = racers.into_iter().filter_map(|racer| racer.join().unwrap());
        (outcome, spared.collect())
    })
}

/// Random populations and random filters: what dies is exactly what the filter says.
#[test]
fn what_dies_is_exactly_what_the_filter_says() {
    let cluster = with(&[("max_connections", "130")]);
    for database in &DATABASES[1..] {
        cluster.query(&format!("create database \"{database}\""));
    }
    cluster.query("create role web login; create role \"we%b\" login; create role stock login");
    trap(&cluster);
    let pooler = PgBouncer::start(&cluster, &["ops"], &[("pool_mode", "transaction")]);
    let mut dice = Dice(20_260_101);
    let mut population: Vec<Known> = Vec::new();
    let (mut seen, mut rounds, mut ended, mut raced) = (0, 0, 0, 0);
    while seen < 3000 {
        let fresh = 100 - population.len();
        population.extend((0..fresh).map(|_| populate(&cluster, &mut dice)));
        let busy = population.iter().filter(|known| known.state == "active").count();
        cluster.wait_until(&format!(
            "count(*) = {busy} from pg_stat_activity where query = 'select pg_sleep(3600)' and state = 'active'"
        ));
        let databases = values(&mut dice, &["postgres", "shop", "shop*", "Shop 3", "stock", "*"]);
        let roles = values(&mut dice, &["web", "we%b", "w*b", "postgres", "stock"]);
        let applications = values(&mut dice, &["api", "a*", "a%i", "*-2", "it's \\ \"x\""]);
        let states = values(&mut dice, &["idle", "active", "idle-in-transaction", "aborted"]);
        let mut arguments = vec!["--yes".to_owned()];
        for (flag, values) in
            [("--db", &databases), ("--role", &roles), ("--app", &applications), ("--state", &states)]
        {
            arguments.extend(values.iter().map(|value| format!("{flag}={value}")));
        }
        if arguments.len() == 1 {
            continue;
        }
        let doomed = |known: &Known| {
            passes(&databases, known.database, glob)
                && passes(&roles, known.role, glob)
                && passes(&applications, known.application, glob)
                && passes(&states, known.state, in_state)
        };
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let way = [Way::Plain, Way::Trapped, Way::Pooled][rounds % 3];
        let run = match way {
            Way::Plain => kill(&cluster, &words),
            Way::Trapped => kill(&cluster, &words).env("PGUSER", "ops"),
            Way::Pooled => kill(&cluster, &words)
                .env("PGUSER", "ops")
                .env("PGHOST", "127.0.0.1")
                .env("PGPORT", pooler.port.to_string()),
        };
        let (mut dead, mut alive): (Vec<Known>, Vec<Known>) = population.into_iter().partition(doomed);
        // Who leaves the state that is asked for may go on.
        let leaves = |known: &&mut Known| {
            states.iter().any(|state| !state.starts_with('!'))
                && known.state == "idle in transaction"
                && !passes(&states, "idle", in_state)
        };
        let (outcome, spared) = killed(run, dead.iter_mut().filter(leaves).collect());
        raced += spared.len();
        let document = outcome.json();
        for result in document["results"].as_array().unwrap() {
            let spared = spared.iter().any(|pid| result["pid"] == *pid);
            assert!(!spared || result["result"] == "changed", "{way:?} {arguments:?}\n{outcome}");
        }
        let (mut went_on, died): (Vec<Known>, Vec<Known>) =
            dead.into_iter().partition(|known| spared.contains(&known.session.pid));
        dead = died;
        went_on.iter_mut().for_each(|known| known.state = "idle");
        alive.append(&mut went_on);
        let mut expected: Vec<i32> = dead.iter().map(|known| known.session.pid).collect();
        expected.sort_unstable();
        assert_eq!(pids(&outcome, "terminated"), expected, "{way:?} {arguments:?}");
        let left = cluster.query(
            "select pid from pg_stat_activity where backend_type = 'client backend' and application_name not in ('pgconn', 'test') order by pid",
        );
        let left: Vec<i32> = left.iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect();
        let mut spared: Vec<i32> = alive.iter().map(|known| known.session.pid).collect();
        spared.sort_unstable();
        assert_eq!(left, spared, "{arguments:?}");
        dead.iter_mut().for_each(|known| assert!(known.session.is_ended()));
        seen += dead.len() + alive.len();
        rounds += 1;
        ended += dead.len();
        population = alive;
    }
    assert!(rounds >= 30 && ended >= 100 && raced > 0, "{rounds} rounds, {ended} ended, {raced} went on");
}
