use proptest::prelude::*;

use super::super::table::{Align, Mark, Table};
use super::interpreter::Screen;
use super::*;

fn blocks(rows: &[[&str; 3]]) -> Vec<Block<'static>> {
    let mut table = Table::new(&[("PID", Align::Right), ("STATE", Align::Left), ("FOR", Align::Age)]);
    for row in rows {
        table.push(Mark::Plain, row.map(str::to_owned));
    }
    vec![Block::line("head"), Block::Table(table)]
}

fn frame(blocks: &[Block<'_>], width: usize, lines: usize) -> Frame {
    let look = Look { width: Some(width), color: true, full: false };
    Frame::of(blocks, look, Some(lines)).unwrap()
}

fn drawn(blocks: &[Block<'_>], lines: usize) -> String {
    let look = Look { width: Some(40), ..Look::default() };
    let whole = Frame::of(blocks, look, Some(lines)).unwrap().whole();
    whole.replace("\u{1b}[K", "").replace("\r\n", "\n")
}

fn screen(writes: &[&str], width: usize, lines: usize) -> Screen {
    let mut screen = Screen::new(width, lines);
    writes.iter().for_each(|text| screen.write(text));
    screen
}

#[test]
fn only_what_is_new_is_marked_and_growing_ages_are_not() {
    let before = blocks(&[["7", "idle", "1s"], ["8", "active", "1s"]]);
    let mut now = blocks(&[["7", "idle", "2s"], ["8", "idle", "0s"], ["9", "active", "0s"]]);
    mark_changes(&mut now, Some(&before));
    let text = drawn(&now, 24);
    assert!(
        text.contains(
            "head\n  PID  STATE   FOR\n    7  idle     2s\n*   8  idle     0s\n\u{1b}[J*   9  active   0s"
        ),
        "{text}"
    );
    mark_changes(&mut now, None);
    assert!(!drawn(&now, 24).contains('*'));
    // On a larger screen more of them are seen, which is no news.
    let cut = [before, vec![Block::Rest("1 more session".into(), 1)]].concat();
    mark_changes(&mut now, Some(&cut));
    assert!(!drawn(&now, 24).contains('*'));
}

#[test]
fn a_line_as_wide_as_the_terminal_keeps_its_last_character() {
    let rows: &[&str] = &["0123456789", "9876543210"];
    let blocks: Vec<Block<'_>> = rows.iter().map(Block::line).collect();
    assert_eq!(screen(&[&frame(&blocks, 10, 9).whole()], 10, 9).text(), rows.join("\n"));
}

#[test]
fn a_small_terminal_shows_what_fits_and_counts_the_rest() {
    let mut now = blocks(&[["1", "a", "1s"], ["2", "b", "1s"], ["3", "c", "1s"]]);
    mark_changes(&mut now, None);
    let text = drawn(&now, 4);
    assert!(text.contains("    1  a       1s\n\u{1b}[J… 2 more lines"), "{text}");
    now.push(Block::Rest("40 more sessions".into(), 40));
    let text = drawn(&now, 4);
    assert!(text.contains("… 42 more lines"), "what a line counts is below, too: {text}");
    now.pop();
    assert_eq!(text.matches('\n').count(), 3);
}

/// What is written between the two marks of a whole frame.
fn written(before: &[Block], now: &[Block]) -> String {
    let text = frame(now, 40, 24).over(&frame(before, 40, 24));
    text.strip_prefix(HOLD).and_then(|text| text.strip_suffix(SHOW)).unwrap_or(&text).replace('\u{1b}', "^")
}

#[test]
fn only_what_changed_is_written() {
    let lines = |lines: &[(Mark, &str)]| -> Vec<Block<'static>> {
        lines.iter().map(|(mark, line)| Block::marked(*mark, line)).collect()
    };
    let plain = |text| lines(&[(Mark::Plain, text)]);
    for (before, now, expected) in [
        (plain("7  idle  1s"), plain("7  idle  1s"), ""),
        (plain("7  idle  1s  1m 9s"), plain("7  idle  2s  1m 8s"), "^[1;10H2^[6C8"),
        (plain("17  a"), plain("28  b"), "^[1H28  b"),
        (plain("short"), plain("shorter"), "^[1;6H^[Ker"),
        (plain("shorter"), plain("short"), "^[1;6H^[K"),
        (plain("1s  d\u{e9}j\u{e0} vu"), plain("2s  d\u{e9}j\u{e0} vu"), "^[1H2"),
        (plain("1s  d\u{e9}j\u{e0} vu"), plain("1s  d\u{e9}j\u{e0} lu"), "^[1;5H^[Kd\u{e9}j\u{e0} lu"),
        (lines(&[(Mark::Dim, "5s")]), lines(&[(Mark::Dim, "6s")]), "^[1H^[2m6^[0m"),
        (lines(&[(Mark::Dim, "idle")]), lines(&[(Mark::Bad, "idle")]), "^[1H^[K^[31midle^[0m"),
        (
            lines(&[(Mark::Bad, "a"), (Mark::Bad, "b"), (Mark::Plain, "c")]),
            lines(&[(Mark::Bad, "x"), (Mark::Bad, "y"), (Mark::Plain, "z")]),
            "^[1H^[31mx^[2Hy^[3H^[0mz",
        ),
        (plain("one"), lines(&[(Mark::Plain, "one"), (Mark::Plain, "two")]), "^[2H^[Ktwo"),
        (lines(&[(Mark::Plain, "one"), (Mark::Plain, "two")]), plain("one"), "^[2H^[J"),
        (plain("gone"), Vec::new(), "^[1H^[J"),
    ] {
        assert_eq!(written(&before, &now), expected, "{before:?} {now:?}");
    }
}

#[test]
fn another_width_is_drawn_as_a_whole() {
    let blocks = blocks(&[["7", "idle", "1s"]]);
    let (before, now) = (frame(&blocks, 40, 24), frame(&blocks, 41, 24));
    assert_eq!(now.over(&before), now.whole());
}

fn line() -> impl Strategy<Value = (u8, String)> {
    let character = prop::sample::select(vec![
        'a', 'b', '1', '2', ' ', '-', '\u{e9}', '…', '└', '漢', '字', '\u{301}', '🦀',
    ]);
    (0..5_u8, prop::collection::vec(character, 0..26).prop_map(|line| line.into_iter().collect()))
}

/// A frame, and one that shares most of its lines with it, or most characters of a line.
fn pair() -> impl Strategy<Value = [Vec<(u8, String)>; 2]> {
    let lines = || prop::collection::vec(line(), 0..8);
    (lines(), lines(), prop::collection::vec(0..4_u8, 8)).prop_map(|(before, other, how)| {
        let mut now = other;
        for ((at, line), how) in now.iter_mut().enumerate().zip(how) {
            let Some((mark, text)) = before.get(at) else { break };
            match how {
                0 => {}
                1 => *line = (*mark, text.clone()),
                2 => line.1.clone_from(text),
                _ => {
                    let mixed = text.chars().zip(line.1.chars()).enumerate();
                    let mixed = mixed.map(|(at, (old, new))| if at % 7 == 3 { new } else { old });
                    *line = (*mark, mixed.collect());
                }
            }
        }
        [before, now]
    })
}

proptest! {
    #[test]
    fn what_is_written_over_a_frame_is_the_next_one(pair in pair(), again in pair(), width in 2..24_usize) {
        let marks = [Mark::Plain, Mark::Dim, Mark::Good, Mark::Warn, Mark::Bad];
        let frames = pair.iter().chain(&again).map(|lines| {
            let lines = lines.iter().map(|(mark, line)| Block::marked(marks[usize::from(*mark)], line));
            frame(&lines.collect::<Vec<_>>(), width, 6)
        });
        let frames: Vec<Frame> = frames.collect();
        let mut shown = screen(&[&frames[0].whole()], width, 6);
        for (before, now) in frames.iter().zip(&frames[1..]) {
            shown.write(&now.over(before));
            prop_assert_eq!(&shown, &screen(&[&now.whole()], width, 6));
        }
    }
}

fn scrolled(blocks: &[Block<'_>], lines: usize, above: usize) -> (String, usize, usize) {
    let look = Look { width: Some(40), ..Look::default() };
    let frame = Frame::scrolled(blocks, look, Some(lines), 1, above).unwrap();
    (screen(&[&frame.whole()], 40, lines).text(), frame.above(), frame.most_above())
}

#[test]
fn what_is_scrolled_out_is_counted_and_the_header_stays() {
    let names: Vec<String> = (0..9).map(|row| row.to_string()).collect();
    let rows: Vec<[&str; 3]> = names.iter().map(|name| [name.as_str(), "a", "1s"]).collect();
    let now = blocks(&rows);
    let (text, above, most) = scrolled(&now, 6, 0);
    let expected =
        "head\nPID  STATE  FOR\n  0  a       1s\n  1  a       1s\n  2  a       1s\n\u{2026} 6 more lines";
    assert_eq!((text.as_str(), above, most), (expected, 0, 6));
    let (text, above, _) = scrolled(&now, 6, 1);
    let expected =
        "head\nPID  STATE  FOR\n  1  a       1s\n  2  a       1s\n  3  a       1s\n\u{2026} 1 above, 5 below";
    assert_eq!((text.as_str(), above), (expected, 1));
    let (text, above, _) = scrolled(&now, 6, 99);
    let expected =
        "head\nPID  STATE  FOR\n  6  a       1s\n  7  a       1s\n  8  a       1s\n\u{2026} 6 above";
    assert_eq!((text.as_str(), above), (expected, 6));
    // Where there is room for all of it, nothing is scrolled.
    let (text, above, most) = scrolled(&now, 11, 5);
    assert_eq!((text.lines().count(), above, most), (11, 0, 0));
}

proptest! {
    #[test]
    fn every_line_can_be_scrolled_to(rows in 0usize..30, lines in 4usize..20, above in 0usize..40) {
        let names: Vec<String> = (0..rows).map(|row| format!("row{row}")).collect();
        let cells: Vec<[&str; 3]> = names.iter().map(|name| [name.as_str(), "a", "1s"]).collect();
        let now = blocks(&cells);
        let (text, at, most) = scrolled(&now, lines, above);
        prop_assert!(text.lines().count() <= lines && at == above.min(most));
        let seen: std::collections::BTreeSet<String> = (0..=most)
            .flat_map(|above| scrolled(&now, lines, above).0.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        prop_assert!(names.iter().all(|name| seen.iter().any(|line| line.split_whitespace().next() == Some(name))));
    }
}
