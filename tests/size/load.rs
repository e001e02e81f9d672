//! A load of many clients, and how much of it there really was.

use crate::common::{Cluster, Owned, binaries};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Many clients at work: pgbench, and where it reports every second how many transactions it really made.
pub(crate) struct Load {
    pub(crate) program: Owned,
    progress: PathBuf,
}

impl Load {
    /// Transactions per second between these two moments, by its own report.
    pub(crate) fn per_second(&self, from: SystemTime, to: SystemTime) -> f64 {
        let [from, to] =
            [from, to].map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64());
        let report = std::fs::read_to_string(&self.progress).unwrap();
        // progress: 1700000000.123 s, 99.8 tps, lat …
        let seconds = report.lines().filter_map(|line| {
            let (at, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
            Some((at.parse::<f64>().unwrap(), rest.split_once(" tps")?.0.parse::<f64>().unwrap()))
        });
        let rates: Vec<f64> =
            seconds.filter(|(at, _)| *at > from + 1.0 && *at < to).map(|(_, rate)| rate).collect();
        assert!(!rates.is_empty(), "{report}");
        rates.iter().sum::<f64>() / f64::from(u32::try_from(rates.len()).unwrap())
    }
}

/// A load on `port` of the cluster's host: one statement, again and again.
pub(crate) fn load(cluster: &Cluster, port: u16, statement: &str, options: &[&str]) -> Load {
    let (script, progress) = (cluster.dir.join("load.sql"), cluster.dir.join("load.progress"));
    std::fs::write(&script, format!("{statement};\n")).unwrap();
    let installed = |path: &PathBuf| Command::new(path).arg("--version").output().is_ok();
    let mut places = [PathBuf::from("pgbench"), binaries().join("pgbench")].into_iter();
    let pgbench =
        places.find(installed).expect("pgbench is not installed: it comes with PostgreSQL's server");
    let mut load = Command::new(pgbench);
    load.args(["-n", "-P", "1", "--progress-timestamp"]).args(options).arg("-f").arg(&script);
    load.args(["-h", cluster.host(), "-p", &port.to_string(), "-U", "postgres", "postgres"]);
    load.stdout(Stdio::null()).stderr(std::fs::File::create(&progress).unwrap());
    Load { program: Owned(load.spawn().unwrap()), progress }
}
