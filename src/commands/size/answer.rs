//! The answer of `size` in a few plain lines: who opens how many connections, whether a pooler is needed and why, and how it
//! is written.

use crate::analyze::sizing::current::{Current, Verdict};
use crate::analyze::sizing::{Refused, ServicePlan, SizePlan};
use crate::poolconf::Mode;
use crate::render::table::{Block, Mark};
use crate::render::text;

/// The lines before the table.
pub(super) fn blocks(plan: &SizePlan, mode: Mode) -> Vec<Block<'static>> {
    let mut blocks = Vec::new();
    let mut say = |mark, line: String| blocks.push(Block::marked(mark, line).into_owned());
    let pooled = mode == Mode::Transaction;
    let pooler = plan.pooler.name;
    let pooler_fits = plan.pooler.transaction.as_ref();
    if !pooled && let Some(Refused { message, .. }) = &plan.infeasible {
        say(Mark::Bad, format!("directly it is impossible: {message}"));
        if pooler_fits.is_ok() {
            say(Mark::Plain, format!("through {pooler} it is possible (--mode transaction):"));
        }
    }
    if let Err(Refused { message, .. }) = pooler_fits
        && (pooled || !plan.feasible_directly)
    {
        say(Mark::Bad, format!("through {pooler} it is impossible: {message}"));
    }
    let through = pooled || !plan.feasible_directly;
    let possible = if through { pooler_fits.is_ok() } else { plan.feasible_directly };
    if possible {
        let to = if through { Some(pooler) } else { None };
        plan.applications.iter().for_each(|service| say(Mark::Plain, each(plan, service, to)));
        if let Some(why) = why_pooled(plan) {
            say(Mark::Plain, format!("{pooler} is recommended, because {why}"));
        }
        say(Mark::Plain, "write it with --emit TARGET (--emit list names them)".to_owned());
    }
    plan.current.iter().for_each(|current| today(current, &mut say));
    blocks
}

/// Who opens how many, as `each of the 8 instances: at most 9 connections, 1 kept open`.
fn each(plan: &SizePlan, service: &ServicePlan, pooler: Option<&str>) -> String {
    let ServicePlan { instances, processes, .. } = *service;
    let functions = plan.advice.iter().any(|advice| advice.code == "serverless");
    let copies =
        if instances == 1 { "the instance".to_owned() } else { format!("the {instances} instances") };
    let who = match (functions, instances, processes) {
        (true, ..) => format!("each of the {} functions", service.pool_count),
        (_, 1, 1) => copies,
        (_, _, 1) => format!("each of {copies}"),
        _ => format!("each of the {processes} processes of {copies}"),
    };
    let name = if service.name.is_empty() { String::new() } else { format!("{}, ", service.name) };
    let size = if pooler.is_some() { service.client_pool_size } else { service.pool_size };
    let to = pooler.map_or_else(String::new, |pooler| format!(" to {pooler}"));
    let shared = service.threads.filter(|threads| *threads > size);
    let shared = shared.map_or_else(String::new, |threads| format!(" for {threads} threads"));
    let kept = service.min_idle.clamp(1, size.max(1));
    format!("{name}{who}: at most {}{to}{shared}, {kept} kept open", counted(size, "connection"))
}

/// Why a pooler is better, when it is.
fn why_pooled(plan: &SizePlan) -> Option<String> {
    if !plan.pooler.recommended || plan.pooler.transaction.is_err() {
        return None;
    }
    if plan.advice.iter().any(|advice| advice.code == "serverless") {
        return Some("functions connect anew at every cold start".to_owned());
    }
    let of_each = match plan.pool_count {
        1 => "for the pool".to_owned(),
        pools => format!("for each when all {pools} pools are busy"),
    };
    match plan.applications.iter().map(|service| service.fair_share_per_pool).min()? {
        0 => Some(format!("less than one connection is left {of_each}")),
        1 => Some(format!("only 1 connection is left {of_each}")),
        _ => Some("so many instances are better served by few server connections that they share".to_owned()),
    }
}

/// Whether what runs today fits, and what to change first.
fn today(current: &Current, say: &mut impl FnMut(Mark, String)) {
    let mark = match current.verdict {
        Verdict::Fits => Mark::Good,
        Verdict::TakesReserve => Mark::Warn,
        Verdict::TooMany => Mark::Bad,
    };
    say(mark, format!("today: {}", current.words()));
    if let Some(change) = &current.change_first {
        say(Mark::Plain, format!("change first: {change}"));
    }
}

/// `1 pool`, `2 pools`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    text::count(i64::try_from(number).unwrap_or(i64::MAX), noun)
}
