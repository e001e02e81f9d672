//! What tables look like on terminals of every width.

use super::*;

fn shown(look: Look) -> String {
    let mut table = Table::new(&[("PID", Align::Right), ("STATE", Align::Left), ("QUERY", Align::Left)]);
    table.push(Mark::Plain, ["7".into(), "idle".into(), "select\n1 from a_very_long_table_name".into()]);
    table.push(Mark::Bad, ["4711".into(), "active".into(), String::new()]);
    let mut out = Vec::new();
    write(&[Block::line("two\u{1b} sessions"), Block::Table(table)], look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn piped_output_is_whole_and_has_no_colour() {
    let expected = "two\\x1B sessions\n PID  STATE   QUERY\n   7  idle    select 1 from a_very_long_table_name\n4711  active  -\n";
    assert_eq!(shown(Look::default()), expected);
}

#[test]
fn a_terminal_cuts_the_widest_texts_when_the_last_column_is_not_enough() {
    let mut table = Table::new(&[("PID", Align::Left), ("STATE", Align::Left), ("RESULT", Align::Left)]);
    let state = "idle in transaction (aborted)";
    table.push(Mark::Plain, ["└──────── 4711".into(), state.into(), "would terminate".into()]);
    let shown = |width| {
        let mut out = Vec::new();
        let look = Look { width: Some(width), ..Look::default() };
        table.write(look, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
    };
    assert_eq!(shown(62), "└──────── 4711  idle in transaction (aborted)  would terminate");
    assert_eq!(shown(50), "└──────── 4711  idle in transact…  would terminate");
    assert_eq!(shown(40), "└──────── 4711  idle in…  would termina…");
    assert_eq!(shown(34), "└──────── 4711  idle in…  would t…");
    assert_eq!(shown(24), "└──────── 4711  idle in…");
    assert_eq!(shown(10), "└──────── 4711");
}

#[test]
fn a_narrow_terminal_does_without_what_can_be_spared() {
    let columns =
        [("PID", Align::Right), ("CLIENT", Align::Left), ("ROLE", Align::Left), ("QUERY", Align::Left)];
    let mut table = Table::new(&columns).sparing(&["ROLE", "CLIENT"]);
    table.push(Mark::Plain, ["4711".into(), "10.0.0.11".into(), "web".into(), "select 1 from stock".into()]);
    let shown = |width, full| {
        let mut out = Vec::new();
        table.write(Look { width: Some(width), full, ..Look::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert!(shown(40, false).ends_with("4711  10.0.0.11  web   select 1 from st…\n"), "{}", shown(40, false));
    let narrow = " PID  CLIENT     QUERY\n4711  10.0.0.11  select 1 from st…\n";
    assert_eq!(shown(34, false), narrow);
    assert_eq!(shown(30, false), " PID  QUERY\n4711  select 1 from stock\n");
    assert!(shown(30, true).ends_with("4711  10.0.0.11  web   select 1 from stock\n"));
}

#[test]
fn what_names_somebody_stays_whole_while_there_is_anything_else_to_leave_out() {
    let columns = [
        ("CLIENT", Align::Left),
        ("APPLICATION", Align::Left),
        ("PID", Align::Right),
        ("FOR", Align::Right),
        ("QUERY", Align::Left),
    ];
    let mut table = Table::new(&columns).sparing(&["QUERY", "FOR"]).keeping(&["CLIENT"], 16);
    let row = ["203.0.113.107:51514", "nightly-import-of-stock", "4711", "1.2s", "select 1 from stock"];
    table.push(Mark::Plain, row.map(str::to_owned));
    let shown = |width| {
        let mut out = Vec::new();
        table.write(Look { width: Some(width), ..Look::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
    };
    assert_eq!(shown(72), "203.0.113.107:51514  nightly-import-of-st…  4711  1.2s  select 1 from s…");
    assert_eq!(shown(67), "203.0.113.107:51514  nightly-import-…  4711  1.2s  select 1 from s…");
    assert_eq!(shown(60), "203.0.113.107:51514  nightly-import-of-stock  4711  1.2s");
    assert_eq!(shown(48), "203.0.113.107:51514  nightly-import-of-st…  4711");
    assert_eq!(shown(40), "203.0.113.107:51514  nightly-impo…  4711");
    assert_eq!(shown(30), "203.0.113.107:51514  nightly-…");
}

#[test]
fn a_text_of_a_megabyte_costs_a_terminal_no_more_than_a_short_one() {
    let took = |length: usize| {
        let text = "select 1,\n  2".repeat(length / 12);
        let rows: Vec<&String> = vec![&text; 40];
        let columns: &[Column<&String>] = &[
            Column::table("FIRST", Align::Left, |row| row.as_str().into()),
            Column::table("LAST", Align::Left, |row| row.as_str().into()),
        ];
        let table = Table::of(columns, rows, |_| Mark::Plain);
        // The fastest of some: the machine does other things, too.
        let once = |_| {
            let began = std::time::Instant::now();
            table.write(Look { width: Some(120), ..Look::default() }, &mut io::sink()).unwrap();
            began.elapsed()
        };
        (0..9).map(once).min().unwrap()
    };
    let (short, long) = (took(1_200), took(1_200_000));
    assert!(long < short * 20, "{short:?} for a thousand bytes, {long:?} for a million");
}

#[test]
fn a_terminal_cuts_the_last_column_and_colours_whole_lines() {
    let text = shown(Look { width: Some(30), color: true, full: false });
    assert!(text.contains("select 1 from a…\n"), "{text}");
    assert!(text.contains("\u{1b}[31m4711  active  -\u{1b}[0m\n"), "{text}");
    assert!(shown(Look { width: Some(30), color: false, full: true }).contains("long_table_name\n"));
}
