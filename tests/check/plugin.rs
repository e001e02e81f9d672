//! As a plugin of monitoring systems: its command line, its performance data, its ranges.

use super::super::common::{Pgconn, shared, with};
use super::{check, counted};

#[test]
fn a_wrong_command_line_never_pages() {
    for (arguments, expected) in [
        (&["-w", "80"][..], "--warning"),
        (&["-c", "90"], "--critical"),
        (&["-w", "80%", "-c", "90%"], "--warning"),
        (&["conections"], "did you mean connections?"),
        (&["--warning", "idle-xact=30"], "30 what?"),
        (&["--warning", "idle-xact=80%"], "takes durations"),
        (&["--warning", "connections=20:10"], "ends before it begins"),
        (&["--critical", "80"], "RULE=RANGE"),
        (&["blocked", "--critical", "connections=80%"], "not judged"),
        (&["--state", "bogus"], "no such state"),
    ] {
        let seen = check(shared(), arguments).fails_with(3);
        assert!(seen.stdout.is_empty() && seen.stderr.contains(expected), "{arguments:?}: {seen}");
    }
    let elsewhere = Pgconn::new(&["stats", "-F", "nagios"]).on(shared()).run().fails_with(2);
    assert!(elsewhere.stderr.contains("only pgconn check has it"), "{elsewhere}");
}

/// Monitoring shows the first line of stdout, whatever happened.
#[test]
fn a_wrong_command_line_is_one_line_for_the_plugin() {
    for (arguments, expected) in [
        (&["--nope"][..], "unexpected argument '--nope'"),
        (&["conections"], "there is no rule \"conections\""),
        (&["blocked", "--critical", "connections=80%"], "which is not judged"),
        (
            &["connections", "--warning", "connections=90%", "--critical", "connections=80%"],
            "would never be given",
        ),
        (&["idle-xact", "--warning", "idle-xact=1h"], "would never be given"),
    ] {
        for flags in [&["-F", "nagios"][..], &["--format=nagios"]] {
            let seen = check(shared(), &[arguments, flags].concat()).fails_with(3);
            assert!(seen.stdout.starts_with("PGCONN UNKNOWN: ") && seen.stdout.contains(expected), "{seen}");
            assert!(seen.stdout.lines().count() == 1 && seen.stderr.starts_with("error: "), "{seen}");
        }
    }
    let service = Pgconn::new(&["check", "-F", "nagios", "-S", "nowhere"]).run().fails_with(3);
    assert!(service.stdout.starts_with("PGCONN UNKNOWN: "), "{service}");
}

/// Parsed by the library that Perl plugins use, which is not ours.
#[test]
fn performance_data_is_read_by_another_library() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role \"we ird=role'|\" login connection limit 7");
    let seen = check(&server, &["-F", "nagios"]).success();
    let (_, data) = seen.stdout.trim_end().split_once(" | ").unwrap();
    let script = "my @all = Monitoring::Plugin::Performance->parse_perfstring($ARGV[0]); \
                  print join(' ', map { join ',', $_->label, $_->value, $_->uom || '', $_->warning, $_->critical, $_->min, $_->max // '' } @all);";
    let read = Pgconn::of("perl", &["-MMonitoring::Plugin::Performance", "-e", script, data]).run().success();
    let items: Vec<&str> = read.stdout.split(' ').collect();
    assert!(read.stdout.contains("connections,1,,13,16,0,17"), "{read}");
    assert!(read.stdout.contains("role we ird_role__,0,,5,6,0,7"), "{read}");
    assert!(read.stdout.contains("idle-xact,0,s,300,1800,0,"), "{read}");
    assert_eq!(items.len(), 9 + 2 + 1 + 4, "{read}");
}

/// Every kind of range: what the alert is and what the performance data says about it agree in the eyes of that library.
#[test]
fn ranges_mean_what_other_plugins_mean_by_them() {
    let server = with(&[("max_connections", "20")]);
    let _others = [server.session(), server.session()];
    let ranges = [
        "0", "2", "5", "0:", "4:", "9:", "~:2", "~:9", "1:2", "1:9", "9:12", "@0:2", "@1:9", "@9", "@4:9",
        "@~:9", "@9:", "1:", "-5:-1", "@-5:9", "2.5", "@2.5:9.5",
    ];
    // Its reader of whole performance data passes over ranges with @, its reader of ranges does not.
    let script = "my $critical = (split /;/, $ARGV[0])[2]; \
                  my ($p) = Monitoring::Plugin::Performance->parse_perfstring($ARGV[0]); \
                  my $t = Monitoring::Plugin::Threshold->set_thresholds(critical => $critical); \
                  print $t->get_status($p->value);";
    let mut verdicts = Vec::new();
    for range in ranges {
        let threshold = format!("connections={range}");
        let arguments =
            ["connections", "--warning", "connections=~:", "--critical", &threshold, "-F", "nagios"];
        let seen = counted(&server, &arguments);
        let (_, data) = seen.stdout.trim_end().split_once(" | ").unwrap();
        let modules = ["-MMonitoring::Plugin::Performance", "-MMonitoring::Plugin::Threshold", "-e", script];
        let read = Pgconn::of("perl", &[&modules[..], &[data]].concat()).run().success();
        assert_eq!(read.stdout, seen.code.to_string(), "{range}: {read}\n{seen}");
        verdicts.push(seen.code);
    }
    assert!(verdicts.contains(&0) && verdicts.contains(&2), "{verdicts:?}");
}
