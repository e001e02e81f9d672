//! Durations as they are typed: with a unit, always.

use std::time::Duration;

/// The longest duration that can be asked for: a century.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Reads a duration such as `30s`, `5m` or `1h30m`.
///
/// # Errors
/// With what is wrong: no unit, an unknown or ambiguous unit, too long.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a duration cannot be empty; write it with a unit, like 30s".into());
    }
    if text.chars().all(|character| character.is_ascii_digit() || character == '.') {
        return Err(format!("{text} what? write the unit, like {text}s or {text}m"));
    }
    if text.contains('M') {
        return Err("M is ambiguous; write m for minutes or ms for milliseconds".into());
    }
    let duration = humantime::parse_duration(text).map_err(|error| {
        let what = match error {
            humantime::DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
                "a unit is missing".to_owned()
            }
            humantime::DurationError::UnknownUnit { unit, .. } => format!("there is no unit {unit}"),
            humantime::DurationError::NumberOverflow => "that is too long".to_owned(),
            _ => "that is no duration".to_owned(),
        };
        format!("{what}; units are ms, s, m, h, d, like 30s or 1h30m")
    })?;
    if duration > LONGEST {
        return Err("that is over a hundred years".into());
    }
    Ok(duration)
}

/// Reads a duration; that it is none at all can be said without a unit.
///
/// # Errors
/// As [`duration`].
pub(crate) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

/// Reads a time limit: a duration that a server takes as a timeout.
///
/// # Errors
/// As [`duration`], and for limits under a millisecond or over what a server can count.
pub(crate) fn time_limit(text: &str) -> Result<Duration, String> {
    let limit = duration(text)?;
    if limit < Duration::from_millis(1) || limit.as_millis() > 2_147_483_647 {
        return Err("a time limit is between 1ms and 24 days".into());
    }
    Ok(limit)
}

/// Reads the time between two looks.
///
/// # Errors
/// As [`duration`], and for what is shorter than a tenth of a second or longer than a day.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every < Duration::from_millis(100) || every > Duration::from_secs(86_400) {
        return Err("the time between two looks is between 100ms and 1d".into());
    }
    Ok(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for (text, expected) in [
            ("30", "30 what? write the unit"),
            ("", "cannot be empty"),
            ("5M", "ambiguous"),
            ("5 parsecs", "units are"),
            ("9999y", "hundred"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(time_limit("0s").is_err() && time_limit("30d").is_err());
    }
}
