//! Where a table goes, as far as its looks depend on that.

/// How a table may look where it goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// Columns of the terminal; none when the output is not one, and then nothing is cut.
    pub(crate) width: Option<usize>,
    /// Whether to colour.
    pub(crate) color: bool,
    /// Whether long texts are shown whole even on a terminal.
    pub(crate) full: bool,
}
