use super::*;
use proptest::prelude::*;

/// A login whose server gives this key.
fn login_with(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + key.len()).unwrap().to_be_bytes();
    let before = b"R\0\0\0\x08\0\0\0\0N\0\0\0\x08huh\0S\0\0\0\x08a\0b\0";
    [&before[..], b"K", &length, b"\0\0\x12\x67", key, b"S\0\0\0\x08c\0d\0Z\0\0\0\x05IT\0\0\0\x06\0\0"]
        .concat()
}

/// What is handed on of pieces of these sizes, again and again.
fn handed_on(reader: &mut LoginReader, login: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut rest, mut passed) = (login, Vec::new());
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        let mut piece = piece.to_vec();
        let kept = reader.read(&mut piece);
        passed.extend_from_slice(&piece[..kept]);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    passed
}

proptest! {
    #[test]
    fn however_a_login_is_cut_the_driver_has_a_short_key_and_the_whole_is_kept(
        key in prop::collection::vec(any::<u8>(), 4..=256),
        sizes in prop::collection::vec(1_usize..80, 1..12),
    ) {
        let info = LoginInfo::default();
        let mut reader = info.reader();
        let passed = handed_on(&mut reader, &login_with(&key), &sizes);
        prop_assert_eq!(passed, login_with(&key[..4]));
        prop_assert!(reader.is_over());
        let length = u32::try_from(12 + key.len()).unwrap().to_be_bytes();
        let request = [&length[..], b"\x04\xd2\x16\x2e\0\0\x12\x67", &key].concat();
        prop_assert_eq!((info.pid(), info.cancel_request()), (Some(0x1267), Some(request)));
    }
}

#[test]
fn the_last_of_several_keys_counts_and_a_server_need_not_give_one() {
    let info = LoginInfo::default();
    let (first, second) = (login_with(&[1; 32]), login_with(&[2; 9]));
    let upto = first.windows(2).position(|pair| pair == b"Z\0").unwrap();
    let passed = handed_on(&mut info.reader(), &[&first[..upto], &second].concat(), &[7]);
    assert_eq!(passed, [&login_with(&[1; 4])[..upto - 28], &login_with(&[2; 4])].concat());
    assert!(info.cancel_request().unwrap().ends_with(&[2; 9]));
    assert!(!format!("{info:?}").contains("2, 2"), "{info:?}");
    let silent = LoginInfo::default();
    let mut reader = silent.reader();
    reader.read(&mut b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec());
    assert!(reader.is_over());
    assert_eq!((silent.pid(), silent.pooler(), silent.cancel_request()), (None, None, None));
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
        login.extend(b"K\0\0\0\x0c\0\0\0\0\0\0\0\x01Z\0\0\0\x05I");
        let info = LoginInfo::default();
        info.reader().read(&mut login);
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
