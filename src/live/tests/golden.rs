//! What it looks like, as golden texts at four sizes, and in which styles; `PGCONN_BLESS=1` (`./dev bless`) writes the texts anew.

use ratatui_core::backend::TestBackend;
use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal;

use super::situations::{SITUATIONS, chosen, first, production, readme};
use super::*;
use crate::live::canvas::{Canvas, lines};
use crate::live::view::{self, Look};

const SIZES: [(u16, u16); 4] = [(60, 12), (80, 24), (120, 40), (200, 50)];

/// What stands on a terminal that ratatui draws on for tests.
fn screen(bench: &Bench, color: bool) -> Buffer {
    let (width, height) = bench.state.size();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            view::draw(&bench.state, Look { color }, frame.buffer_mut());
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

#[test]
fn golden_screens_are_what_is_written_down() {
    let mut differ = Vec::new();
    for (name, situation) in SITUATIONS {
        let of = |size: (u16, u16)| {
            format!("# {} columns, {} lines\n{}\n", size.0, size.1, lines(&screen(&situation(size), true)))
        };
        let shown: String = SIZES.map(of).concat();
        let path = format!("{}/src/live/tests/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("PGCONN_BLESS").is_some() {
            std::fs::write(&path, &shown).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != shown {
            differ.push(format!("{path} is not what is shown; ./dev bless writes it anew:\n{shown}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn the_readme_shows_a_screen_as_it_is() {
    let text = include_str!("../../../README.md");
    let shown = lines(&screen(&readme((80, 24)), true));
    assert!(text.contains(&format!("```text\n{shown}```")), "README.md does not show this screen:\n{shown}");
}

#[test]
fn a_terminal_that_is_too_small_is_told_so_on_one_line() {
    for size in [(59, 24), (80, 11), (1, 1), (20, 3)] {
        let bench = first(size);
        let shown = lines(&screen(&bench, true));
        assert!("needs 60 columns and 12 lines".starts_with(shown.trim().trim_end_matches('…')), "{shown}");
    }
}

#[test]
fn nothing_is_drawn_beyond_the_edge_at_any_size() {
    for (_, situation) in SITUATIONS {
        for width in (60..140).step_by(7) {
            for height in [12, 13, 17, 31] {
                let bench = situation((width, height));
                let buffer = screen(&bench, true);
                let last = lines(&buffer);
                assert_eq!(last.lines().count(), usize::from(height));
                assert!(last.lines().next().unwrap().contains("db1:5432"), "{last}");
                // The keys that work stand in the last line.
                assert!(!last.lines().last().unwrap().is_empty(), "{last}");
            }
        }
    }
}

/// The style of the first cell of the line in which this stands.
fn style_of(buffer: &Buffer, text: &str) -> (Color, Modifier) {
    let all = lines(buffer);
    let y = all.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {all}"));
    let line = all.lines().nth(y).unwrap();
    let x = crate::render::text::width(&line[..line.find(text).unwrap()]);
    let cell = buffer.cell((u16::try_from(x).unwrap(), u16::try_from(y).unwrap())).unwrap();
    (cell.fg, cell.modifier)
}

#[test]
fn trouble_is_coloured_and_what_is_gone_is_grey() {
    let shown = screen(&first((120, 40)), true);
    assert_eq!(style_of(&shown, "21877").0, Color::Red);
    assert_eq!(style_of(&shown, "20100").0, Color::Yellow);
    assert_eq!(style_of(&shown, "22200"), (Color::Reset, Modifier::DIM));
    let shown = screen(&chosen((120, 40)), true);
    assert_eq!(style_of(&shown, "21901"), (Color::Reset, Modifier::DIM));
    let cursor = style_of(&shown, "22041");
    assert!(cursor.1.contains(Modifier::REVERSED), "{cursor:?}");
    let shown = screen(&production((120, 40)), true);
    assert!(style_of(&shown, "PRODUCTION").1.contains(Modifier::REVERSED));
    assert_eq!(style_of(&shown, "! down").0, Color::Red);
    // Without colours words and marks say the same.
    for (_, situation) in SITUATIONS {
        let shown = screen(&situation((120, 40)), false);
        assert!(shown.content().iter().all(|cell| cell.fg == Color::Reset));
    }
}

#[test]
fn old_data_is_seen_to_be_old() {
    let mut bench = first((80, 24));
    for (more, color, dim) in [(0, Color::Reset, true), (5, Color::Yellow, false), (6, Color::Red, true)] {
        bench.pass(Duration::from_secs(more));
        let style = style_of(&screen(&bench, true), "data ");
        assert_eq!((style.0, style.1.contains(Modifier::DIM)), (color, dim), "{more}");
    }
}

#[test]
fn no_character_of_other_people_reaches_the_terminal_as_it_is() {
    for (_, situation) in SITUATIONS {
        for size in SIZES {
            let bench = situation(size);
            for is_ascii in [false, true] {
                let mut canvas = Canvas::new(is_ascii);
                let text =
                    canvas.paint(size, |buffer| view::draw(&bench.state, Look { color: true }, buffer));
                let mut rest = text.as_str();
                while let Some((before, after)) = rest.split_once('\u{1b}') {
                    assert!(!before.chars().any(|c| c.is_control() || crate::model::quote::is_invisible(c)));
                    let end = after.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    let known = ["m", "H", "J", "C", "h", "l"].contains(&&after[end..=end]);
                    assert!(after.starts_with('[') && known, "{after:?}");
                    rest = &after[end + 1..];
                }
                assert!(!rest.chars().any(char::is_control));
                assert!(!is_ascii || text.is_ascii(), "{text:?}");
            }
        }
    }
}

#[test]
fn a_frame_costs_what_has_changed() {
    let mut bench = first((120, 40));
    let mut canvas = Canvas::new(false);
    let mut paint = |bench: &Bench| {
        canvas.paint((120, 40), |buffer| view::draw(&bench.state, Look { color: true }, buffer)).len()
    };
    let whole = paint(&bench);
    let nothing = paint(&bench);
    bench.keys("j");
    let first_move = paint(&bench);
    bench.keys("j");
    let second_move = paint(&bench);
    println!("whole {whole}, nothing {nothing}, first key {first_move}, second key {second_move}");
    assert_eq!(nothing, 0);
    assert!(whole < 8_000 && first_move <= 300 && second_move <= 300);
}
