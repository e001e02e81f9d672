//! Thresholds as plain ranges, and what a value of which only the ends are known comes to between them.

use super::range::{Crossed, NumericRange, Range};
use crate::model::health::{Measure, MeasureUnit, Status};

/// When a rule is to alert.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Thresholds {
    /// Outside this range it warns.
    pub(crate) warning: Option<Range>,
    /// Outside this range it is critical.
    pub(crate) critical: Option<Range>,
}

impl Thresholds {
    /// Those that `is_meant` says yes to.
    pub(super) fn only(&self, is_meant: impl Fn(&Range) -> bool) -> Self {
        let of = |range: Option<Range>| range.filter(|range| is_meant(range));
        Self { warning: of(self.warning), critical: of(self.critical) }
    }

    /// Each of them by itself.
    pub(super) fn singly(&self) -> impl Iterator<Item = (Range, Self)> {
        let warning = self.warning.map(|range| (range, Self { warning: Some(range), critical: None }));
        let critical = self.critical.map(|range| (range, Self { warning: None, critical: Some(range) }));
        warning.into_iter().chain(critical)
    }
}

/// A status for every value that the truth can have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) status: Status,
    pub(super) crossed: Option<Crossed>,
    pub(super) open: bool,
}

/// The plain ranges of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) warning: Option<NumericRange>,
    pub(super) critical: Option<NumericRange>,
}

impl Bounds {
    pub(super) fn of_count(thresholds: &Thresholds, whole: i64) -> Self {
        Self {
            warning: thresholds.warning.as_ref().map(|range| range.of_count(whole)),
            critical: thresholds.critical.as_ref().map(|range| range.of_count(whole)),
        }
    }

    pub(super) fn of_numbers(thresholds: &Thresholds) -> Self {
        Self {
            warning: thresholds.warning.as_ref().map(Range::of_numbers),
            critical: thresholds.critical.as_ref().map(Range::of_numbers),
        }
    }

    fn status(self, value: f64) -> Status {
        let alerts = |limits: Option<NumericRange>| limits.is_some_and(|limits| limits.alerts(value));
        if alerts(self.critical) {
            Status::Critical
        } else if alerts(self.warning) {
            Status::Warning
        } else {
            Status::Ok
        }
    }

    fn crossed(self, status: Status, value: f64) -> Option<Crossed> {
        match status {
            Status::Critical => self.critical?.crossed(value),
            Status::Warning => self.warning?.crossed(value),
            _ => None,
        }
    }

    /// Judges a value of which only the ends are known. What is wrong at every possible value is certain; what is
    /// wrong at some of them only is unknown.
    pub(super) fn judge(self, least: f64, most: f64) -> Judged {
        let ends = [self.warning, self.critical].into_iter().flatten().flat_map(NumericRange::turning_points);
        let possible: Vec<Status> = ends
            .filter(|point| (least..=most).contains(point))
            .chain([least, most])
            .map(|point| self.status(point))
            .collect();
        let by_severity = |status: &Status| status.severity();
        let best = possible.iter().copied().min_by_key(by_severity).unwrap_or(Status::Unknown);
        let worst = possible.iter().copied().max_by_key(by_severity).unwrap_or(Status::Unknown);
        let status = if best == worst || best != Status::Ok { best } else { Status::Unknown };
        Judged { status, crossed: self.crossed(status, least), open: best != worst }
    }

    pub(super) fn measure(
        self,
        label: String,
        value: Option<f64>,
        unit: MeasureUnit,
        max: Option<f64>,
    ) -> Measure {
        let written = |limits: Option<NumericRange>| limits.map(|limits| limits.to_string());
        Measure { label, value, unit, warning: written(self.warning), critical: written(self.critical), max }
    }
}

/// A count, or an age in transactions, as what is held against ranges.
#[expect(clippy::cast_precision_loss, reason = "counts and ages in transactions are far below 2^52")]
pub(super) fn count(number: i64) -> f64 {
    number as f64
}
