//! A terminal as the tests see it: what stands on the screen after everything that was written to it. It knows what a frame may
//! use, and fails at everything else. The tests of the whole program use it, too.

use unicode_width::UnicodeWidthChar;

/// A character with those that are shown as one with it, and the styles that it is shown in.
type Cell = (String, Vec<String>);

/// The screen of a terminal that keeps its cursor at the right edge.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    rows: Vec<Vec<Cell>>,
    styles: Vec<String>,
    row: usize,
    column: usize,
}

impl Screen {
    /// An empty one.
    pub(crate) fn new(width: usize, lines: usize) -> Self {
        let blank = (" ".to_owned(), Vec::new());
        Self { rows: vec![vec![blank; width]; lines], styles: Vec::new(), row: 0, column: 0 }
    }

    /// What is written to it.
    pub(crate) fn write(&mut self, text: &str) {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '\u{1b}' => {
                    let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
                    self.obey(rest[..end].strip_prefix('[').expect("a sequence"), &rest[end..=end]);
                    rest = &rest[end + 1..];
                }
                '\r' => self.column = 0,
                '\n' if self.row + 1 == self.rows.len() => {
                    self.rows.rotate_left(1);
                    self.rows[self.row].fill((" ".to_owned(), Vec::new()));
                }
                '\n' => self.row += 1,
                other => self.show(other),
            }
        }
    }

    fn obey(&mut self, parameters: &str, order: &str) {
        let number =
            |at: usize| parameters.split(';').nth(at).and_then(|n| n.parse().ok()).unwrap_or(1_usize);
        match order {
            "H" => {
                self.row = (number(0) - 1).min(self.rows.len() - 1);
                self.column = (number(1) - 1).min(self.rows[0].len() - 1);
            }
            "C" => self.column = (self.column + number(0)).min(self.rows[0].len() - 1),
            "K" => self.erase(),
            "J" => {
                self.erase();
                let blank = (" ".to_owned(), Vec::new());
                self.rows[self.row + 1..].iter_mut().for_each(|row| row.fill(blank.clone()));
            }
            "m" if parameters == "0" => self.styles.clear(),
            "m" => self.styles.push(parameters.to_owned()),
            "h" | "l" => {}
            _ => panic!("a terminal may not know {parameters}{order}"),
        }
    }

    fn erase(&mut self) {
        let (row, column) = (self.row, self.column);
        self.rows[row][column..].fill((" ".to_owned(), Vec::new()));
    }

    /// Half of a wide character is no character.
    fn show(&mut self, character: char) {
        let (row, last) = (self.row, self.rows[0].len() - 1);
        match character.width().expect("nothing but what can be seen") {
            0 => {
                let before = self.column.saturating_sub(1);
                self.rows[row][before].0.push(character);
            }
            width => {
                let column = self.column.min(last + 1 - width.min(last + 1));
                let cells = &mut self.rows[row];
                for at in column..column + width {
                    if cells[at].0.is_empty() {
                        cells[at - 1].0 = " ".to_owned();
                    }
                    if cells.get(at + 1).is_some_and(|next| next.0.is_empty()) {
                        cells[at + 1].0 = " ".to_owned();
                    }
                    let styles = if character == ' ' { Vec::new() } else { self.styles.clone() };
                    cells[at] = (String::new(), styles);
                }
                cells[column].0 = character.to_string();
                self.column = (column + width).min(last);
            }
        }
    }

    /// Its lines without what trails them.
    pub(crate) fn text(&self) -> String {
        let line = |row: &Vec<Cell>| row.iter().map(|(text, _)| text.as_str()).collect::<String>();
        let lines: Vec<String> = self.rows.iter().map(|row| line(row).trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// Where the cursor is cannot be seen.
impl PartialEq for Screen {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}
