//! The line about a server's slots: how many are in use, with a bar.

use crate::analyze::health::CONNECTIONS_PERCENT;
use crate::model::usage::Connections;
use crate::render::table::{Block, Mark};
use crate::render::text;

/// `connections  42 of 97 usable  43%  [####------]  (max 100, 3 reserved)`, in 80 columns. How long the bar is depends on nothing
/// that changes while the server runs: it grows with use, and what stands beside it does not take its place.
pub(super) fn slots_line(connections: &Connections) -> Block<'static> {
    let Connections { used, used_at_most, usable, used_ratio, max_connections, .. } = *connections;
    let reserved = connections.superuser_reserved_connections + connections.reserved_connections;
    let limits = format!("(max {max_connections}, {reserved} reserved)");
    let Some(ratio) = used_ratio else {
        return Block::line(format!(
            "connections  between {used} and {used_at_most} of {usable} usable  {limits}"
        ));
    };
    let mark = of_ratio(ratio);
    let warns = if mark == Mark::Plain { "" } else { "  !" };
    let share = text::percent(ratio);
    let bar = bar(ratio);
    Block::marked(mark, format!("connections  {used} of {usable} usable  {share}{warns}  {bar}  {limits}"))
}

/// How much a share of the slots asks to be looked at: as the rule `connections` judges it.
pub(super) fn of_ratio(ratio: f64) -> Mark {
    match ratio {
        ratio if ratio * 100.0 >= f64::from(CONNECTIONS_PERCENT.1) => Mark::Bad,
        ratio if ratio * 100.0 >= f64::from(CONNECTIONS_PERCENT.0) => Mark::Warn,
        _ => Mark::Plain,
    }
}

/// What the bar is made of.
const MARKS: usize = 10;

/// `[####------]`: a mark is a tenth of the slots, and the last one stands only when all are taken.
fn bar(ratio: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and 10"
    )]
    let filled = (ratio.clamp(0.0, 1.0) * MARKS as f64).floor() as usize;
    format!("[{}{}]", "#".repeat(filled), "-".repeat(MARKS - filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::ConnectionSlots;

    #[test]
    fn the_line_about_slots_fits_a_terminal() {
        for (used, max) in [(0, 10), (51, 80), (97, 100), (500, 1000), (4990, 5000), (9995, 9999)] {
            let limits = ConnectionSlots { max_connections: max, superuser_reserved: 3, reserved: 2 };
            let Block::Line(_, text) = slots_line(&Connections::new(limits, used, 0)) else { panic!() };
            assert!(text.chars().count() <= 80, "{text}");
        }
    }

    #[test]
    fn the_bar_grows_with_use_and_is_always_as_long() {
        let marks = |used| {
            let limits = ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 };
            let Block::Line(_, text) = slots_line(&Connections::new(limits, used, 0)) else { panic!() };
            let (_, bar) = text.split_once('[').unwrap();
            let (bar, _) = bar.split_once(']').unwrap();
            assert_eq!(bar.len(), MARKS, "{text}");
            bar.matches('#').count()
        };
        let all: Vec<usize> = (0..=100).map(marks).collect();
        assert!(all.is_sorted(), "{all:?}");
        assert_eq!((all[0], all[49], all[96], all[97], all[100]), (0, 5, 9, 10, 10));
    }
}
