//! What a rule found.

use super::bounds::{Bounds, Judged, Thresholds};
use super::range::Crossed;
use super::rule::Rule;
use crate::model::health::{Longest, Measure, Status};
use crate::model::usage::LimitUse;

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// The rule.
    pub(crate) rule: Rule,
    /// How bad it is.
    pub(crate) status: Status,
    /// The measured value that decided, and what it was held against.
    pub(crate) measure: Measure,
    /// The threshold that was crossed.
    pub(crate) crossed: Option<Crossed>,
    /// The limit of a role or database that decided `connections`; none for the server's slots, and at a pooler.
    pub(crate) limit: Option<LimitUse>,
    /// True when that database has no limit of its own.
    pub(crate) is_without_limit: bool,
    /// The age, and how many are older, when that decided.
    pub(crate) older: Option<(f64, i64)>,
    /// The state or rate that decided, with the sessions in that state.
    pub(crate) part: Option<(&'static str, Longest)>,
    /// True when hidden sessions could make it worse.
    pub(crate) open: bool,
    /// Everything that was measured, the server's slots, or the pooler's clients, first.
    pub(crate) measures: Vec<Measure>,
}

impl Verdict {
    pub(super) fn new(rule: Rule, judged: Judged, measure: Measure) -> Self {
        Self {
            rule,
            status: judged.status,
            crossed: judged.crossed,
            limit: None,
            is_without_limit: false,
            older: None,
            part: None,
            open: judged.open,
            measures: vec![measure.clone()],
            measure,
        }
    }

    /// Nothing is known, by the thresholds that the rule has without any flag.
    pub(super) fn unknown(rule: Rule) -> Self {
        Self::unreached(rule, &rule.defaults(), Status::Unknown)
    }

    /// What can be said without any facts.
    pub(super) fn unreached(rule: Rule, thresholds: &Thresholds, status: Status) -> Self {
        let bounds = match rule {
            // Percentages of a limit that was never told stay out.
            Rule::Connections | Rule::Free => Bounds::default(),
            _ => Bounds::of_numbers(&thresholds.only(|range| range.older().is_none())),
        };
        let measure = bounds.measure(rule.name().into(), None, rule.unit(), None);
        Self::new(rule, Judged { status, crossed: None, open: false }, measure)
    }

    /// The worse of both, the first when they are alike, with everything that was measured for either.
    pub(super) fn worse(self, other: Self) -> Self {
        let measures = [self.measures.as_slice(), &other.measures].concat();
        let worse = if other.status.severity() > self.status.severity() { other } else { self };
        Self { measures, ..worse }
    }
}
