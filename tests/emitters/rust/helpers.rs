//! Runs what --helpers adds to sqlx against a real server: failing statements, a server that goes away, a used up pool. The file is
//! planned for 2 connections and 1 s of waiting; CLUSTER is the command that starts, stops and restarts the server.

#[allow(dead_code, reason = "the emitted file is the application's")]
#[path = "sqlx-helpers.rs"]
mod emitted;

use std::cell::RefCell;
use std::env;
use std::fmt::Debug;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ::sqlx::{Connection, Executor, PgConnection, PgPool};
use emitted::{BoxError, Work};
use prometheus::Registry;

const MOST: usize = 2;
const ROW: &str = "insert into t values (1)";
const FAILS: &str = "select 1/0";
const SESSIONS: &str = "select count(*) from pg_stat_activity where application_name = 'shop'";
const END_ALL: &str =
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'shop'";
const END_MINE: &str = "select pg_terminate_backend(pg_backend_pid())";
const FATAL: &str = "insert into fatal values (1)";
/// A step that ends the session from outside, and fails with an error of the application's own.
const OWN: &str = "own";
/// A step that restarts the server, the first time.
const RESTART: &str = "restart";

thread_local! { static RUNS: RefCell<u32> = const { RefCell::new(0) }; }
static RESTARTS: AtomicU32 = AtomicU32::new(0);

fn cluster(act: &str) {
    let line = env::var("CLUSTER").unwrap().replace("ACT", act);
    let mut words = line.split_whitespace();
    assert!(Command::new(words.next().unwrap()).args(words).status().unwrap().success(), "{line}");
}

async fn outside(sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(&env::var("DATABASE_URL").unwrap()).await.unwrap();
    let answer = if sql.starts_with("select") {
        ::sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    } else {
        connection.execute(sql).await.unwrap();
        0
    };
    connection.close().await.unwrap();
    answer
}

async fn step(connection: &mut PgConnection, step: &'static str) -> Result<(), BoxError> {
    match step {
        OWN => {
            outside(END_ALL).await;
            Err("mine".into())
        }
        RESTART => {
            if RESTARTS.fetch_add(1, Ordering::Relaxed) == 0 {
                cluster("restart");
            }
            Ok(())
        }
        sql => connection.execute(sql).await.map(drop).map_err(Into::into),
    }
}

fn work<'c>(connection: &'c mut PgConnection, steps: &'static [&'static str]) -> Work<'c, ()> {
    RUNS.with_borrow_mut(|runs| *runs += 1);
    Box::pin(async move {
        for each in steps {
            step(connection, each).await?;
        }
        Ok(())
    })
}

/// The SQLSTATE, or the text, of a transaction's error, and how often it ran.
fn outcome(result: Result<(), BoxError>) -> (String, u32) {
    let words = match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => match error.downcast_ref::<::sqlx::Error>() {
            Some(::sqlx::Error::Database(refused)) => refused.code().unwrap().into_owned(),
            Some(::sqlx::Error::PoolTimedOut) => "used up".to_owned(),
            _ => error.to_string(),
        },
    };
    (words, RUNS.with_borrow_mut(std::mem::take))
}

async fn once(pool: &PgPool, steps: &'static [&'static str]) -> (String, u32) {
    outcome(emitted::transaction(pool, |connection| work(connection, steps)).await)
}

async fn again(pool: &PgPool, steps: &'static [&'static str]) -> (String, u32) {
    outcome(emitted::transaction_with_retry(pool, 3, |connection| work(connection, steps)).await)
}

fn equal<T: PartialEq + Debug>(what: &str, seen: T, wanted: T) {
    assert!(seen == wanted, "{what}: {seen:?} instead of {wanted:?}");
}

async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 10 s");
}

async fn all_can_be_taken(pool: &PgPool) {
    let mut taken = Vec::new();
    for _ in 0..MOST {
        taken.push(emitted::acquire(pool).await.unwrap());
    }
    drop(taken);
    until(async || pool.size() as usize == pool.num_idle()).await;
    let left = "select count(*) from pg_stat_activity where application_name = 'shop' and state like 'idle in%'";
    equal("left in a transaction", outside(left).await, 0);
}

async fn health(pool: &PgPool) -> (&'static str, u16) {
    let health = emitted::health(pool).await;
    let json = health.json();
    assert!(json.starts_with(&format!(r#"{{"status":"{}","latency_ms":"#, health.status)), "{json}");
    assert!(json.ends_with(&format!(r#""waiting":{}}}"#, health.waiting)), "{json}");
    (health.status, health.code)
}

fn gauge(registry: &Registry) -> Vec<(String, f64)> {
    let [family] = registry.gather().try_into().unwrap();
    assert_eq!(family.name(), "db_pool_connections");
    let one = |metric: &prometheus::proto::Metric| {
        (metric.get_label()[0].value().to_owned(), metric.get_gauge().get_value())
    };
    family.get_metric().iter().map(one).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    outside("create table t (n int)").await;
    outside("create table fatal (n int)").await;
    outside("create function die() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'").await;
    outside("create constraint trigger doom after insert on fatal deferrable initially deferred for each row execute function die()").await;
    let pool = emitted::connect().await.unwrap();
    let registry = Registry::new();
    emitted::show_metrics(&pool, &registry).unwrap();
    let rows = || outside("select count(*) from t");
    let error = |words: &str, runs| (words.to_owned(), runs);

    // A statement that fails.
    equal("statement", again(&pool, &[ROW, FAILS]).await, error("22012", 1));
    equal("rows", rows().await, 0);
    equal("success", once(&pool, &[ROW]).await, error("ok", 1));
    equal("rows", rows().await, 1);
    // a server may run it in a task of its own
    let other = pool.clone();
    let task = tokio::spawn(async move {
        emitted::transaction(&other, |connection| {
            Box::pin(async move { Ok(connection.execute(ROW).await?.rows_affected()) })
        })
        .await
    });
    equal("task", task.await.unwrap().unwrap(), 1);

    // A server that restarts in the middle of a transaction.
    equal("restart", again(&pool, &[ROW, RESTART, ROW]).await, error("ok", 2));
    equal("rows", rows().await, 4);

    // Its own session ends; an error of the application's own is not masked by a ROLLBACK that fails.
    equal("ended", once(&pool, &[END_MINE]).await, error("57P01", 1));
    equal("own error", again(&pool, &[ROW, OWN]).await, error("mine", 1));
    until(async || outside(SESSIONS).await <= MOST as i64).await;

    // A COMMIT whose fate is unknown.
    equal("commit", again(&pool, &[FATAL]).await, error("57P01", 1));

    // A hundred errors.
    let kinds: [&[&str]; 4] = [&[ROW, FAILS], &[ROW, OWN], &[ROW, END_MINE], &[FATAL]];
    for run in 0..100 {
        let kind = if run % 5 == 0 { kinds[run / 5 % 4] } else { kinds[0] };
        assert_ne!(once(&pool, kind).await.0, "ok");
    }
    all_can_be_taken(&pool).await;
    equal("rows", rows().await, 4);

    // A pool that is used up.
    equal("health", health(&pool).await, ("healthy", 200));
    let taken = [emitted::acquire(&pool).await.unwrap(), emitted::acquire(&pool).await.unwrap()];
    equal("used up", health(&pool).await, ("degraded", 503));
    let waits = async || {
        until(async || {
            let seen = gauge(&registry);
            let states = [("total", 2.0), ("idle", 0.0), ("waiting", 1.0)];
            states.iter().all(|(state, value)| seen.contains(&((*state).to_owned(), *value)))
        })
        .await;
    };
    let (waiter, ()) = tokio::join!(again(&pool, &["select 1"]), waits());
    equal("waiter", waiter, error("used up", 0));
    let late = async {
        waits().await;
        let (seen, ()) = tokio::join!(health(&pool), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(taken);
        });
        seen
    };
    let (waiter, seen) = tokio::join!(once(&pool, &["select 1"]), late);
    equal("while others wait", seen, ("degraded", 200));
    equal("waiter", waiter, error("ok", 1));
    all_can_be_taken(&pool).await;

    // A server that is away.
    cluster("stop");
    equal("away", health(&pool).await, ("unhealthy", 503));
    cluster("start");
    equal("back", health(&pool).await, ("healthy", 200));
    emitted::close(&pool).await;
    until(async || outside(SESSIONS).await == 0).await;
}
