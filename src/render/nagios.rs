//! The output of monitoring plugins: one line of text, a bar, performance data. What the bar and the quotes mean there
//! cannot be escaped, so it is replaced.

use std::fmt::Write as _;

use super::text::sanitize;
use crate::model::health::{Measure, MeasureUnit};

/// Returns the line for `text` and everything that was measured.
pub(crate) fn line<'a>(text: &str, measures: impl Iterator<Item = &'a Measure>) -> String {
    let mut line = sanitize(text).replace('|', "/");
    let mut separator = " | ";
    for measure in measures {
        line.push_str(separator);
        separator = " ";
        push(measure, &mut line);
    }
    line
}

/// `'label'=value[unit];[warning];[critical];[min];[max]`, with `U` for a value that is not known.
fn push(measure: &Measure, line: &mut String) {
    let label = sanitize(&measure.label).replace(['\'', '=', '|'], "_");
    let plain = label.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    if plain {
        line.push_str(&label);
    } else {
        let _ = write!(line, "'{label}'");
    }
    line.push('=');
    match measure.value {
        None => line.push('U'),
        Some(value) => line.push_str(&number(value)),
    }
    if measure.value.is_some() {
        line.push_str(match measure.unit {
            MeasureUnit::Seconds => "s",
            MeasureUnit::Percent => "%",
            MeasureUnit::Count | MeasureUnit::Transactions | MeasureUnit::PerSecond => "",
        });
    }
    let range = |range: &Option<String>| range.clone().unwrap_or_default();
    let max = measure.max.map(number).unwrap_or_default();
    let _ = write!(line, ";{};{};0;{max}", range(&measure.warning), range(&measure.critical));
    line.truncate(line.trim_end_matches(';').len());
}

/// At most microseconds, never an exponent.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measure(label: &str, value: Option<f64>, unit: MeasureUnit, max: Option<f64>) -> Measure {
        Measure { label: label.into(), value, unit, warning: Some("77".into()), critical: None, max }
    }

    #[test]
    fn performance_data_is_as_the_guidelines_have_it() {
        let measures = [
            measure("connections", Some(42.0), MeasureUnit::Count, Some(97.0)),
            measure("role it's=a|b", None, MeasureUnit::Count, Some(10.0)),
            measure("idle-xact", Some(1_120.771_234_9), MeasureUnit::Seconds, None),
            measure("reachable", Some(1e-9), MeasureUnit::Seconds, None),
            measure("closed", Some(-0.0), MeasureUnit::Count, None),
        ];
        assert_eq!(
            line("PGCONN OK: a|b\nc\u{1b}", measures.iter()),
            "PGCONN OK: a/b c\\x1B | connections=42;77;;0;97 'role it_s_a_b'=U;77;;0;10 \
             idle-xact=1120.771235s;77;;0 reachable=0s;77;;0 closed=0;77;;0"
        );
        assert_eq!(line("text", [].into_iter()), "text");
    }

    proptest! {
        #[test]
        fn nothing_foreign_can_end_the_text_or_a_label(text in any::<String>(), label in any::<String>()) {
            let line = line(&text, [measure(&label, Some(1.0), MeasureUnit::Count, None)].iter());
            prop_assert_eq!(line.matches('|').count(), 1);
            prop_assert_eq!(line.matches('=').count() - sanitize(&text).matches('=').count(), 1);
            prop_assert!(!line.contains('\n'));
        }
    }
}
