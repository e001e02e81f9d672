//! `kill`: random populations and random filters against a model of what filters mean.

use super::{kill, pids};
use crate::common::{Cluster, Session, with};

/// A session as the model of the property test knows it.
struct Known {
    session: Session,
    database: &'static str,
    role: &'static str,
    application: &'static str,
    state: &'static str,
}

/// The same small generator on every run: what fails once fails again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const DATABASES: [&str; 3] = ["postgres", "shop", "shop_2"];

const ROLES: [&str; 3] = ["postgres", "web", "we%b"];

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

/// Random populations and random filters: what dies is exactly what the filter says.
#[test]
fn what_dies_is_exactly_what_the_filter_says() {
    let cluster = with(&[("max_connections", "130")]);
    cluster.query("create database shop");
    cluster.query("create database shop_2");
    cluster.query("create role web login; create role \"we%b\" login");
    let mut dice = Dice(20_260_101);
    let mut population: Vec<Known> = Vec::new();
    let (mut seen, mut rounds, mut ended) = (0, 0, 0);
    while seen < 1000 {
        let fresh = 100 - population.len();
        population.extend((0..fresh).map(|_| populate(&cluster, &mut dice)));
        let busy = population.iter().filter(|known| known.state == "active").count();
        cluster.wait_until(&format!(
            "count(*) = {busy} from pg_stat_activity where query = 'select pg_sleep(3600)' and state = 'active'"
        ));
        let databases = values(&mut dice, &["postgres", "shop", "shop*", "*"]);
        let roles = values(&mut dice, &["web", "we%b", "w*b", "postgres"]);
        let applications = values(&mut dice, &["api", "a*", "a%i", "*-2", "it's \\\\ \"x\""]);
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
            let plain: Vec<String> = applications.iter().map(|value| value.replace("\\\\", "\\")).collect();
            passes(&databases, known.database, glob)
                && passes(&roles, known.role, glob)
                && passes(&plain, known.application, glob)
                && passes(&states, known.state, in_state)
        };
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let outcome = kill(&cluster, &words).run().success();
        let (mut dead, alive): (Vec<Known>, Vec<Known>) = population.into_iter().partition(doomed);
        let mut expected: Vec<i32> = dead.iter().map(|known| known.session.pid).collect();
        expected.sort_unstable();
        assert_eq!(pids(&outcome, "terminated"), expected, "{arguments:?}");
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
    assert!(rounds >= 10 && ended >= 100, "{rounds} rounds, {ended} ended");
}
