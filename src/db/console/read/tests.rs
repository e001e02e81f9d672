use super::*;

/// An answer as `psql -A` prints it; `-` is null.
fn answer(text: &str) -> Vec<Record> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let columns: Arc<[String]> = lines.next().unwrap().split('|').map(str::to_owned).collect();
    lines
        .map(|line| {
            let values: Vec<_> =
                line.split('|').map(|value| (value != "-").then(|| value.to_owned())).collect();
            assert_eq!(values.len(), columns.len(), "{line}");
            Record { columns: Arc::clone(&columns), values }
        })
        .collect()
}

const POOLS_1_12: &str = "
    database|user|cl_active|cl_waiting|sv_active|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode
    pgbouncer|pgbouncer|1|0|0|0|0|0|0|0|0|statement
    shop|app|5|3|2|1|4|6|7|12|500000|transaction";
const POOLS_1_18: &str = "
    database|user|cl_active|cl_waiting|cl_active_cancel_req|cl_waiting_cancel_req|sv_active|sv_active_cancel|sv_being_canceled|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode
    shop|app|5|3|1|1|2|3|4|1|4|6|7|12|500000|transaction";
const POOLS_1_25: &str = "
    database|user|cl_active|cl_waiting|cl_active_cancel_req|cl_waiting_cancel_req|sv_active|sv_active_cancel|sv_being_canceled|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode|load_balance_hosts
    shop|app|5|3|1|1|2|3|4|1|4|6|7|12|500000|transaction|-";
/// PgCat's console has other columns in another order.
const POOLS_PGCAT: &str = "
    database|user|pool_mode|cl_idle|cl_active|cl_waiting|cl_cancel_req|sv_active|sv_idle|sv_used|sv_login|maxwait|maxwait_us|something_new
    shop|app|transaction|1|5|3|0|2|1|4|7|12|500000|x";

#[test]
fn pools_are_read_in_every_version() {
    for (text, canceling, tested) in [
        (POOLS_1_12, None, Some(6)),
        (POOLS_1_18, Some(7), Some(6)),
        (POOLS_1_25, Some(7), Some(6)),
        (POOLS_PGCAT, None, None),
    ] {
        let expected = Pool {
            database: "shop".into(),
            user: "app".into(),
            pool_mode: Some("transaction".into()),
            pool_size: None,
            reserve_pool_size: None,
            clients_active: Some(5),
            clients_waiting: Some(3),
            servers_active: Some(2),
            servers_idle: Some(1),
            servers_used: Some(4),
            servers_tested: tested,
            servers_login: Some(7),
            servers_canceling: canceling,
            max_wait_seconds: Some(12.5),
        };
        assert_eq!(pools(&answer(text)), [expected], "{text}");
    }
}

#[test]
fn limits_are_read_in_every_version_and_zero_is_none() {
    let old = databases(&answer(
        "name|host|port|database|force_user|pool_size|reserve_pool|pool_mode|max_connections|current_connections|paused|disabled
         pgbouncer|-|6432|pgbouncer|pgbouncer|2|0|statement|0|0|0|0
         shop|10.0.0.1|5432|shop_live|-|20|5|-|0|7|1|0",
    ));
    assert_eq!(old.len(), 1, "the console is no database");
    assert_eq!(
        (old[0].pool_size, old[0].reserve_pool_size, old[0].max_db_connections),
        (Some(20), Some(5), None)
    );
    assert_eq!(
        (old[0].servers, old[0].clients, old[0].paused, old[0].disabled),
        (Some(7), None, Some(true), Some(false))
    );
    let new = databases(&answer(
        "name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool_size|server_lifetime|pool_mode|load_balance_hosts|max_connections|current_connections|max_client_connections|current_client_connections|paused|disabled
         shop|-|5432|shop|app|0|0|4|3600|-|-|30|7|90|12|0|1",
    ));
    assert_eq!(
        (new[0].pool_size, new[0].reserve_pool_size, new[0].max_db_connections),
        (None, Some(4), Some(30))
    );
    assert_eq!(
        (new[0].max_db_client_connections, new[0].clients, new[0].disabled),
        (Some(90), Some(12), Some(true))
    );
}

#[test]
fn a_users_own_size_beats_the_databases_and_the_default() {
    let users_1_25 = "
        name|pool_size|reserve_pool_size|pool_mode|max_user_connections|current_connections|max_user_client_connections|current_client_connections
        app|        7|        2|-|5|1|0|3
        batch||||0|0|0|0";
    let mut facts = PoolerFacts {
        pools: pools(&answer("database|user|cl_active\nshop|app|1\nshop|batch|1\nelsewhere|batch|1")),
        databases: databases(&answer("name|pool_size|reserve_pool_size\nshop|4|1")),
        users: users(&answer(users_1_25)),
        settings: settings(&answer(
            "key|value|changeable\nmax_client_conn|100|yes\ndefault_pool_size|20|yes\nreserve_pool_size|0|yes\nmax_user_connections|0|yes",
        )),
        ..PoolerFacts::default()
    };
    bound(&mut facts);
    let sizes: Vec<_> = facts.pools.iter().map(|pool| (pool.pool_size, pool.reserve_pool_size)).collect();
    assert_eq!(sizes, [(Some(7), Some(2)), (Some(4), Some(1)), (Some(20), Some(0))]);
    assert_eq!((facts.users[0].max_user_connections, facts.users[0].clients), (Some(5), Some(3)));
    assert_eq!((facts.settings.max_client_conn, facts.settings.max_user_connections), (Some(100), None));
    assert_eq!(users(&answer("name|pool_mode\napp|-"))[0], User { name: "app".into(), ..User::default() });
}

#[test]
fn a_reserve_that_never_opens_is_none_and_a_pooler_for_nobody_lets_in_nobody() {
    let reserve = |timeout: &str| {
        let config = format!("key|value\nmax_client_conn|0\nmax_user_connections|0{timeout}");
        let mut facts = PoolerFacts {
            pools: pools(&answer("database|user\nshop|app")),
            databases: databases(&answer("name|pool_size|reserve_pool_size|max_connections\nshop|4|3|0")),
            settings: settings(&answer(&config)),
            ..PoolerFacts::default()
        };
        bound(&mut facts);
        assert_eq!((facts.settings.max_client_conn, facts.settings.max_user_connections), (Some(0), None));
        assert_eq!(facts.databases[0].max_db_connections, None);
        facts.pools[0].reserve_pool_size
    };
    let timeouts = ["", "\nreserve_pool_timeout|5", "\nreserve_pool_timeout|0.5", "\nreserve_pool_timeout|0"];
    assert_eq!(timeouts.map(reserve), [Some(3), Some(3), Some(3), Some(0)]);
}

#[test]
fn totals_are_read_in_seconds() {
    let totals = totals(&answer(
        "database|total_server_assignment_count|total_xact_count|total_query_count|total_received|total_sent|total_xact_time|total_query_time|total_wait_time|avg_xact_count
         pgbouncer|0|9|9|0|0|0|0|0|1
         shop|3|10|20|300|400|5000000|2500000|1000000|1",
    ));
    assert_eq!(totals.len(), 1);
    assert_eq!((totals[0].xact_total, totals[0].query_total), (Some(10.0), Some(20.0)));
    assert_eq!(
        (totals[0].xact_seconds, totals[0].query_seconds, totals[0].wait_seconds),
        (Some(5.0), Some(2.5), Some(1.0))
    );
}

const CLIENTS_1_18: &str = "
    type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls|application_name
    C|postgres|pgbouncer|active|unix|6432|unix|6432|2026-11-22 15:15:53 UTC|2026-11-22 15:15:53 UTC|0|0|0|0x1||77||psql
    C|app|shop|active|10.0.0.7|49220|10.0.0.1|6432|2026-11-22 15:15:52 UTC|2026-11-22 15:15:52 UTC|1|148016|0|0x2|0xa|0||web
    C|app|shop|waiting|10.0.0.8|49226|10.0.0.1|6432|2026-11-22 15:15:52 CET|2026-11-22 15:15:53 CET|2|500000|0|0x3||0|TLSv1.3/X|
    C|app|shop|active|unix|6432|unix|6432|2026-11-22 15:15:52 UTC|2026-11-22 15:15:52 UTC|0|0|0|0x4||9||idler";
const CLIENTS_1_12: &str = "
    type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls
    C|app|shop|active|10.0.0.7|49220|10.0.0.1|6432|2026-11-22 15:15:52 UTC|2026-11-22 15:15:52 UTC|1|148016|0|0x2|0xa|0|";
const SERVERS: &str = "
    type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls|application_name
    S|app|shop|active|10.0.0.2|5432|10.0.0.1|50000|2026-11-22 15:15:52 UTC|2026-11-22 15:15:52 UTC|0|0|1|0xa|0x2|4711||web
    S|app|shop|idle|unix|5432|unix|6432|2026-11-22 15:15:52 UTC|2026-11-22 15:15:52 UTC|0|0|0|0xb||4712||before";

#[test]
fn clients_and_servers_are_put_together() {
    let links = links(&answer(CLIENTS_1_18), &answer(SERVERS));
    assert_eq!(links.len(), 4, "the console's own client is left out: {links:#?}");
    let served = &links[0];
    let (client, server) = (served.client.as_ref().unwrap(), served.server.as_ref().unwrap());
    assert_eq!(
        (client.addr.as_deref(), client.port, client.state.as_str()),
        (Some("10.0.0.7"), Some(49220), "active")
    );
    assert_eq!((client.wait_seconds, client.connected_at.as_deref()), (None, Some("2026-11-22T15:15:52Z")));
    assert_eq!((server.pid, server.local_port, server.close_needed), (Some(4711), Some(50000), Some(true)));
    let waiting = links[1].client.as_ref().unwrap();
    assert_eq!(
        (waiting.wait_seconds, waiting.connected_at.as_deref()),
        (Some(2.5), None),
        "CET may be many zones"
    );
    assert_eq!((waiting.application_name.as_deref(), waiting.tls.as_deref()), (None, Some("TLSv1.3/X")));
    assert!(links[1].server.is_none());
    let idle = links[2].client.as_ref().unwrap();
    assert_eq!(
        (idle.state.as_str(), idle.addr.as_deref(), idle.port, idle.pid),
        ("idle", Some("local"), None, Some(9))
    );
    let free = links[3].server.as_ref().unwrap();
    assert!(links[3].client.is_none());
    assert_eq!(
        (free.state.as_str(), free.local_addr.as_deref(), free.local_port),
        ("idle", Some("local"), None)
    );
    let old = super::links(&answer(CLIENTS_1_12), &answer(SERVERS));
    assert_eq!(old[0].client.as_ref().unwrap().application_name, None);
    assert_eq!(old[0].server.as_ref().unwrap().pid, Some(4711));
}

#[test]
fn a_pooler_says_what_it_is() {
    let product = |words: &str| {
        let Product { name, version } = super::product(words);
        (name, version)
    };
    assert_eq!(product("PgBouncer 1.18.0"), ("PgBouncer".into(), "1.18.0".into()));
    assert_eq!(product("PgDog v0.1.4"), ("PgDog".into(), "0.1.4".into()));
    let odyssey = "odyssey 1.4.1 (git 89c48ea2) release, compiled by gcc 12.2.0";
    assert_eq!(product(odyssey), ("odyssey".into(), "1.4.1".into()));
    assert_eq!(product("PgCat"), ("PgCat".into(), String::new()));
    assert_eq!(product("0.0.1"), (String::new(), "0.0.1".into()));
}

#[test]
fn nothing_is_made_up_from_nothing() {
    let empty: &[Record] = &[];
    assert!(pools(empty).is_empty() && databases(empty).is_empty() && totals(empty).is_empty());
    assert_eq!(settings(empty), PoolerSettings::default());
    assert_eq!(used_clients(empty), None);
    let odd = pools(&answer("database|user|cl_active|maxwait\nshop|app|many|"));
    assert_eq!((odd[0].clients_active, odd[0].max_wait_seconds), (None, None));
}
