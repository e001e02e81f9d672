//! Prometheus' text exposition format 0.0.4.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::text::visible;
use crate::model::metric::{Family, Sample};

/// Writes the families; each has at least one sample, or it is not written at all.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(families: &[Family], out: &mut dyn Write) -> io::Result<()> {
    write_parts(&[families], out)
}

/// Writes the families of all parts, each name once, where it comes first.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_parts(parts: &[&[Family]], out: &mut dyn Write) -> io::Result<()> {
    let mut groups: Vec<Vec<&Family>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for family in parts.iter().copied().flatten().filter(|family| !family.samples.is_empty()) {
        let place = *places.entry(family.name).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(family),
            None => groups.push(vec![family]),
        }
    }
    let mut text = String::new();
    for group in groups {
        text.clear();
        if let [first, ..] = &group[..] {
            for piece in [
                "# HELP ",
                first.name,
                " ",
                first.help,
                "\n# TYPE ",
                first.name,
                " ",
                first.kind.word(),
                "\n",
            ] {
                text.push_str(piece);
            }
        }
        for family in group {
            for sample in &family.samples {
                push_sample(family.name, sample, &mut text);
            }
        }
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn push_sample(name: &str, sample: &Sample, text: &mut String) {
    text.push_str(name);
    let mut separator = "{";
    for (label, value) in sample.labels.iter() {
        for piece in [separator, label, "=\"", &escaped(value), "\""] {
            text.push_str(piece);
        }
        separator = ",";
    }
    if !sample.labels.is_empty() {
        text.push('}');
    }
    text.push(' ');
    match sample.value {
        Some(value) => push_number(value, text),
        // what is not known is not a number; the format has a word for it
        None => text.push_str("NaN"),
    }
    text.push('\n');
}

fn push_number(value: f64, text: &mut String) {
    // No minus before a zero, which is what an empty sum is. What has no fraction is written sooner as a whole number.
    #[expect(clippy::cast_possible_truncation, reason = "below 2^53")]
    let written = match value.fract() == 0.0 && value.abs() < 9e15 {
        true => write!(text, "{}", value as i64),
        false => write!(text, "{value}"),
    };
    debug_assert!(written.is_ok(), "text takes all that is written");
}

/// The name as it can be read on a terminal, with what the format itself reads escaped.
fn escaped(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| (byte == b' ' || byte.is_ascii_graphic()) && !matches!(byte, b'"' | b'\\');
    if value.bytes().all(plain) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(visible(value).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::MetricType;
    use proptest::prelude::*;

    fn written(value: &str, number: Option<f64>) -> String {
        let sample = Sample { labels: [("name", value.to_owned())].into(), value: number };
        let family =
            Family { name: "pgconn_x", kind: MetricType::Gauge, help: "Some.", samples: vec![sample] };
        let empty = Family { name: "pgconn_y", kind: MetricType::Gauge, help: "None.", samples: Vec::new() };
        let mut out = Vec::new();
        write(&[family, empty], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_family_is_written_as_the_format_has_it() {
        let head = "# HELP pgconn_x Some.\n# TYPE pgconn_x gauge\n";
        assert_eq!(
            written("a\"b\\c\nd", Some(1.5)),
            format!("{head}pgconn_x{{name=\"a\\\"b\\\\c\\\\x0Ad\"}} 1.5\n")
        );
        assert_eq!(written("", Some(-0.0)), format!("{head}pgconn_x{{name=\"\"}} 0\n"));
        assert_eq!(written("", None), format!("{head}pgconn_x{{name=\"\"}} NaN\n"));
        assert_eq!(written("", Some(-1e15)), format!("{head}pgconn_x{{name=\"\"}} -1000000000000000\n"));
        assert_eq!(
            written("日本", Some(1e21)),
            format!("{head}pgconn_x{{name=\"日本\"}} 1000000000000000000000\n")
        );
    }

    proptest! {
        #[test]
        fn a_name_never_leaves_its_quotes(value in any::<String>()) {
            let text = written(&value, Some(0.0));
            prop_assert_eq!(text.lines().count(), 3);
            let label = text.lines().last().unwrap().strip_prefix("pgconn_x{name=\"").unwrap();
            let label = label.strip_suffix("\"} 0").unwrap().replace("\\\\", "");
            prop_assert_eq!(label.matches('"').count(), label.matches("\\\"").count());
        }
    }
}
