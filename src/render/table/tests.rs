//! What tables look like on terminals of every width.

use super::super::columns::{Column, Value};
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
    // No more of it than beside the client: a wider terminal shows less of nothing.
    assert_eq!(shown(33, false), " PID  QUERY\n4711  select 1 from st…\n");
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
    assert_eq!(shown(73), "203.0.113.107:51514  nightly-import-of-st…  4711  1.2s  select 1 from st…");
    assert_eq!(shown(68), "203.0.113.107:51514  nightly-import-…  4711  1.2s  select 1 from st…");
    // No more of it than beside what is shown next: a wider terminal shows less of nothing.
    assert_eq!(shown(67), "203.0.113.107:51514  nightly-import-…  4711  1.2s");
    assert_eq!(shown(48), "203.0.113.107:51514  nightly-import-…  4711");
    assert_eq!(shown(40), "203.0.113.107:51514  nightly-impo…  4711");
    assert_eq!(shown(30), "203.0.113.107:51514  nightly…");
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

#[test]
fn what_all_rows_have_in_common_stands_above_them_where_room_is_scarce() {
    struct Row(&'static str, &'static str, &'static str);
    let columns: &[Column<Row>] = &[
        Column::table("PID", Align::Right, |row: &Row| row.0.into()),
        Column::table("DATABASE", Align::Left, |_: &Row| "shop".into()).folding(),
        Column::table("CLIENT", Align::Left, |_: &Row| Value::None).folding(),
        Column::table("STATE", Align::Left, |row: &Row| row.1.into())
            .short(|row| if row.1 == "idle in transaction" { "idle-xact".into() } else { row.1.into() }),
        Column::table("QUERY", Align::Left, |row: &Row| row.2.into()).wide(),
    ];
    let query = "select a_column, and_another from a_table";
    let rows = [Row("7", "idle in transaction", query), Row("4711", "active", query)];
    let table = |count: usize| Table::of(columns, rows.iter().take(count), |_| Mark::Plain);
    let shown = |count, width: Option<usize>, full| {
        let mut out = Vec::new();
        table(count).write(Look { width, full, ..Look::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let whole = shown(2, None, false);
    assert!(whole.contains("PID  DATABASE  CLIENT  STATE"), "pipes get every column: {whole}");
    assert_eq!(shown(2, Some(100), false), whole, "where there is room, nothing changes");
    assert_eq!(shown(2, Some(60), true), whole, "nor where everything is wanted");
    let expected = "database shop\n PID  STATE                QUERY\n   7  idle in transaction  select a_column, and_another from a_tab\u{2026}\n4711  active               select a_column, and_another from a_tab\u{2026}\n";
    assert_eq!(shown(2, Some(67), false), expected);
    let expected = "database shop\n PID  STATE      QUERY\n   7  idle-xact  select a_column,\u{2026}\n4711  active     select a_column,\u{2026}\n";
    assert_eq!(shown(2, Some(34), false), expected);
    assert_eq!(table(2).lines_above(60), 1);
    assert!(!shown(1, Some(60), false).contains("database shop"), "one row has nothing in common");
}

#[test]
fn what_is_said_of_all_rows_is_true_of_those_that_are_not_shown() {
    struct Row(&'static str, &'static str);
    let columns: &[Column<Row>] = &[
        Column::table("DATABASE", Align::Left, |row: &Row| row.0.into()).folding(),
        Column::table("STATE", Align::Left, |row: &Row| row.1.into()).folding(),
        Column::table("QUERY", Align::Left, |_: &Row| "select a_column, and_another from a_table".into())
            .wide(),
    ];
    let rows = [Row("shop", "idle"), Row("shop", "idle"), Row("crm", "idle")];
    let table = |count: usize| Table::of(columns, rows.iter().take(count), |_| Mark::Plain);
    let first_line = |table: Table<'_>| {
        let mut out = Vec::new();
        table.write(Look { width: Some(30), ..Look::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(first_line(table(2)), "database shop, state idle");
    assert_eq!(first_line(table(2).first_of(Some(&table(3)))), "state idle");
    assert!(first_line(table(2).first_of(None)).starts_with("DATABASE"), "of others nothing is known");
}

#[test]
fn what_a_screen_has_no_room_for_is_counted_and_the_top_stays() {
    let lines = ["do first", "a line of words that is broken", "the end"].map(Block::line);
    let shown = |lines_of_screen| {
        let mut out = Vec::new();
        let look = Look { width: Some(20), color: true, ..Look::default() };
        write_top(&lines, look, lines_of_screen, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(shown(4), "do first\na line of words that\n  is broken\nthe end\n");
    let rest = "more lines; --full or -o, or pipe to a pager";
    assert!(shown(3).starts_with("do first\na line of words that\n\u{1b}[2m2 "), "{:?}", shown(3));
    assert!(shown(3).contains(rest), "{}", shown(3));
    assert!(shown(1).starts_with("do first\n"), "the first line stays");
}

/// Widths of terminals at which a table is shown.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=200;

/// Fails when a table of these blocks shows less of a column on a wider terminal than on a narrower one, or loses one that does not
/// stand in the line above it.
pub(crate) fn assert_wider_shows_no_less(blocks: &[Block<'_>]) {
    for block in blocks {
        let Block::Table(table) = block else { continue };
        let layouts: Vec<Layout> = WIDTHS.map(|width| table.layout(width)).collect();
        for (width, pair) in WIDTHS.zip(layouts.windows(2)) {
            let [narrower, wider] = pair else { unreachable!() };
            for column in &narrower.columns {
                let same = wider.columns.iter().find(|other| other.at == column.at);
                let shown = |layout: &Layout| -> Vec<_> {
                    layout.columns.iter().map(|column| (column.title, column.room)).collect()
                };
                let (before, after) = (shown(narrower), shown(wider));
                assert!(
                    same.is_some_and(|same| same.room >= column.room),
                    "{} of {before:?} at {width} columns, {after:?} at one more",
                    column.title
                );
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..Default::default() })]

    #[test]
    fn a_wider_terminal_shows_less_of_no_column(cells in proptest::collection::vec("[a-c ]{0,60}", 15..50)) {
        let columns: &[Column<Vec<String>>] = &[
            Column::table("PID", Align::Right, |row: &Vec<String>| i64::try_from(row[0].len()).unwrap_or(0).into()),
            Column::table("NAME", Align::Left, |row: &Vec<String>| row[1].as_str().into()).folding().naming(),
            Column::table("XACT", Align::Age, |row: &Vec<String>| Value::Seconds(f64::from(u16::try_from(row[0].len()).unwrap_or(0)) * 31.0)),
            Column::table("PLACE", Align::Left, |row: &Vec<String>| row[2].as_str().into())
                .short(|row| row[2].get(..30).unwrap_or(&row[2]).into())
                .terse(|row| row[2].get(..12).unwrap_or(&row[2]).into())
                .distinct(10),
            Column::table("STATE", Align::Left, |row: &Vec<String>| row[3].as_str().into()).folding(),
            Column::table("QUERY", Align::Left, |row: &Vec<String>| row[4].as_str().into()).wide(),
        ];
        let rows: Vec<Vec<String>> = cells.chunks_exact(5).map(<[String]>::to_vec).collect();
        let spared: [&'static [&'static str]; 3] = [&["STATE", "NAME", "PLACE"], &["QUERY", "XACT", "PLACE"], &[]];
        for spare in spared {
            let table = Table::of(columns, &rows, |_| Mark::Plain).sparing(spare);
            assert_wider_shows_no_less(&[Block::Table(table)]);
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_table_is_never_wider_than_its_terminal(
        cells in proptest::collection::vec("[a-z ]{0,40}", 12..40),
        width in 24usize..160,
    ) {
        let columns: &[Column<Vec<String>>] = &[
            Column::table("PID", Align::Right, |row: &Vec<String>| i64::try_from(row[0].len()).unwrap_or(0).into()),
            Column::table("NAME", Align::Left, |row: &Vec<String>| row[1].as_str().into()).folding().least(8),
            Column::table("PLACE", Align::Left, |row: &Vec<String>| row[2].as_str().into()).folding(),
            Column::table("QUERY", Align::Left, |row: &Vec<String>| row[3].as_str().into()).wide(),
        ];
        let rows: Vec<Vec<String>> = cells.chunks_exact(4).map(<[String]>::to_vec).collect();
        let mut out = Vec::new();
        let table = Table::of(columns, &rows, |_| Mark::Plain).sparing(&["PLACE", "NAME"]);
        table.write(Look { width: Some(width), ..Look::default() }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        // A value that all have in common is told whole; its line is broken between words.
        let lines = text.lines().skip(table.lines_above(width));
        for line in lines {
            proptest::prop_assert!(text::width(line) <= width, "{width}: {text}");
        }
    }
}
