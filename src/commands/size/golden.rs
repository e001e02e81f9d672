//! `size` at every width.

use clap::Parser;

use super::plan_file::PlanFile;
use super::report::SizeReport;
use super::{Args, Mode, request, sizing};
use crate::commands::golden::{assert_as_written, reported};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn assert_sizes(name: &str, line: &[&str], verbose: bool) {
    let Line { args } = Line::parse_from([&["size"], line].concat());
    let request = request::request(&args, &PlanFile::default(), None, None).unwrap();
    assert_as_written(name, |width| {
        let mut plan = sizing::plan(&request).unwrap_or_else(|_| panic!("a plan"));
        plan.inputs.extend(request::further_inputs(&args, Mode::Direct));
        reported(&SizeReport { plan, live: None, sample: None, mode: Mode::Direct, verbose }, width)
    });
}

#[test]
fn sizes_of_two_services() {
    let line = ["--cores", "4", "--app", "api=8x4@3", "--app", "nightly-import-of-stock=2"];
    assert_sizes("size", &line, false);
    assert_sizes("size_verbose", &line, true);
}

#[test]
fn sizes_of_today() {
    assert_sizes("size_current", &["--cores", "8", "--current", "web=6:9", "--current", "jobs=4:5"], false);
}
