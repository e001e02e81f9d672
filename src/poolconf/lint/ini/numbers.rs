//! Numbers as the C library reads them for PgBouncer.

/// A whole number as `strtol` reads it with base 0, or `None` when something else follows. What is too large becomes the
/// largest.
pub(super) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, base) = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        (hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (digits, 8)
    } else {
        (digits, 10)
    };
    // A second sign is no number to strtol.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let negative = text.starts_with('-');
    let largest = if negative { i64::MIN } else { i64::MAX };
    Some(i64::from_str_radix(digits, base).map_or(largest, |number| if negative { -number } else { number }))
}

/// What is left of a number in the 32 bits that PgBouncer has for it.
pub(super) fn wrapped(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// A whole number as `atoi` reads it: the digits that the text begins with.
pub(super) fn digits(text: &str) -> i64 {
    let signed = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
    let (number, _) = text.split_at(text.len() - signed.len() + end);
    number.parse().unwrap_or_default()
}

/// Seconds as `strtod` reads them, which knows hexadecimal numbers, infinity and what is no number; `None` where PgBouncer
/// refuses: something follows, they are negative, or of a size that a double cannot have.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let lower = unsigned.to_ascii_lowercase();
    let number = if lower == "inf" || lower == "infinity" {
        f64::INFINITY
    } else if lower == "nan" {
        f64::NAN
    } else if let Some(hex) = lower.strip_prefix("0x") {
        hexadecimal(hex)?
    } else {
        decimal(&lower)?
    };
    let seconds = sign * number;
    // What is no number is not below 0.
    (seconds.is_nan() || seconds >= 0.0).then_some(seconds)
}

fn decimal(text: &str) -> Option<f64> {
    let written = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.parse().ok().filter(|_| written)?;
    let (mantissa, _) = text.split_once('e').unwrap_or((text, ""));
    let nothing = !mantissa.contains(|c: char| matches!(c, '1'..='9'));
    (nothing || number.is_normal()).then_some(number)
}

fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.chars().chain(fraction.chars());
    if digits().next().is_none() || !digits().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let value = digits().filter_map(|c| c.to_digit(16)).fold(0.0, |sum, digit| sum * 16.0 + f64::from(digit));
    let shift = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    let number = value * 2_f64.powi(shift);
    (value == 0.0 || number.is_normal()).then_some(number)
}

/// A whole number above 0.
pub(super) fn positive(text: &str) -> Option<u64> {
    integer(text).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was given to PgBouncer 1.18 and 1.25 as a `query_timeout`.
    #[test]
    fn seconds_are_what_strtod_reads() {
        for (text, expected) in [
            ("2.5", Some(2.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("+1", Some(1.0)),
            ("-0", Some(0.0)),
            ("1e3", Some(1000.0)),
            ("0x10", Some(16.0)),
            ("0x1.8p1", Some(3.0)),
            ("inf", Some(f64::INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("-1", None),
            ("-inf", None),
            ("1e400", None),
            ("1e-400", None),
            ("3s", None),
            ("0x", None),
            ("0xg", None),
            ("", None),
            (".", None),
            ("e5", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert!(seconds("nan").is_some_and(f64::is_nan));
    }

    #[test]
    fn whole_numbers_are_what_strtol_and_atoi_read() {
        for (text, expected) in [
            ("20", Some(20)),
            ("-3", Some(-3)),
            ("+5", Some(5)),
            ("0777", Some(0o777)),
            ("0x10", Some(16)),
            ("99999999999999999999", Some(i64::MAX)),
            ("08", None),
            ("0x", None),
            ("--1", None),
            ("", None),
            ("5x", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
        assert_eq!((wrapped(4_294_967_296 + 7), wrapped(-3)), (7, -3));
        for (text, expected) in [("1,2", 1), ("5432;", 5432), ("abc", 0), ("-3x", -3), ("", 0)] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }
}
