//! Thresholds in the range grammar of monitoring plugins, with percentages and durations as numbers.
//!
//! `10` alerts outside 0…10, `10:` below 10, `~:10` above 10, `10:20` outside, `@10:20` inside; the ends belong to the
//! range. Source: Monitoring Plugins Development Guidelines, "Threshold and ranges".

use std::time::Duration;

/// A range as it was typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// Alert inside instead of outside.
    inside: bool,
    /// None reaches down to minus infinity.
    low: Option<Bound>,
    /// None reaches up to infinity.
    high: Option<Bound>,
    /// It is of those that are older than so many seconds.
    older: Option<f64>,
}

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// A bare number.
    Number(f64),
    /// Percent of whatever there is at most.
    Percent(f64),
    /// Seconds.
    Time(f64),
}

/// What a rule's thresholds are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Numbers, or percent of a limit.
    Connections,
    /// Numbers.
    Count,
    /// Durations, or numbers of those that are older than one (`3@30s`).
    Time,
    /// Numbers, of all or of those that are older than a duration.
    CountOrAged,
    /// Numbers of clients, or durations of their waits.
    ClientsOrTime,
}

/// A range in plain numbers of one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NumericRange {
    inside: bool,
    low: f64,
    high: f64,
}

/// Reads a range whose numbers fit `scale`; `duration` reads one duration.
///
/// # Errors
/// With what is wrong, for the person who typed it.
pub(crate) fn parse(
    text: &str,
    scale: Scale,
    duration: impl Fn(&str) -> Result<Duration, String>,
) -> Result<Range, String> {
    let (inside, rest) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
    if let Some((least, age)) = rest.split_once('@').filter(|_| !inside) {
        return aged(text, least, age, scale, duration);
    }
    if rest.is_empty() {
        return Err("the range is empty; write one like 10, 10:, ~:10, 10:20 or @10:20".into());
    }
    let bound = |text: &str| bound(text, scale, &duration);
    let (low, high) = match rest.split_once(':') {
        None => (Some(Bound::Number(0.0)), Some(bound(rest)?)),
        Some((low, high)) => {
            let low = match low {
                "~" => None,
                "" => Some(Bound::Number(0.0)),
                low => Some(bound(low)?),
            };
            (low, if high.is_empty() { None } else { Some(bound(high)?) })
        }
    };
    if let (Some(low), Some(high)) = (low, high)
        && low.mixes(high)
    {
        return Err(format!("the range {text} mixes numbers and durations"));
    }
    if let (Some(low), Some(high)) = (low, high)
        && low.comparable(high)
        && low.number() > high.number()
    {
        return Err(format!("the range {text} ends before it begins"));
    }
    Ok(Range { inside, low, high, older: None })
}

/// `3@30s`: at least three that are older than 30 s.
fn aged(
    text: &str,
    least: &str,
    age: &str,
    scale: Scale,
    duration: impl Fn(&str) -> Result<Duration, String>,
) -> Result<Range, String> {
    if !matches!(scale, Scale::Time | Scale::CountOrAged) {
        return Err(format!("{text}: this rule counts nothing that has an age"));
    }
    let number = least.parse::<u32>().ok().filter(|least| *least > 0);
    let Some(least) = number else {
        return Err(format!("{text}: before the @ stands how many there are at least, like 3@30s"));
    };
    let older = Some(duration(age)?.as_secs_f64());
    Ok(Range { inside: true, low: Some(Bound::Number(f64::from(least))), high: None, older })
}

fn bound(
    text: &str,
    scale: Scale,
    duration: impl Fn(&str) -> Result<Duration, String>,
) -> Result<Bound, String> {
    match (scale, text.strip_suffix('%')) {
        (Scale::Connections, Some(percent)) => number(percent).map(Bound::Percent),
        (Scale::Connections | Scale::Count | Scale::CountOrAged, None) => number(text).map(Bound::Number),
        (Scale::Count | Scale::CountOrAged, Some(_)) => {
            Err(format!("{text}: this rule takes a number, like 1"))
        }
        (Scale::ClientsOrTime, Some(_)) => {
            Err(format!("{text}: this rule takes a number of clients, or a duration, like 10 or 5s"))
        }
        (Scale::ClientsOrTime, None) if text.parse::<f64>().is_ok() => number(text).map(Bound::Number),
        (Scale::ClientsOrTime, None) => Ok(Bound::Time(duration(text)?.as_secs_f64())),
        (Scale::Time, Some(_)) => Err(format!("{text}: this rule takes durations, like 5m")),
        (Scale::Time, None) if text == "0" => Ok(Bound::Time(0.0)),
        (Scale::Time, None) => Ok(Bound::Time(duration(text)?.as_secs_f64())),
    }
}

/// Plain decimals only: what `f64` reads besides (`1e3`, `inf`, `NaN`) is no number in this grammar.
fn number(text: &str) -> Result<f64, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.chars().all(|character| character.is_ascii_digit() || character == '.');
    match text.parse::<f64>() {
        // no minus before a zero
        Ok(number) if plain && number.is_finite() => Ok(number + 0.0),
        _ => Err(format!("\"{text}\" is not a number or percentage, like 80 or 80%")),
    }
}

impl Bound {
    fn number(self) -> f64 {
        let (Self::Number(number) | Self::Percent(number) | Self::Time(number)) = self;
        number
    }

    /// True when one is a number and the other a duration; 0 is both.
    fn mixes(self, other: Self) -> bool {
        let time = |bound: Self| matches!(bound, Self::Time(_));
        let number = |bound: Self| matches!(bound, Self::Number(number) if number != 0.0);
        (time(self) && number(other)) || (number(self) && time(other))
    }

    /// True when which of both is greater does not depend on a limit.
    fn comparable(self, other: Self) -> bool {
        let percent = |bound: Self| matches!(bound, Self::Percent(_));
        percent(self) == percent(other) || self.number() == 0.0
    }

    fn resolve(self, whole: f64) -> f64 {
        match self {
            Self::Percent(percent) => percent * whole / 100.0,
            Self::Number(number) | Self::Time(number) => number,
        }
    }
}

impl Range {
    /// Alerts when a value is over `high`.
    pub(crate) const fn over(high: Bound) -> Self {
        Self { inside: false, low: Some(Bound::Number(0.0)), high: Some(high), older: None }
    }

    /// The range for whole numbers, of which there are `whole` at most: percentages become the numbers that alert alike.
    pub(crate) fn of_count(&self, whole: i64) -> NumericRange {
        #[expect(clippy::cast_precision_loss, reason = "limits of connections are far below 2^52")]
        let whole = whole as f64;
        // In both kinds of range the values that belong to it are the whole numbers from ceil(low) to floor(high).
        NumericRange {
            inside: self.inside,
            low: self.low.map_or(f64::NEG_INFINITY, |bound| bound.resolve(whole).ceil()),
            high: self.high.map_or(f64::INFINITY, |bound| bound.resolve(whole).floor()),
        }
    }

    /// Whether `critical` alerts for everything that this alerts for, and for more: then it never comes to a warning. What depends on
    /// a limit cannot be told, and what never alerts is meant so.
    pub(crate) fn is_swallowed_by(&self, critical: &Self) -> bool {
        let bounds: Vec<Bound> = [self.low, self.high, critical.low, critical.high]
            .into_iter()
            .flatten()
            .filter(|bound| bound.number() != 0.0)
            .collect();
        let alike = |one: &Bound, other: &Bound| std::mem::discriminant(one) == std::mem::discriminant(other);
        if self.inside != critical.inside
            || self.older != critical.older
            || !bounds.windows(2).all(|pair| alike(&pair[0], &pair[1]))
        {
            return false;
        }
        let ends = |range: &Self| {
            let end = |bound: Option<Bound>, none| bound.map_or(none, Bound::number);
            (end(range.low, f64::NEG_INFINITY), end(range.high, f64::INFINITY))
        };
        let ((low, high), (critical_low, critical_high)) = (ends(self), ends(critical));
        let within = |(low, high): (f64, f64), (least, most): (f64, f64)| {
            low >= least && high <= most && (low, high) != (least, most)
        };
        if self.inside {
            return within((low, high), (critical_low, critical_high));
        }
        let never_alerts = low == f64::NEG_INFINITY && high == f64::INFINITY;
        !never_alerts && within((critical_low, critical_high), (low, high))
    }

    /// The age, in seconds, of those that it is of; none when it is of all.
    pub(crate) const fn older(&self) -> Option<f64> {
        self.older
    }

    /// Whether it is of a plain number, and of no share.
    pub(crate) fn is_number(&self) -> bool {
        let bounds = [self.low, self.high].into_iter().flatten();
        bounds.filter(|bound| bound.number() != 0.0).any(|bound| matches!(bound, Bound::Number(_)))
    }

    /// Whether it is of durations.
    pub(crate) fn is_time(&self) -> bool {
        [self.low, self.high].into_iter().flatten().any(|bound| matches!(bound, Bound::Time(_)))
    }

    /// The range for seconds, and other numbers that need not be whole.
    pub(crate) fn of_numbers(&self) -> NumericRange {
        NumericRange {
            inside: self.inside,
            low: self.low.map_or(f64::NEG_INFINITY, Bound::number),
            high: self.high.map_or(f64::INFINITY, Bound::number),
        }
    }
}

impl NumericRange {
    /// True when `value` is to be reported.
    pub(crate) fn alerts(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value) == self.inside
    }

    /// Values at and next to the ends: between them the answer of [`Self::alerts`] does not change. Next to means one for
    /// whole numbers and a millisecond for seconds, whichever matters.
    pub(crate) fn turning_points(self) -> impl Iterator<Item = f64> {
        [self.low, self.high]
            .into_iter()
            .filter(|end| end.is_finite())
            .flat_map(|end| [end - 1.0, end - 0.001, end, end + 0.001, end + 1.0])
    }

    /// The end that `value` is beyond, when it is outside a range that it should be in.
    pub(crate) fn crossed(self, value: f64) -> Option<Crossed> {
        if !self.alerts(value) || self.inside {
            None
        } else if value > self.high {
            Some(Crossed::Over(self.high))
        } else {
            Some(Crossed::Under(self.low))
        }
    }
}

/// Which end of a range a value is beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Crossed {
    /// Above the upper end.
    Over(f64),
    /// Below the lower end.
    Under(f64),
}

impl std::fmt::Display for NumericRange {
    /// In the grammar it came from, with plain numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        if self.low == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.low != 0.0 || self.high == f64::INFINITY {
            write!(f, "{}:", self.low)?;
        }
        if self.high == f64::INFINITY { Ok(()) } else { write!(f, "{}", self.high) }
    }
}

#[cfg(test)]
mod tests;
