use super::*;

fn other(product: &str, version_num: i32) -> Option<String> {
    let server = Server { version: "x".into(), version_num, in_recovery: false, started_at: String::new() };
    let limits = ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 };
    let rights = Rights::default();
    let product = product.to_owned();
    let backend_pid = 1;
    ServerContext { server, product, backend_pid, uptime_seconds: 0.0, limits, rights, query_size: 1024 }
        .other_product()
}

#[test]
fn a_port_stands_apart_from_an_address_with_colons() {
    let places = ["db1", "10.0.0.7", "::1", "fe80::1%eth0", "/run/a:b"].map(|host| place(host, 5432));
    assert_eq!(places, ["db1:5432", "10.0.0.7:5432", "[::1]:5432", "[fe80::1%eth0]:5432", "/run/a:b:5432"]);
}

#[test]
fn only_postgresql_is_postgresql() {
    for product in [
        "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc",
        "PostgreSQL 18beta1 on aarch64-apple-darwin",
    ] {
        assert_eq!(other(product, 150_018), None);
    }
    let yugabyte = "PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu";
    assert_eq!(other(yugabyte, 150_002).unwrap(), "YugabyteDB");
    assert_eq!(other("CockroachDB CCL v24.1.0", 130_000).unwrap(), "CockroachDB");
    assert_eq!(other("Something 1.0", 170_000).unwrap(), "not known: \"Something 1.0\"");
    assert!(other("PostgreSQL 11.22 on x86_64-pc-linux-gnu", 110_022).is_some());
}
