use super::*;

fn message(kind: u8, length: u32, body: usize) -> Vec<u8> {
    [&[kind][..], &length.to_be_bytes(), &vec![0; body]].concat()
}

#[test]
fn messages_are_followed_however_they_are_cut() {
    let good = [message(b'S', 9, 5), message(b'D', 104, 100), message(b'Z', 5, 1)].concat();
    let bad = [good.clone(), message(b'D', LARGEST + 1, 2)].concat();
    for size in [1, 2, 3, 7, 200] {
        let (mut meter, mut other) = (Meter::default(), Meter::default());
        assert_eq!(good.chunks(size).try_for_each(|piece| meter.take(piece)), Ok(()));
        let excess = bad.chunks(size).try_for_each(|piece| other.take(piece)).expect_err("too large");
        assert_eq!((meter.metering().excess(), other.metering().excess()), (None, Some(&excess)));
    }
}

#[test]
fn each_kind_has_its_measure() {
    for (kind, largest) in
        [(b'E', LARGEST_TEXT), (b'N', LARGEST_TEXT), (b'D', LARGEST), (b'C', LARGEST_SHORT)]
    {
        let mut meter = Meter::default();
        meter.metering().entitle(Entitlement::Texts);
        assert_eq!(meter.take(&message(kind, largest, 2)), Ok(()));
        assert!(Meter::default().take(&message(kind, largest + 1, 2)).is_err());
    }
    for (kind, most) in [(b'S', PARAMETERS), (b'N', NOTICES), (b'A', NOTICES), (b'T', STATEMENTS)] {
        let mut meter = Meter::default();
        for _ in 0..2 {
            meter.metering().entitle(Entitlement::Facts);
            assert_eq!((0..most).try_for_each(|_| meter.take(&message(kind, 4, 0))), Ok(()));
            assert_eq!(meter.take(&message(b'Z', 5, 1)), Ok(()));
        }
        meter.metering().entitle(Entitlement::Facts);
        assert!((0..=most).try_for_each(|_| meter.take(&message(kind, 4, 0))).is_err());
    }
}

/// A row, or what describes one, of so many columns and so many bytes after their number.
fn wide(kind: u8, columns: u16, bytes: u32) -> Vec<u8> {
    let number = columns.to_be_bytes();
    [&[kind][..], &(6 + bytes).to_be_bytes(), &number, &vec![0; bytes as usize]].concat()
}

#[test]
fn no_answer_has_more_columns_than_any_question_however_it_is_cut() {
    for kind in [b'T', b'D'] {
        let (good, bad) = (wide(kind, COLUMNS, 200), wide(kind, COLUMNS + 1, 200));
        for size in [1, 2, 6, 7, 300] {
            let mut meter = Meter::default();
            assert_eq!(good.repeat(2).chunks(size).try_for_each(|piece| meter.take(piece)), Ok(()));
            let words = bad.chunks(size).try_for_each(|piece| meter.take(piece)).expect_err("too wide");
            assert_eq!(words.0, "the server sent an answer of 101 columns, and 100 is the most");
        }
    }
}

#[test]
fn rows_without_end_have_one_by_what_is_asked_and_what_they_cost() {
    let row = wide(b'D', 30, 120);
    let cost = 126 + COST_OF_A_ROW + 30 * COST_OF_A_COLUMN;
    for entitlement in [
        Entitlement::Value,
        Entitlement::Facts,
        Entitlement::Sessions,
        Entitlement::Texts,
        Entitlement::Value,
    ] {
        let mut meter = Meter::default();
        // What is asked for later is not what comes in now.
        meter.metering().entitle(Entitlement::Texts);
        meter.metering().entitle(entitlement);
        meter.metering().entitle(Entitlement::Texts);
        assert_eq!(meter.take(&message(b'Z', 5, 1)), Ok(()));
        let most = entitlement.bytes() / cost;
        assert!((0..most).all(|_| meter.take(&row).is_ok()), "{entitlement:?}");
        let words = meter.take(&row).map_err(|excess| excess.0);
        let most = entitlement.bytes() >> 20;
        assert_eq!(words, Err(format!("an answer of the server takes more than {most} MiB")));
    }
}

#[test]
fn what_nobody_has_asked_more_for_is_a_value() {
    let mut meter = Meter::default();
    assert_eq!(meter.take(&message(b'D', 500 << 10, (500 << 10) - 4)), Ok(()));
    assert!(meter.take(&message(b'D', 100 << 10, 2)).is_err());
}

#[test]
fn a_cancel_key_has_4_to_256_bytes() {
    for (length, is_taken) in
        [(11, false), (12, true), (40, true), (264, true), (265, false), (u32::MAX, false)]
    {
        assert_eq!(Meter::default().take(&message(b'K', length, 2)).is_ok(), is_taken, "{length}");
    }
    let words = Meter::default().take(&message(b'K', 265, 2)).map_err(|excess| excess.0);
    assert_eq!(words, Err("the server sent a cancel key of 257 bytes, and one has 4 to 256".to_owned()));
}
