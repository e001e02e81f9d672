use super::*;

fn message(kind: u8, length: u32, body: usize) -> Vec<u8> {
    [&[kind][..], &length.to_be_bytes(), &vec![0; body]].concat()
}

#[test]
fn messages_are_followed_however_they_are_cut() {
    let good = [message(b'S', 9, 5), message(b'D', 104, 100), message(b'Z', 5, 1)].concat();
    let bad = [good.clone(), message(b'D', LARGEST + 1, 0)].concat();
    for size in [1, 2, 3, 7, 200] {
        let (mut meter, mut other) = (Meter::default(), Meter::default());
        assert_eq!(good.chunks(size).try_for_each(|piece| meter.take(piece)), Ok(()));
        let excess = bad.chunks(size).try_for_each(|piece| other.take(piece)).expect_err("too large");
        assert_eq!((meter.excessive().get(), other.excessive().get()), (None, Some(&excess)));
    }
}

#[test]
fn each_kind_has_its_measure() {
    for (kind, largest) in
        [(b'E', LARGEST_TEXT), (b'N', LARGEST_TEXT), (b'D', LARGEST), (b'C', LARGEST_SHORT)]
    {
        assert_eq!(Meter::default().take(&message(kind, largest, 0)), Ok(()));
        assert!(Meter::default().take(&message(kind, largest + 1, 0)).is_err());
    }
    for (kind, most) in [(b'S', PARAMETERS), (b'N', NOTICES), (b'A', NOTICES), (b'T', STATEMENTS)] {
        let mut meter = Meter::default();
        for _ in 0..2 {
            assert_eq!((0..most).try_for_each(|_| meter.take(&message(kind, 4, 0))), Ok(()));
            assert_eq!(meter.take(&message(b'Z', 5, 1)), Ok(()));
        }
        assert!((0..=most).try_for_each(|_| meter.take(&message(kind, 4, 0))).is_err());
    }
}

#[test]
fn rows_without_end_have_one() {
    let row = message(b'D', 4, 0);
    let most = ANSWER / (COST_OF_A_ROW + 4);
    let mut meter = Meter::default();
    assert!((0..most).all(|_| meter.take(&row).is_ok()));
    let words = meter.take(&row).map_err(|excess| excess.to_string());
    assert_eq!(words, Err("the server sent rows of more than 256 MiB with one answer".to_owned()));
}
