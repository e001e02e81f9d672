//! `size` behind a pooler: the application's side, the provider's own pooler, and functions.

use super::size;

/// Behind a pooler the pool of each process is its own affair: neither the server's budget nor more instances make it grow.
#[test]
fn behind_a_pooler_a_pool_never_grows_with_the_instances() {
    let pool = |inputs: &str, instances: u64| {
        let line = format!("--cores 8 --instances {instances} {inputs} --mode transaction --json");
        size(&line).success().json()["pooler"]["client_pool_size"].as_u64().unwrap()
    };
    let sizes = [1, 20, 43, 60, 85, 86, 100].map(|instances| pool("", instances));
    assert_eq!(sizes, [17, 10, 10, 5, 5, 5, 5]);
    assert_eq!([20, 60, 100].map(|instances| pool("--threads 4", instances)), [4, 4, 4]);
    assert_eq!([20, 60].map(|instances| pool("--threads 4 --connections-per-task 3", instances)), [10, 9]);
    // a server's threads for requests are no reason for as many connections
    assert_eq!([4, 12, 60].map(|instances| pool("--threads 200", instances)), [17, 10, 5]);
    assert_eq!(pool("--provider supabase --memory 1GB --threads 10", 40), 5, "200 clients for 40 pools");
    let emitted = size("--cores 8 --instances 60 --mode transaction --emit hikaricp").success().stdout;
    assert!(emitted.contains("maximum-pool-size: 5\n"), "{emitted}");
    let full = size("--cores 4 --provider supabase --memory 1GB --serverless 300").fails_with(1);
    assert!(
        full.stdout.starts_with(
            "through Supabase's Supavisor it is impossible: Supabase's Supavisor accepts 200 clients"
        ),
        "{full}"
    );
    let each = size("--cores 4 --app api=40x4 --app worker=1 --emit node-pg --mode transaction --for api");
    assert!(each.success().stdout.contains(" max: 9,"), "of the usual 5 to 10, what the hardware works on");
}

/// Who has a pooler is told of that one, with the knob it really has.
#[test]
fn a_provider_s_own_pooler_is_recommended_with_its_port_and_its_knob() {
    for (inputs, words) in [
        (
            "--provider rds",
            "use RDS Proxy, the proxy's endpoint, with MaxConnectionsPercent 17: at most 17 server connections",
        ),
        ("--provider rds --memory 8GiB", "with MaxConnectionsPercent 1: at most 9 server connections"),
        (
            "--provider supabase",
            "use Supabase's Supavisor, port 6543, with Pool Size 17: at most 17 server connections",
        ),
        (
            "--provider azure",
            "use Azure's built-in PgBouncer, port 6432, with pgbouncer.default_pool_size 17: ",
        ),
        (
            "--provider neon --memory 1GiB",
            "use Neon's PgBouncer, the host with -pooler; its pool is fixed at 93 server connections for each role and database",
        ),
        ("--provider digitalocean", "use DigitalOcean's connection pool, its own port, with size 17: "),
        ("--provider crunchy", "use Crunchy Bridge's PgBouncer, port 5431"),
    ] {
        let table = size(&format!("--cores 8 --instances 60 {inputs}")).success().stdout;
        assert!(table.contains(words), "{inputs}:\n{table}");
        assert!(!table.contains("put PgBouncer in front"), "{inputs}:\n{table}");
        let name = inputs.split_whitespace().nth(1).unwrap();
        let emitted = size(&format!("--cores 8 --instances 60 {inputs} --mode transaction --emit node-pg"));
        let emitted = emitted.success().stdout;
        assert!(!emitted.contains("Set the pool size of"), "{name}:\n{emitted}");
    }
    let proxy = size("--cores 8 --instances 60 --provider rds --mode transaction --emit node-pg").success();
    assert!(
        proxy.stdout.contains("// RDS Proxy: set MaxConnectionsPercent to 17; then at most 17 server"),
        "{proxy}"
    );
    let plan = size("--cores 8 --instances 60 --provider rds --json").success().json();
    assert_eq!(plan["pooler"]["provided"]["name"], "RDS Proxy");
    assert_eq!(plan["pooler"]["provided"]["setting"], "MaxConnectionsPercent");
    assert_eq!(plan["pooler"]["provided"]["setting_value"], 17);
}

/// Functions go through a pooler: what that has room for is feasible, and direct is said to be impossible.
#[test]
fn functions_that_fit_a_pooler_are_feasible() {
    let plan = size("--cores 4 --serverless 1000 --json").success().json();
    assert_eq!((&plan["feasible"], &plan["feasible_directly"]), (&true.into(), &false.into()));
    assert_eq!(plan["pooler"]["client_pool_size"], 1);
    let table = size("--cores 4 --serverless 1000").success();
    assert_eq!(table.stderr, "");
    assert!(
        table.stdout.contains("! directly it is impossible: 1000 pools cannot share 85 connections; "),
        "{table}"
    );
    let emitted = size("--cores 4 --serverless 1000 --emit node-pg").success().stdout;
    assert!(emitted.contains(" max: 1,") && emitted.contains("in transaction mode"), "{emitted}");
    let direct = size("--cores 4 --serverless 1000 --mode direct").fails_with(1);
    assert!(direct.stderr.contains("1000 pools cannot share 85"), "{direct}");
    let crowded = size("--cores 4 --serverless 1000 --pooler-pairs 50 --json").fails_with(1);
    assert_eq!(crowded.json()["feasible"], false);
}

/// What a library sends when a connection goes back to its pool pins the proxy's connection.
#[test]
fn asyncpg_sends_no_reset_through_rds_proxy() {
    let emitted = |inputs: &str| size(&format!("--cores 4 --emit asyncpg {inputs}")).success().stdout;
    let proxy = emitted("--provider rds --mode transaction");
    assert!(proxy.contains("        reset=keep_session,\n"), "{proxy}");
    assert!(!emitted("--provider rds").contains("keep_session"));
    assert!(!emitted("--mode transaction").contains("keep_session"));
}
