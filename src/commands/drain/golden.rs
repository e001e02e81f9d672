//! The plan of `drain` at every width.

use clap::Parser;

use super::Args;
use super::report::DrainReport;
use crate::analyze::fence::Fence;
use crate::analyze::plan::plan;
use crate::commands::act::report::preview;
use crate::commands::golden::{LINES, assert_as_written, drawn, facts, head, reported, sessions};
use crate::model::act::{Action, Wanted};
use crate::render::table::Block;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

#[test]
fn the_plan_of_a_drain() {
    let inside =
        || sessions().into_iter().filter(|session| session.database.as_deref() == Some("shop")).collect();
    let Line { args } = Line::parse_from(["drain", "--db", "shop", "--dry-run"]);
    assert_as_written("drain", |width| {
        let plan = plan(Action::Terminate, &Wanted::default(), &facts(inside()));
        let mut blocks = preview(&plan, Some((width, LINES)), &head());
        let sql = "ALTER DATABASE shop CONNECTION LIMIT 0;";
        blocks.push(Block::line(format!("to close it: {sql} (can still enter: superusers)")));
        let restore = "ALTER DATABASE shop CONNECTION LIMIT -1;".to_owned();
        let report = DrainReport::new(&args, Fence::Limit, restore);
        drawn(&blocks, width) + &reported(&report, width)
    });
}
