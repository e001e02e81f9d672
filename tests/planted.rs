//! Names that somebody else plants (temp objects of a pooler's other client, schemas in a role's search path) change no answer, and
//! nobody is hit by them who was not meant.

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, with};
use super::kill::{is_there, pids};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every word in what pgconn sends to a server and in the code around it, for an `any (array[…])`.
fn words() -> String {
    let mut words = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let word = |word: &str| word.to_ascii_lowercase();
                words.extend(text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(word));
            }
        }
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("array[{}]", quoted.join(","))
}

/// Creates in `schema` views named pg_roles and pg_database that exchange two names.
pub(crate) fn plant_exchange(session: &mut Session, schema: &str, [one, other]: [&str; 2]) {
    for (view, name) in [("pg_roles", "rolname"), ("pg_database", "datname")] {
        let columns = session.query(&format!(
            "select attname from pg_catalog.pg_attribute where attnum > 0 \
             and attrelid = 'pg_catalog.{view}'::pg_catalog.regclass order by attnum"
        ));
        let exchanged = format!(
            "(case {name}::pg_catalog.text when '{one}' then '{other}' when '{other}' then '{one}' \
             else {name}::pg_catalog.text end)::pg_catalog.name as {name}"
        );
        let columns = columns.iter().map(|row| row[0].as_deref().unwrap());
        let columns: Vec<&str> =
            columns.map(|column| if column == name { exchanged.as_str() } else { column }).collect();
        let columns = columns.join(", ");
        session.query(&format!("create view {schema}.{view} as select {columns} from pg_catalog.{view}"));
    }
}

/// Creates in `schema` a relation without rows for each word that is one of PostgreSQL's other relations or its types. Returns
/// how many.
fn plant_relations(session: &mut Session, schema: &str) -> usize {
    let wanted = session.query(&format!(
        "select 'view', relname from pg_catalog.pg_class where relname = any ({words}) and relkind in ('r', 'v') \
         and relnamespace = 'pg_catalog'::pg_catalog.regnamespace and relname not in ('pg_roles', 'pg_database') \
         union all \
         select 'table', typname from pg_catalog.pg_type where typname = any ({words}) and typrelid = 0 \
         and typnamespace = 'pg_catalog'::pg_catalog.regnamespace and typcategory <> 'A'",
        words = words()
    ));
    for row in &wanted {
        let name = row[1].as_deref().unwrap();
        session.query(&match row[0].as_deref() {
            Some("view") => {
                format!("create view {schema}.\"{name}\" as select * from pg_catalog.\"{name}\" where false")
            }
            _ => format!("create table {schema}.\"{name}\" ()"),
        });
    }
    wanted.len()
}

/// Creates in `schema` a function for each word that is one of PostgreSQL's functions, and an operator for each of its
/// operators on the types of the words, which all fail. Returns how many.
fn plant_functions(session: &mut Session, schema: &str) -> usize {
    let planted = session.query(&format!(
        "create function {schema}.plant() returns int language plpgsql as $plant$
         declare f record; planted int := 0;
         begin
           for f in select format('create function {schema}.%I(%s) returns %s language plpgsql as ''begin raise exception
                      $$planted$$; end''', proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid)) as text
                    from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any ({words})
                    union all
                    select format('create function {schema}.%I(%s, %s) returns %s language plpgsql as ''begin raise exception
                      $$planted$$; end''; create operator {schema}.%s (leftarg = %2$s, rightarg = %3$s, function = {schema}.%1$I)',
                      'operator_' || oid, oprleft::regtype, oprright::regtype, oprresult::regtype, oprname)
                    from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprkind = 'b'
                    and (select typname from pg_type t where t.oid = oprleft) = any ({words})
           loop
             begin
               execute f.text;
               planted := planted + 1;
             exception when others then null; -- types that no function of ours can have
             end;
           end loop;
           return planted;
         end $plant$; select {schema}.plant()",
        words = words()
    ));
    planted[0][0].as_deref().unwrap().parse().unwrap()
}

/// A server with somebody who looks and acts (ops), somebody who is meant (app) and somebody who is not (innocent): roles and
/// databases with these names.
struct Scene {
    cluster: Cluster,
    pooler: PgBouncer,
}

/// How ops comes to the server.
const WAYS: [&str; 3] = ["direct", "emergency", "pooler"];

impl Scene {
    fn new() -> Self {
        let cluster = with(&[("autovacuum", "off")]);
        cluster.query(
            "create role ops login replication in role pg_monitor, pg_signal_backend; create role app login; \
             create role innocent login",
        );
        for database in ["app", "innocent", "shop owner ops"] {
            cluster.query(&format!("create database {database}"));
        }
        // One connection to the server for everybody who is ops.
        let settings = [("pool_mode", "transaction"), ("default_pool_size", "1")];
        let pooler = PgBouncer::start(&cluster, &["ops"], &settings);
        Self { cluster, pooler }
    }

    fn run(&self, way: &str, arguments: &[&str]) -> Outcome {
        let port = self.pooler.port.to_string();
        let more: &[&str] = match way {
            "direct" => &[],
            "emergency" => &["--emergency", "always"],
            _ => &["-p", &port],
        };
        Pgconn::new(&[arguments, &["-U", "ops"], more].concat()).on(&self.cluster).run()
    }

    /// What every command says that looks, or only plans.
    fn look(&self, way: &str) -> Vec<(String, i32, Value, String)> {
        let commands = [
            "stats --by database,role",
            "ls --all-backends --no-query --sort pid",
            "ls --role app --db app*",
            "long --over 0s",
            "blockers --all-waits",
            "check",
            "metrics",
            "metrics --compat postgres_exporter",
            "timeout",
            "timeout --every-role",
            "timeout set 1h --role ops --dry-run",
            "doctor --for 100ms",
            "size --cores 4 --from-server",
            "kill --role app --dry-run",
            "cancel --db app --dry-run",
            "drain --db shop --for 1ms --dry-run",
            "ping",
        ];
        let look = |command: &&str| {
            let takes_no_emergency = ["check", "metrics", "doctor", "ping"];
            let offered =
                way != "emergency" || !takes_no_emergency.iter().any(|name| command.starts_with(name));
            let words: Vec<&str> = command.split(' ').chain(["--json"]).collect();
            offered.then(|| {
                let outcome = self.run(way, &words);
                let mut document = serde_json::from_str(&outcome.stdout).unwrap_or_default();
                if command.starts_with("doctor") {
                    document = rules(&document);
                }
                ((*command).to_owned(), outcome.code, shape(&document), outcome.stderr)
            })
        };
        commands.iter().filter_map(look).collect()
    }
}

/// The rules that were judged: what is found of each changes with time.
fn rules(document: &Value) -> Value {
    let findings = document["findings"].as_array().unwrap();
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    rules.into()
}

/// A document without its figures, which time changes.
fn shape(document: &Value) -> Value {
    match document {
        Value::Number(_) => Value::from(0),
        Value::String(text) => {
            let has_figure = |word: &str| word.contains(|c: char| c.is_ascii_digit());
            let words: Vec<&str> = text.split(' ').filter(|word| !has_figure(word)).collect();
            words.join(" ").into()
        }
        Value::Array(rows) => rows.iter().map(shape).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !["session_id", "wait_event", "wait_event_type"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn who_dies_is_the_servers_role_and_database_and_not_another_clients() {
    let scene = Scene::new();
    let session = |who: &str| scene.cluster.connect(&[("user", who), ("database", who)]).unwrap();
    let innocent = [session("innocent"), session("innocent")];
    let mut other = scene.pooler.connect(&[("user", "ops")]).unwrap();
    plant_exchange(&mut other, "pg_temp", ["app", "innocent"]);
    for filter in ["--role", "--db"] {
        let meant = session("app");
        let outcome = scene.run("pooler", &["kill", filter, "app", "--json"]).success();
        assert_eq!(pids(&outcome, "terminated"), [meant.pid], "{filter}\n{outcome}");
    }
    assert!(innocent.iter().all(|session| is_there(&scene.cluster, session.pid)));
}

#[test]
fn planted_names_change_no_answer() {
    let scene = Scene::new();
    let cluster = &scene.cluster;
    let connect = |who: &'static str| {
        let mut session =
            cluster.connect(&[("user", who), ("database", who), ("application_name", who)]).unwrap();
        session.query("begin; select 1");
        session
    };
    let lasting = [connect("app"), connect("innocent")];
    // Its connection to the server has the same name, whoever used it last.
    let mut other = scene.pooler.connect(&[("user", "ops"), ("application_name", "pgconn")]).unwrap();
    other.query("select 1");
    let before = WAYS.map(|way| scene.look(way));
    // The pooler's other client plants in its temp schema, somebody in the schemas of a search path that names them first.
    let mut admin = cluster.session();
    admin.query("create schema ops");
    for schema in ["ops", "public"] {
        let planted = plant_functions(&mut admin, schema);
        assert!(planted > 300, "{planted} functions and operators");
        plant_exchange(&mut admin, schema, ["app", "innocent"]);
        let planted = plant_relations(&mut admin, schema);
        assert!(planted > 25, "{planted} relations and types");
    }
    plant_exchange(&mut other, "pg_temp", ["app", "innocent"]);
    assert!(plant_relations(&mut other, "pg_temp") > 25);
    admin.query(
        "alter role ops set search_path = ops, public, pg_catalog; grant usage on schema ops, public to public",
    );
    drop(admin);
    // They lie to whoever is not on his guard.
    let mut unguarded = cluster.connect(&[("user", "ops")]).unwrap();
    assert!(unguarded.run("select pg_backend_pid()").unwrap_err().message.contains("planted"));
    assert!(other.run("select 1::int4").is_err());
    drop(unguarded);
    for (way, before) in WAYS.iter().zip(before) {
        for (before, after) in before.into_iter().zip(scene.look(way)) {
            assert_eq!(before, after, "{way}: {}", before.0);
        }
        let meant = cluster.connect(&[("user", "app"), ("database", "app")]).unwrap();
        let arguments = ["kill", "--role", "app", "--db", "app", "--state", "idle", "--json"];
        let outcome = scene.run(way, &arguments).success();
        assert_eq!(pids(&outcome, "terminated"), [meant.pid], "{way}\n{outcome}");
    }
    assert!(lasting.iter().all(|session| is_there(cluster, session.pid)));
    // What changes the server finds its names, too.
    for way in ["direct", "pooler"] {
        for arguments in
            [&["timeout", "set", "1h", "--role", "ops"][..], &["drain", "--db", "shop", "--for", "1ms"]]
        {
            let _ = scene.run(way, arguments).success();
        }
    }
}
