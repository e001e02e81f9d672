//! The metrics of the endpoint itself, and of its looks.

use std::fs::{self, File};
use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};

use super::shared::{Taken, Watched};
use crate::model::metric::{Family, Labels, MetricType, Sample};

/// A family of one number.
fn one(name: &'static str, kind: MetricType, help: &'static str, value: Option<f64>) -> Option<Family> {
    let samples = vec![Sample { labels: Labels::default(), value: Some(value?) }];
    Some(Family { name, kind, help, samples })
}

/// What the process uses, as far as this system tells.
pub(super) fn of_process(started: SystemTime) -> Vec<Family> {
    let stat = stat_of_process().unwrap_or_default();
    // The name before it is in parentheses, and can hold anything else.
    let fields: Vec<f64> = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.split(' ').map(|field| field.trim().parse().unwrap_or_default()).collect())
        .unwrap_or_default();
    let field = |at: usize| fields.get(at).copied();
    // Clock ticks of Linux, as user space sees them, are a hundredth of a second on every machine.
    let cpu = field(11).zip(field(12)).map(|(user, system)| (user + system) / 100.0);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let pages = |at: usize| field(at).map(|pages| pages * rustix::param::page_size() as f64);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let open = open_files().map(|open| open as f64);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let most = getrlimit(Resource::Nofile).current.map(|most| most as f64);
    let began = started.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64());
    [
        one(
            "process_cpu_seconds_total",
            MetricType::Counter,
            "Total user and system CPU time spent in seconds.",
            cpu,
        ),
        one("process_resident_memory_bytes", MetricType::Gauge, "Resident memory size in bytes.", pages(21)),
        one("process_virtual_memory_bytes", MetricType::Gauge, "Virtual memory size in bytes.", field(20)),
        one("process_open_fds", MetricType::Gauge, "Number of open file descriptors.", open),
        one("process_max_fds", MetricType::Gauge, "Maximum number of open file descriptors.", most),
        one(
            "process_start_time_seconds",
            MetricType::Gauge,
            "Start time of the process since unix epoch in seconds.",
            began,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The line in which Linux describes this process: asked for in one read, because each one has the kernel write all of it.
fn stat_of_process() -> Option<String> {
    let mut line = vec![0; 1024];
    let length = File::open("/proc/self/stat").ok()?.read(&mut line).ok()?;
    line.truncate(length);
    String::from_utf8(line).ok()
}

/// How many files are open. Linux says so from 6.2 on; before, its folder of them has to be read, while which it is one of them.
fn open_files() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    let said = fs::metadata(FOLDER).ok()?.len();
    let counted = || Some(u64::try_from(fs::read_dir(FOLDER).ok()?.count()).ok()?.saturating_sub(1));
    if said > 0 { Some(said) } else { counted() }
}

/// How many looks at each target came to what.
pub(super) fn of_looks<'a>(targets: impl Iterator<Item = &'a Watched>) -> Family {
    let mut samples = Vec::new();
    for target in targets {
        for (result, count) in target.looks() {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let value = Some(count as f64);
            let labels = [("target", target.name.as_str()), ("result", result)].into();
            samples.push(Sample { labels, value });
        }
    }
    Family {
        name: "pgconn_looks_total",
        kind: MetricType::Counter,
        help: "Looks at a target, by what they came to: answered, why not, or late for who asked.",
        samples,
    }
}

/// The version that serves, when no look says it.
pub(super) fn build_info() -> Family {
    let labels = [("version", env!("CARGO_PKG_VERSION"))].into();
    Family {
        name: "pgconn_build_info",
        kind: MetricType::Gauge,
        help: "Always 1; the version of pgconn that looked.",
        samples: vec![Sample { labels, value: Some(1.0) }],
    }
}

/// Whether there was an answer.
const UP: &str = "pgconn_up";

/// What is said of the look itself: how old it is, and why there is none.
pub(super) fn of_look(taken: Option<&Taken>) -> Vec<Family> {
    let age = taken.map(|taken| taken.at.elapsed().as_secs_f64());
    let refused = match taken {
        Some(taken) => taken.answer.refused,
        None => Some("timeout"),
    };
    let mut families: Vec<Family> =
        one("pgconn_look_age_seconds", MetricType::Gauge, "Time since the look that this is of.", age)
            .into_iter()
            .collect();
    // Under the names of another exporter, and where there is no look, nobody has said it yet.
    let families_of_look = taken.map(|taken| taken.answer.families.as_slice()).unwrap_or_default();
    if families_of_look.iter().all(|family| family.name != UP) {
        let is_up = taken.is_some_and(|taken| taken.answer.refused.is_none());
        families.extend(one(
            UP,
            MetricType::Gauge,
            "Whether the server let pgconn in and answered (1) or not (0).",
            Some(f64::from(u8::from(is_up))),
        ));
    }
    if let Some(reason) = refused {
        let labels = [("reason", reason)].into();
        families.push(Family {
            name: "pgconn_refused",
            kind: MetricType::Gauge,
            help: "Always 1; why the server could not be asked.",
            samples: vec![Sample { labels, value: Some(1.0) }],
        });
    }
    families
}

/// The time that a scraper leaves, if it says so: what it waits for, less the way back.
pub(super) fn scraper_limit(header: Option<&str>) -> Option<Duration> {
    let seconds: f64 = header?.trim().parse().ok()?;
    let left = Duration::try_from_secs_f64(seconds - 0.5).unwrap_or_default();
    Some(left.max(Duration::from_millis(100)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_scraper_leaves_what_it_waits_for_less_the_way_back() {
        for (header, expected) in [("10", 9_500), ("2.5", 2_000), ("0.2", 100), ("-1", 100)] {
            assert_eq!(scraper_limit(Some(header)), Some(Duration::from_millis(expected)), "{header}");
        }
        assert_eq!((scraper_limit(None), scraper_limit(Some("x"))), (None, None));
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(header in "\\PC*|[0-9.eE+-]{0,9}|inf|nan|-inf|1e400") {
            let _ = scraper_limit(Some(&header));
        }
    }
}
