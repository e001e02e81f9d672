//! Which side the cells of a column lean to.

/// Which side a column's cells lean to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers, and durations that stand still.
    Right,
    /// Durations that grow by themselves: as numbers, and no change when results are compared.
    Age,
    /// Sentences, whose durations are no change when results are compared.
    Told,
}

impl Align {
    /// Whether they lean to the left.
    pub(super) const fn is_left(self) -> bool {
        matches!(self, Self::Left | Self::Told)
    }
}
