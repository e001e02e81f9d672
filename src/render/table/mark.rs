//! How much a line asks to be looked at, and the colour of that.

use anstyle::{Ansi256Color, AnsiColor, Style};

/// How much a line asks to be looked at. Colour only repeats what a word or mark in the line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing special.
    #[default]
    Plain,
    /// Not interesting: idle sessions.
    Dim,
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Mark {
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => WARNING,
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// What warns is read on light and on dark: the yellow of the first sixteen colours is neither's, this dark orange has a contrast of
/// more than 4 to both.
pub(crate) const WARNING: Style = Ansi256Color(130).on_default();
