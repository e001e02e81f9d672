//! Prometheus' text exposition format 0.0.4.

use std::borrow::Cow;
use std::collections::HashMap;
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
    for group in groups {
        if let [first, ..] = &group[..] {
            writeln!(out, "# HELP {} {}", first.name, first.help)?;
            writeln!(out, "# TYPE {} {}", first.name, first.kind.word())?;
        }
        for family in group {
            for sample in &family.samples {
                write_sample(family.name, sample, out)?;
            }
        }
    }
    Ok(())
}

fn write_sample(name: &str, sample: &Sample, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(name.as_bytes())?;
    let mut separator = b"{";
    for (label, value) in sample.labels.iter() {
        for piece in [&separator[..], label.as_bytes(), b"=\"", escaped(value).as_bytes(), b"\""] {
            out.write_all(piece)?;
        }
        separator = b",";
    }
    if !sample.labels.is_empty() {
        out.write_all(b"}")?;
    }
    match sample.value {
        // no minus before a zero, which is what an empty sum is
        Some(value) => writeln!(out, " {}", value + 0.0),
        // what is not known is not a number; the format has a word for it
        None => out.write_all(b" NaN\n"),
    }
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
