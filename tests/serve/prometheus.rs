//! Prometheus itself finds the targets, scrapes each, and alerts.

use super::super::common::{Pgconn, wait_for, wait_until, with, with_free_port};
use super::{DEAD, Endpoint, entry};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

/// What its interface for programs says.
fn asked(port: u16, path: &str) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

#[test]
fn prometheus_finds_every_target_and_alerts() {
    let server = with(&[("max_connections", "20")]);
    let list = entry("good", &server, "labels = { team = \"billing\" }") + DEAD;
    let endpoint = Endpoint::start("prometheus", &list, &["--min-interval", "100ms"]);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/prometheus/pgconn.rules.yml");
    // As they are shipped, without the time for which a state has to last.
    let at_once = |line: &str| match line.trim_start().starts_with("for:") {
        true => String::new(),
        false => format!("{line}\n"),
    };
    let rules: String = fs::read_to_string(rules).unwrap().lines().map(at_once).collect();
    fs::write(endpoint.folder.join("rules.yml"), rules).unwrap();
    let config = format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\nrule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: pgconn\n    http_sd_configs:\n      - url: http://127.0.0.1:{}/-/targets\n        \
         refresh_interval: 1s\n",
        endpoint.port
    );
    fs::write(endpoint.folder.join("prometheus.yml"), config).unwrap();
    let (running, port) = with_free_port(|port| {
        let place = format!("--web.listen-address=127.0.0.1:{port}");
        let arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", &place];
        Some((Pgconn::of("prometheus", &arguments).dir(&endpoint.folder).spawn(), port))
    });
    let up = |name: &str| -> Option<(String, String)> {
        let found = asked(port, &format!("/api/v1/query?query=pgconn_up%7Btarget%3D%22{name}%22%7D"))?;
        let series = &found["data"]["result"][0];
        Some((
            series["value"][1].as_str()?.to_owned(),
            series["metric"]["team"].as_str().unwrap_or_default().to_owned(),
        ))
    };
    assert_eq!(wait_for("the good one is known", || up("good")), ("1".into(), "billing".into()));
    assert_eq!(wait_for("the dead one is known", || up("dead")), ("0".into(), String::new()));
    wait_until("it alerts", || {
        let alerts = asked(port, "/api/v1/alerts").unwrap_or_default();
        let alerts = alerts["data"]["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|alert| alert["state"] == "firing" && alert["labels"]["target"] == "dead")
    });
    running.signal(Signal::SIGTERM);
    running.finish().success();
}
