use super::*;

#[test]
fn the_process_id_is_read_however_the_messages_are_cut() {
    let mut login = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0b\0\0".to_vec();
    login.extend(b"K\0\0\0\x0c\0\0\x12\x67\0\0\0\x01Z\0\0\0\x05I");
    for size in 1..=login.len() {
        let info = LoginInfo::default();
        let mut reader = info.reader();
        let expects_more = login.chunks(size).map(|piece| reader.read(piece)).find(|more| !more);
        assert_eq!((info.pid(), expects_more), (Some(0x1267), Some(false)), "in pieces of {size}");
    }
    let silent = LoginInfo::default();
    assert!(!silent.reader().read(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"));
    assert_eq!((silent.pid(), silent.pooler()), (None, None));
    let mut endless = LoginInfo::default().reader();
    assert!((0..9).map(|_| endless.read(&[b'N'; 9_000])).any(|more| !more));
}

#[test]
fn poolers_are_known_by_their_parameters() {
    let pooler_name = |parameters: &[(&str, &str)]| {
        let mut login = Vec::new();
        for (name, value) in parameters {
            let body = format!("{name}\0{value}\0");
            login.push(b'S');
            login.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            login.extend(body.as_bytes());
        }
        // PgDog counts its clients from 0.
        login.extend(b"K\0\0\0\x0c\0\0\0\0\0\0\0\x01");
        let info = LoginInfo::default();
        assert!(!info.reader().read(&login));
        assert_eq!(info.pid(), Some(0));
        info.pooler()
    };
    let (version, zone) = (("server_version", "15.18"), ("TimeZone", "UTC"));
    let parameter = |name: &'static str| (name, "x");
    let server = [
        "application_name",
        "client_encoding",
        "DateStyle",
        "server_encoding",
        "server_version",
        "session_authorization",
        "standard_conforming_strings",
        "TimeZone",
    ];
    assert_eq!(pooler_name(&server.map(parameter)), None, "PostgreSQL to 15");
    let mut turned = server.map(parameter);
    turned.reverse();
    assert_eq!(pooler_name(&turned), Some("Odyssey"));
    for (pooler, order) in ORDERS {
        let order = order.map(parameter);
        assert_eq!(
            pooler_name(&[&[("a", "b")][..], &order, &[("IntervalStyle", "iso")]].concat()),
            Some(pooler)
        );
        assert_eq!(pooler_name(&[&order[..4], &[version, order[4]]].concat()), None, "{pooler}");
    }
    assert_eq!(pooler_name(&[("application_name", "Supavisor"), version, zone]), Some("Supavisor"));
    assert_eq!(pooler_name(&[("application_name", "Supavisor - pgconn"), version]), Some("Supavisor"));
    assert_eq!(pooler_name(&[("application_name", "PgDog"), version]), Some("PgDog"));
    assert_eq!(pooler_name(&[("application_name", "PgDogs"), version]), None);
}

#[test]
fn only_another_process_than_the_one_reported_is_a_pooler() {
    assert!(is_pooled(Some(7), 8));
    assert!(!is_pooled(Some(8), 8) && !is_pooled(None, 8));
}
