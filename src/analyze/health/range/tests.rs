use super::*;
use proptest::prelude::*;

fn seconds(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn count(text: &str) -> NumericRange {
    parse(text, Scale::Connections, seconds).unwrap().of_count(97)
}

/// The guidelines' own table, its neighbours, and percentages of 97.
#[test]
fn the_whole_range_grammar() {
    let table: &[(&str, &str, &[f64], &[f64])] = &[
        // text, written back, alerts for, silent for
        ("10", "10", &[-1.0, 10.5, 11.0], &[0.0, 10.0]),
        ("10:", "10:", &[-5.0, 9.0], &[10.0, 1e9]),
        ("~:10", "~:10", &[11.0, 1e9], &[-1e9, 10.0]),
        ("10:20", "10:20", &[9.0, 21.0], &[10.0, 15.0, 20.0]),
        ("@10:20", "@10:20", &[10.0, 15.0, 20.0], &[9.0, 21.0]),
        ("@10", "@10", &[0.0, 10.0], &[-1.0, 11.0]),
        ("@~:10", "@~:10", &[-1e9, 10.0], &[11.0]),
        ("@10:", "@10:", &[10.0, 1e9], &[9.0]),
        ("0:10", "10", &[-1.0, 11.0], &[0.0, 10.0]),
        (":10", "10", &[-1.0, 11.0], &[0.0, 10.0]),
        ("0:", "0:", &[-1.0], &[0.0, 1e9]),
        ("~:", "~:", &[], &[-1e9, 0.0, 1e9]),
        ("@~:", "@~:", &[-1e9, 0.0, 1e9], &[]),
        ("-10:10", "-10:10", &[-11.0, 11.0], &[-10.0, 0.0, 10.0]),
        ("10:10", "10:10", &[9.0, 11.0], &[10.0]),
        ("0", "0", &[1.0, -1.0], &[0.0]),
        ("~:-0", "~:0", &[1.0], &[-1.0, 0.0]),
        ("-0:", "0:", &[-1.0], &[0.0]),
        ("10.5", "10", &[11.0], &[10.0]),
        ("80%", "77", &[78.0], &[77.0]),
        ("@80%:", "@78:", &[78.0], &[77.0]),
        ("100%", "97", &[98.0], &[97.0]),
        ("10%:90%", "10:87", &[9.0, 88.0], &[10.0, 87.0]),
        ("5:90%", "5:87", &[4.0, 88.0], &[5.0, 87.0]),
    ];
    for (text, written, alerts, silent) in table {
        let limits = count(text);
        assert_eq!(limits.to_string(), *written, "{text}");
        assert!(alerts.iter().all(|value| limits.alerts(*value)), "{text} should alert");
        assert!(silent.iter().all(|value| !limits.alerts(*value)), "{text} should be silent");
    }
}

#[test]
fn durations_are_ranges_of_seconds() {
    for (text, written) in [
        ("5m", "300"),
        ("90s:", "90:"),
        ("~:1h30m", "~:5400"),
        ("@0:250ms", "@0.25"),
        ("1s:2s", "1:2"),
        ("0", "0"),
    ] {
        assert_eq!(parse(text, Scale::Time, seconds).unwrap().of_numbers().to_string(), written, "{text}");
    }
}

#[test]
fn a_warning_that_is_never_given_is_recognised() {
    let range = |text: &str, scale| parse(text, scale, seconds).unwrap();
    for (warning, critical, swallowed) in [
        ("90%", "80%", true),
        ("80%", "90%", false),
        ("80%", "80%", false),
        ("90", "80%", false),
        ("10:", "20:", true),
        ("20:", "10:", false),
        ("5:20", "10:15", true),
        ("5:20", "1:30", false),
        ("~:90", "80", true),
        ("~:", "80", false),
        ("@5:6", "@1:9", true),
        ("@1:9", "@5:6", false),
        ("@5:6", "9", false),
    ] {
        let [warning, critical] = [warning, critical].map(|text| range(text, Scale::Connections));
        assert_eq!(warning.is_swallowed_by(&critical), swallowed, "{warning:?} {critical:?}");
    }
    let [hour, half] = ["1h", "30m"].map(|text| range(text, Scale::Time));
    assert!(hour.is_swallowed_by(&half) && !half.is_swallowed_by(&hour));
    let number = range("10", Scale::ClientsOrTime);
    assert!(!range("30s", Scale::ClientsOrTime).is_swallowed_by(&number));
}

#[test]
fn a_number_of_those_that_are_older_than_an_age() {
    let range = parse("3@30s", Scale::Time, seconds).unwrap();
    assert_eq!((range.older(), range.is_time()), (Some(30.0), false));
    let numbers = range.of_count(0);
    assert!(!numbers.alerts(2.0) && numbers.alerts(3.0) && numbers.alerts(1e6));
    assert_eq!(numbers.to_string(), "@3:");
    assert_eq!(parse("@0:9s", Scale::Time, seconds).unwrap().older(), None);
    for (text, scale) in [
        ("0@30s", Scale::Time),
        ("@3@30s", Scale::Time),
        ("3@30", Scale::Time),
        ("3@", Scale::CountOrAged),
        ("-1@1s", Scale::Time),
        ("3@30s", Scale::Connections),
        ("3@30s", Scale::ClientsOrTime),
    ] {
        assert!(parse(text, scale, seconds).is_err(), "{text}");
    }
}

#[test]
fn a_zero_is_a_number_and_a_duration() {
    for (text, time) in [("0:9s", true), ("@0:9", false), ("9s", true), ("9:", false), ("~:9s", true)] {
        assert_eq!(parse(text, Scale::ClientsOrTime, seconds).unwrap().is_time(), time, "{text}");
    }
}

#[test]
fn what_is_no_range_is_refused_with_the_reason() {
    for (text, scale, reason) in [
        ("", Scale::Connections, "empty"),
        ("@", Scale::Connections, "empty"),
        ("~", Scale::Connections, "not a number"),
        ("20:10", Scale::Connections, "ends before"),
        ("-10", Scale::Connections, "ends before"),
        ("90%:80%", Scale::Connections, "ends before"),
        ("10:20:30", Scale::Connections, "not a number"),
        ("1e3", Scale::Connections, "not a number"),
        ("inf", Scale::Connections, "not a number"),
        ("NaN", Scale::Connections, "not a number"),
        ("5m", Scale::Connections, "not a number"),
        ("%", Scale::Connections, "not a number"),
        ("@@5", Scale::Connections, "not a number"),
        ("80%", Scale::Time, "takes durations"),
        ("10m:5m", Scale::Time, "ends before"),
        ("30", Scale::Time, "time unit needed"),
        ("1:9s", Scale::ClientsOrTime, "mixes"),
        ("@0s:9", Scale::ClientsOrTime, "mixes"),
    ] {
        let error = parse(text, scale, seconds).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn a_range_written_back_alerts_alike(text in "@?(~|-?[0-9]{0,3}(\\.[0-9])?):?[0-9]{0,3}%?", value in -1000i32..1000) {
        if let Ok(range) = parse(&text, Scale::Connections, seconds) {
            let limits = range.of_count(97);
            let again = parse(&limits.to_string(), Scale::Connections, seconds);
            // A range without a whole number in it ends before it begins when written back.
            if let Ok(again) = again {
                prop_assert_eq!(again.of_count(97).alerts(value.into()), limits.alerts(value.into()));
            } else {
                prop_assert!(!(limits.low..=limits.high).contains(&f64::from(value)));
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = (parse(&text, Scale::Connections, seconds), parse(&text, Scale::Time, seconds));
    }
}
