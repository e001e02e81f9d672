//! Writing into a buffer of cells: what is foreign is made harmless first, and what is too long is cut.

use std::borrow::Cow;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

use crate::render::table::Mark;
use crate::render::text;

/// What is drawn on.
pub(super) struct Pen<'a> {
    pub(super) buffer: &'a mut Buffer,
    /// Colours may be used.
    pub(super) color: bool,
}

/// A part of a line: how it looks, and what it says.
pub(super) type Part<'a> = (Style, Cow<'a, str>);

impl Pen<'_> {
    /// The columns and lines there are.
    pub(super) fn size(&self) -> (u16, u16) {
        (self.buffer.area.width, self.buffer.area.height)
    }

    /// The style of a mark. Colour only repeats what a word or a mark says.
    pub(super) fn style(&self, mark: Mark) -> Style {
        let colored = |color: Color| if self.color { Style::new().fg(color) } else { Style::new() };
        match mark {
            Mark::Plain => Style::new(),
            Mark::Dim => Style::new().add_modifier(Modifier::DIM),
            Mark::Good => colored(Color::Green),
            Mark::Warn => colored(Color::Yellow),
            Mark::Bad => colored(Color::Red),
        }
    }

    /// Writes `line` from there on, as far as so many columns go; foreign text in it is made visible. Returns the column behind it.
    pub(super) fn write(&mut self, (x, y): (u16, u16), line: &str, style: Style, room: u16) -> u16 {
        let (width, height) = self.size();
        let room = room.min(width.saturating_sub(x));
        if room == 0 || y >= height {
            return x;
        }
        let line = text::visible(line);
        let mut at = x;
        for character in text::cut(&line, room.into()).chars() {
            let columns = match character {
                // What is left of them after `visible` is one column wide.
                character if character.is_ascii() => 1,
                character => u16::try_from(text::width(character.encode_utf8(&mut [0; 4]))).unwrap_or(0),
            };
            if at + columns > x + room {
                break;
            }
            match columns {
                // It is shown as one with the character before it.
                0 => self.join((at, y), character),
                _ => self.put((at, y), character, columns, style),
            }
            at += columns;
        }
        at
    }

    fn put(&mut self, (x, y): (u16, u16), character: char, columns: u16, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_char(character).set_style(style);
        }
        // What a wide character covers is nobody's.
        for covered in x + 1..x + columns {
            if let Some(cell) = self.buffer.cell_mut((covered, y)) {
                cell.reset();
            }
        }
    }

    fn join(&mut self, (x, y): (u16, u16), character: char) {
        let before = x.checked_sub(1).and_then(|x| self.buffer.cell_mut((x, y)));
        if let Some(cell) = before.filter(|cell| cell.symbol() != " ") {
            let joined = format!("{}{character}", cell.symbol());
            cell.set_symbol(&joined);
        }
    }

    /// Writes parts one behind the other in line `y` from column `x` on, up to column `end`.
    pub(super) fn parts(&mut self, (x, y): (u16, u16), parts: &[Part<'_>], end: u16) -> u16 {
        parts.iter().fold(x, |x, (style, part)| self.write((x, y), part, *style, end.saturating_sub(x)))
    }

    /// Writes `line` so that it ends at column `end`; returns where it begins.
    pub(super) fn write_right(&mut self, end: u16, y: u16, line: &str, style: Style) -> u16 {
        let width = u16::try_from(text::width(&text::visible(line))).unwrap_or(u16::MAX);
        let x = end.saturating_sub(width);
        self.write((x, y), line, style, width.min(end));
        x
    }

    /// Gives the first cells of line `y` this style, too.
    pub(super) fn restyle(&mut self, y: u16, columns: u16, style: Style) {
        let width = self.buffer.area.width.min(columns);
        self.buffer.set_style(Rect { x: 0, y, width, height: 1 }, style);
    }

    /// Empties a part of the screen.
    pub(super) fn wipe(&mut self, area: Rect) {
        for y in area.y..area.bottom().min(self.buffer.area.height) {
            for x in area.x..area.right().min(self.buffer.area.width) {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}

/// Bold.
pub(super) const fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// Dim.
pub(super) const fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// The other way round.
pub(super) const fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}
