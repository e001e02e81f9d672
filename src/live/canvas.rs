//! From buffers of cells to what is written to the terminal: of each frame only what differs from the one before, in a handful of
//! escape sequences and no others.

use std::fmt::Write as _;

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};

/// Terminals that know it show everything up to [`SHOW`] at once; others ignore it.
const HOLD: &str = "\u{1b}[?2026h";
const SHOW: &str = "\u{1b}[?2026l";
/// No style, and nothing on the screen.
const WIPE: &str = "\u{1b}[m\u{1b}[H\u{1b}[2J";
/// What lies unchanged between two changes is written with them up to this many cells: to jump over it takes as many bytes.
const NEAR: u16 = 4;

/// What the terminal shows, and what it is to show next.
#[derive(Debug)]
pub(super) struct Canvas {
    shown: Buffer,
    next: Buffer,
    /// The terminal may show anything.
    is_unknown: bool,
    /// Where the terminal's cursor is shown, where it is.
    cursor: Option<(u16, u16)>,
    /// The terminal shows nothing but ASCII.
    is_ascii: bool,
}

impl Canvas {
    /// Nothing is known of the terminal, whose locale may know no more than ASCII.
    pub(super) fn new(is_ascii: bool) -> Self {
        let empty = || Buffer::empty(Rect::ZERO);
        Self { shown: empty(), next: empty(), is_unknown: true, cursor: None, is_ascii }
    }

    /// From now on the terminal may show anything.
    pub(super) const fn forget(&mut self) {
        self.is_unknown = true;
    }

    /// What makes the terminal of this size show what `draw` draws, with its cursor where that says; nothing when it does already.
    pub(super) fn paint(
        &mut self,
        (columns, lines): (u16, u16),
        draw: impl FnOnce(&mut Buffer) -> Option<(u16, u16)>,
    ) -> String {
        let area = Rect { x: 0, y: 0, width: columns, height: lines };
        if self.next.area != area {
            self.next = Buffer::empty(area);
            self.is_unknown = true;
        }
        self.next.reset();
        let cursor = draw(&mut self.next);
        let mut pen = Pen::default();
        if self.is_unknown {
            pen.text.push_str(WIPE);
            self.shown = Buffer::empty(area);
        }
        for (x, y, cell) in self.shown.diff_iter(&self.next) {
            if pen.text.is_empty() && cursor.is_none() && self.cursor.is_some() {
                pen.text.push_str("\u{1b}[?25l");
            }
            pen.go(x, y, &self.next, self.is_ascii);
            pen.cell(cell, self.is_ascii);
        }
        pen.style(Color::Reset, Modifier::empty());
        if let Some((x, y)) = cursor {
            if cursor != self.cursor || !pen.text.is_empty() || self.is_unknown {
                let _ = write!(pen.text, "\u{1b}[{};{}H\u{1b}[?25h", y + 1, x + 1);
            }
        } else if self.cursor.is_some() && !pen.text.contains("\u{1b}[?25l") {
            pen.text.push_str("\u{1b}[?25l");
        }
        (self.cursor, self.is_unknown) = (cursor, false);
        std::mem::swap(&mut self.shown, &mut self.next);
        if pen.text.is_empty() { String::new() } else { format!("{HOLD}{}{SHOW}", pen.text) }
    }

    /// What is shown as lines of text.
    pub(super) fn lines(&self) -> String {
        lines(&self.shown)
    }
}

/// The lines of a buffer, without blanks at their ends.
pub(super) fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut covered = 0;
        for x in 0..buffer.area.width {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            if covered > 0 {
                covered -= 1;
                continue;
            }
            // A wide character covers the cell behind it.
            covered = crate::render::text::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What is written, and how the terminal stands by then.
#[derive(Default)]
struct Pen {
    text: String,
    /// Where the next character goes; none where that is not certain.
    place: Option<(u16, u16)>,
    style: Option<(Color, Modifier)>,
}

impl Pen {
    fn go(&mut self, x: u16, y: u16, next: &Buffer, is_ascii: bool) {
        // Writing to a string does not fail.
        let _ = match self.place {
            Some((at, row)) if row == y && at == x => Ok(()),
            Some((at, row)) if row == y && at < x && x - at <= NEAR && self.is_plain(at, x, y, next) => {
                for between in at..x {
                    if let Some(cell) = next.cell((between, y)) {
                        self.cell(cell, is_ascii);
                    }
                }
                Ok(())
            }
            Some((at, row)) if row == y && at < x => write!(self.text, "\u{1b}[{}C", x - at),
            _ if x == 0 => write!(self.text, "\u{1b}[{}H", y + 1),
            _ => write!(self.text, "\u{1b}[{};{}H", y + 1, x + 1),
        };
        self.place = Some((x, y));
    }

    /// Whether the cells there can be written as they are, in the style that is set.
    fn is_plain(&self, from: u16, to: u16, y: u16, next: &Buffer) -> bool {
        (from..to).all(|x| {
            next.cell((x, y)).is_some_and(|cell| {
                cell.symbol().is_ascii() && self.style.unwrap_or_default() == (cell.fg, cell.modifier)
            })
        })
    }

    fn cell(&mut self, cell: &Cell, is_ascii: bool) {
        self.style(cell.fg, cell.modifier);
        let symbol = cell.symbol();
        if is_ascii {
            let plain = symbol.chars().map(in_ascii);
            self.text.extend(plain);
        } else {
            self.text.push_str(symbol);
        }
        // Terminals differ in how wide they show what is neither ASCII nor drawn in a cell.
        let is_certain = symbol.is_ascii()
            || symbol.chars().all(|character| ('\u{2500}'..='\u{259f}').contains(&character));
        self.place = match self.place {
            Some((x, y)) if is_certain => Some((x + 1, y)),
            _ => None,
        };
    }

    fn style(&mut self, fg: Color, modifier: Modifier) {
        if self.style.unwrap_or_default() == (fg, modifier) {
            return;
        }
        self.style = Some((fg, modifier));
        self.text.push_str("\u{1b}[");
        let color = match fg {
            Color::Red => "31",
            Color::Green => "32",
            Color::Yellow => "33",
            _ => "",
        };
        let codes = [
            (modifier.contains(Modifier::BOLD), "1"),
            (modifier.contains(Modifier::DIM), "2"),
            (modifier.contains(Modifier::UNDERLINED), "4"),
            (modifier.contains(Modifier::REVERSED), "7"),
            (!color.is_empty(), color),
        ];
        for (_, code) in codes.iter().filter(|(is_set, _)| *is_set) {
            self.text.push(';');
            self.text.push_str(code);
        }
        self.text.push('m');
    }
}

/// What stands for a character where only ASCII is known.
const fn in_ascii(character: char) -> char {
    match character {
        '█' => '#',
        '▒' => '?',
        '░' => '.',
        '…' => '~',
        '–' | '─' => '-',
        '│' | '├' | '└' => '|',
        '·' => '-',
        '≤' => '<',
        '▁' => '_',
        '▂'..='▇' => ':',
        plain if plain.is_ascii() => plain,
        _ => '?',
    }
}
