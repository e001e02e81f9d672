//! Who lives in the demo's server: a shop with the troubles that shops have.
//!
//! Sessions that stay as they are, one thread of ever-changing ones (a pool at work, an application that connects for each
//! request, a pool that leaks), and on request one that takes every slot that is left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, ClusterConfig, Session, SessionError};
use crate::db;

/// Time between two changes of the lively sessions.
const TICK: Duration = Duration::from_millis(100);

/// What the pool at work asks all day.
const WORK: &str = "select count(*) from orders, pg_sleep(0.2) where status = 'new'";

/// How many ticks until the leaking pool loses another session, and how many it can lose.
const LEAK_EVERY: usize = 15;
const LEAK_LIMIT: usize = 20;

/// How long a session may take to wait for its lock.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// What exists before anybody connects, one message each. Two names hold what would move a careless terminal's cursor. Every
/// role gets the superuser's password, from its verifier: so it is in no statement, and in no log of one.
const SETUP: [&str; 5] = [
    "create role web login connection limit 40;
     create role worker login;
     create role report login;
     create role deploy login superuser;
     create role monitor login in role pg_monitor;
     create role guest login;
     create role U&\"red\\001b[31malert\" login",
    "do $$ declare role record; begin
         for role in select rolname, (select rolpassword from pg_authid where rolname = 'postgres')
             from pg_authid where rolcanlogin and rolname <> 'postgres'
         loop
             execute format('alter role %I password %L', role.rolname, role.rolpassword);
         end loop;
     end $$",
    "create database shop connection limit 60",
    "create database analytics",
    "create database U&\"back\\001b[2Jup\"",
];

/// The tables of the shop.
const TABLES: &str = "
    create table account (id int primary key, balance numeric not null);
    create table orders (id int primary key, account int not null, status text not null);
    insert into account select i, i * 10 from generate_series(1, 100) i;
    insert into orders select i, i % 100 + 1, 'new' from generate_series(1, 500) i;
    grant select, insert, update on account, orders to web, worker, report";

/// Sessions of one kind that stay as they are.
struct Residents {
    count: usize,
    role: &'static str,
    database: &'static str,
    application: &'static str,
    /// Run and answered, one after the other; an error is part of the picture.
    before: &'static [&'static str],
    /// Sent last and left running.
    running: Option<&'static str>,
    /// Whether what is left running waits for a lock.
    waits: bool,
}

/// An idle session of nobody, which the others differ from.
const IDLE: Residents = Residents {
    count: 1,
    role: "worker",
    database: "shop",
    application: "",
    before: &["select 1"],
    running: None,
    waits: false,
};

/// In the order in which they connect, as waiting for a lock needs.
const RESIDENTS: [Residents; 15] = [
    Residents {
        count: 8,
        role: "web",
        application: "orders-api",
        before: &["select status from orders where id = 17"],
        ..IDLE
    },
    Residents { application: "psql", role: "guest", before: &["select version()"], ..IDLE },
    Residents {
        application: "grafana",
        role: "monitor",
        before: &["select count(*) from pg_stat_activity"],
        ..IDLE
    },
    Residents {
        count: 2,
        application: "sidekiq",
        before: &[
            "begin",
            "update orders set status = 'packed' where id = 3 and false",
            "select 1 /* sends e-mail */",
        ],
        ..IDLE
    },
    Residents {
        application: "sidekiq",
        before: &["begin", "insert into orders values (17, 17, 'new')", "select 'and on it goes'"],
        ..IDLE
    },
    Residents {
        count: 2,
        role: "report",
        database: "analytics",
        application: "metabase",
        before: &[],
        running: Some("select pg_sleep(86400) /* revenue by customer and month */"),
        ..IDLE
    },
    Residents {
        role: "report",
        database: "analytics",
        application: "airflow",
        before: &["begin isolation level repeatable read", "create temporary table load (i int)"],
        running: Some("select pg_sleep(86400) /* load of last night */"),
        ..IDLE
    },
    Residents {
        application: "billing",
        before: &["begin", "select balance from account where id = 1 for update"],
        ..IDLE
    },
    Residents {
        application: "billing",
        before: &["begin", "update account set balance = balance - 5 where id = 2"],
        running: Some("update account set balance = balance + 5 where id = 1"),
        waits: true,
        ..IDLE
    },
    Residents {
        role: "deploy",
        application: "migrate",
        before: &[],
        running: Some("alter table account add column note text"),
        waits: true,
        ..IDLE
    },
    Residents {
        count: 3,
        role: "web",
        application: "checkout",
        before: &[],
        running: Some("select balance from account where id = 42"),
        waits: true,
        ..IDLE
    },
    Residents {
        role: "red\u{1b}[31malert",
        database: "back\u{1b}[2Jup",
        application: "nightly \u{1b}[1m backup",
        before: &["select 'a bell \u{7}, red \u{1b}[31m, and backwards \u{202e}txet'"],
        ..IDLE
    },
    Residents {
        role: "postgres",
        application: "untracked",
        before: &["set track_activities = off", "begin"],
        ..IDLE
    },
    Residents {
        application: "invoicing",
        before: &[
            "begin",
            "update orders set status = 'billed' where id = 99",
            "prepare transaction 'invoice-4711'",
        ],
        ..IDLE
    },
    Residents {
        application: "refunds",
        before: &[],
        running: Some("update orders set status = 'refunded' where id = 99"),
        waits: true,
        ..IDLE
    },
];

/// The settings of the demo's server, whose roles have this password.
pub(super) fn settings(password: &str) -> ClusterConfig {
    let parameters =
        [("max_connections", "80"), ("max_prepared_transactions", "5"), ("cluster_name", "pgconn demo")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ClusterConfig {
        parameters: parameters.into(),
        password: Some(password.to_owned()),
        ..ClusterConfig::default()
    }
}

/// Everybody who lives there. Dropping it ends them.
pub(super) struct Population {
    _residents: Vec<Session>,
    moving_out: Arc<AtomicBool>,
}

impl Population {
    /// Fills a fresh server that has these [`settings`]' `password`; with `full`, to the last slot.
    ///
    /// Errors when the server refuses what it should not.
    pub(super) fn move_in(cluster: &Cluster, password: String, full: bool) -> Result<Self, SessionError> {
        let place = Place { dir: cluster.dir.clone(), port: cluster.port, password };
        let mut owner = place.connect("postgres", "postgres", "setup")?;
        for statement in SETUP {
            owner.run(statement)?;
        }
        place.connect("postgres", "shop", "setup")?.run(TABLES)?;
        let mut residents = Vec::new();
        for kind in &RESIDENTS {
            for _ in 0..kind.count {
                residents.push(place.settle(kind, &mut owner)?);
            }
        }
        drop(owner);
        let mut lively = Lively::new(place.clone())?;
        if full {
            residents.extend(place.fill("worker"));
            residents.extend(place.fill("postgres"));
        }
        let moving_out = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&moving_out);
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                lively.tick();
                thread::sleep(TICK);
            }
        });
        Ok(Self { _residents: residents, moving_out })
    }
}

impl Drop for Population {
    fn drop(&mut self) {
        self.moving_out.store(true, Ordering::Relaxed);
    }
}

/// Where the server is, and the password that it asks for over TCP.
#[derive(Clone)]
struct Place {
    dir: PathBuf,
    port: u16,
    password: String,
}

impl Place {
    fn connect(&self, role: &str, database: &str, application: &str) -> Result<Session, SessionError> {
        let parameters = [("user", role), ("database", database), ("application_name", application)];
        // the web comes from elsewhere, the rest lives on the same machine
        if role == "web" {
            let mut login = db::ScramLogin::new(&self.password);
            Session::open_over_tcp(self.port, &parameters, &mut |request| login.answer(request))
        } else {
            Session::open(&self.dir, self.port, &parameters)
        }
    }

    fn settle(&self, kind: &Residents, owner: &mut Session) -> Result<Session, SessionError> {
        let mut session = self.connect(kind.role, kind.database, kind.application)?;
        for statement in kind.before {
            // one of them is meant to fail
            let _ = session.run(statement);
        }
        if let Some(statement) = kind.running {
            session.send(statement);
        }
        let waiting = format!("select 1 from pg_locks where not granted and pid = {}", session.pid);
        let began = Instant::now();
        while kind.waits && owner.run(&waiting)?.is_empty() && began.elapsed() < LOCK_LIMIT {
            thread::sleep(Duration::from_millis(2));
        }
        Ok(session)
    }

    /// Sessions of `role` until the server refuses one.
    fn fill(&self, role: &'static str) -> impl Iterator<Item = Session> + '_ {
        std::iter::from_fn(move || self.connect(role, "analytics", "runaway").ok())
    }
}

/// The sessions that change all the time. When one is ended, its pool opens another, as pools do.
struct Lively {
    place: Place,
    ticks: usize,
    pool: [Option<Session>; 4],
    leaked: Vec<Session>,
}

impl Lively {
    fn new(place: Place) -> Result<Self, SessionError> {
        let open = || Self::open(&place).map(Some);
        let pool = [open()?, open()?, open()?, open()?];
        Ok(Self { place, ticks: 0, pool, leaked: Vec::new() })
    }

    /// A session of the pool, at work.
    fn open(place: &Place) -> Result<Session, SessionError> {
        let mut session = place.connect("web", "shop", "storefront")?;
        session.send(WORK);
        Ok(session)
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.work();
        if let Ok(mut request) = self.place.connect("web", "shop", "thumbnails.php") {
            let _ = request.run("select status from orders where id = 7");
        }
        if self.ticks.is_multiple_of(LEAK_EVERY) && self.leaked.len() < LEAK_LIMIT {
            self.leaked.extend(self.place.connect("web", "shop", "orders-api").and_then(|mut session| {
                session.run("select status from orders where id = 17")?;
                Ok(session)
            }));
        }
    }

    /// One session of the pool gets its answer and the next query.
    fn work(&mut self) {
        let turn = self.ticks % self.pool.len();
        let Some(slot) = self.pool.get_mut(turn) else { return };
        let next = slot.take().and_then(|mut session| {
            session.finish().ok()?;
            session.send(WORK);
            Some(session)
        });
        *slot = next.or_else(|| Self::open(&self.place).ok());
    }
}
