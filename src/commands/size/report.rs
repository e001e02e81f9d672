//! The plan as people and scripts see it.

use serde::Serialize;

use super::live;
use crate::analyze::sizing::live::Live;
use crate::analyze::sizing::sample::Sample;
use crate::analyze::sizing::{InputValue, LimitedBy, Plan, Source, Tier};
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, text, tsv};

/// The answer of `size`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Size {
    #[serde(flatten)]
    pub(super) plan: Plan,
    /// The server as it is now; null when none was asked.
    pub(super) live: Option<Live>,
    /// The measured load; null when none was measured.
    pub(super) sample: Option<Sample>,
}

impl Report for Size {
    fn kind(&self) -> &'static str {
        "size"
    }

    fn lists(&self) -> Vec<List<'_>> {
        let plan = &self.plan;
        vec![
            List::new("inputs", &plan.inputs),
            List::new("services", &plan.services),
            List::new("advice", &plan.advice),
            List::new("steps", &plan.steps),
        ]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let plan = &self.plan;
        let mut blocks = vec![Block::Table(plans(plan))];
        if !plan.services.is_empty() {
            blocks.extend([Block::Gap, Block::Table(services(plan))]);
        }
        blocks.extend([Block::Gap, Block::Table(steps(plan)), Block::Gap]);
        blocks.extend(facts(plan).into_iter().map(Block::line));
        blocks.extend(self.live.iter().flat_map(live::live_blocks));
        blocks.extend(self.sample.iter().flat_map(live::sample_blocks));
        let advice = plan.advice.iter().filter(|advice| advice.code != "infeasible");
        let mut advice =
            advice.map(|advice| Block::marked(Mark::Warn, format!("! {}", advice.message))).peekable();
        if advice.peek().is_some() {
            blocks.push(Block::Gap);
            blocks.extend(advice);
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let plan = &self.plan;
        let mut rows = tsv::Rows::new(&["list", "name", "value", "detail"]);
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for input in &plan.inputs {
            let value = match &input.value {
                Some(InputValue::Number(value)) => number(*value).into(),
                Some(InputValue::Seconds(value)) => (*value).into(),
                Some(InputValue::Word(value)) => value.into(),
                None => None::<i64>.into(),
            };
            rows.push(["inputs".into(), input.name.into(), value, source(input.source).into()]);
        }
        for step in &plan.steps {
            rows.push([
                "steps".into(),
                (&step.name).into(),
                number(step.value).into(),
                (&step.expression).into(),
            ]);
        }
        for (name, value) in [
            ("feasible", plan.feasible.to_string()),
            ("limited_by", limited_by(plan.limited_by).to_owned()),
            ("oversubscription_factor", plan.oversubscription_factor.to_string()),
            ("tier", plan.tier.name.to_owned()),
            ("pooler.recommended", plan.pooler.recommended.to_string()),
        ] {
            rows.push(["results".into(), name.into(), (&value).into(), None::<&str>.into()]);
        }
        live::push_rows(self.live.as_ref(), self.sample.as_ref(), &mut rows);
        for advice in &plan.advice {
            rows.push(["advice".into(), advice.code.into(), None::<i64>.into(), (&advice.message).into()]);
        }
        rows.into()
    }
}

/// The word for a source.
fn source(source: Source) -> &'static str {
    match source {
        Source::Given => "given",
        Source::Server => "server",
        Source::Assumed => "assumed",
    }
}

fn limited_by(limit: LimitedBy) -> &'static str {
    match limit {
        LimitedBy::Hardware => "hardware",
        LimitedBy::MaxConnections => "max_connections",
    }
}

/// A number, or nothing when there is none.
fn cell(value: Option<u64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The direct plan and the pooled one, side by side.
fn plans(plan: &Plan) -> Table<'static> {
    let mut table = Table::new(&[
        ("PLAN", Align::Left),
        ("POOLS", Align::Right),
        ("POOL SIZE", Align::Right),
        ("MIN IDLE", Align::Right),
        ("CONNECTIONS", Align::Right),
        ("SETTINGS", Align::Left),
    ]);
    let pooler = &plan.pooler;
    let recommend = |yes: bool| if yes { " (recommended)" } else { "" };
    // Several services have a size each, in the table below.
    let varied = |value: Option<u64>| value.map_or_else(|| "varies".to_owned(), |value| value.to_string());
    let direct = if plan.feasible {
        let required = plan
            .required_max_connections
            .map_or_else(String::new, |value| format!("max_connections {value} or more"));
        [
            varied(plan.pool_size),
            varied(plan.min_idle),
            plan.total.to_string(),
            required + recommend(!pooler.recommended),
        ]
    } else {
        [String::new(), String::new(), String::new(), "infeasible".to_owned()]
    };
    let [size, idle, total, settings] = direct;
    let mark = if plan.feasible { Mark::Plain } else { Mark::Bad };
    table.push(mark, ["direct".to_owned(), plan.pool_count.to_string(), size, idle, total, settings]);
    let settings = match (pooler.default_pool_size, pooler.max_client_conn) {
        (Some(size), Some(clients)) => {
            format!("default_pool_size {size}, max_client_conn {clients}{}", recommend(pooler.recommended))
        }
        _ => "infeasible".to_owned(),
    };
    table.push(
        if pooler.default_pool_size.is_some() { Mark::Plain } else { Mark::Bad },
        [
            "PgBouncer (transaction)".to_owned(),
            plan.pool_count.to_string(),
            varied(plan.pool_size.map(|_| pooler.client_pool_size)),
            varied(plan.min_idle.map(|idle| idle.max(1))),
            cell(pooler.server_connections),
            settings,
        ],
    );
    table
}

fn services(plan: &Plan) -> Table<'static> {
    let live = plan.services.iter().any(|service| service.sessions_now.is_some());
    let mut columns = vec![
        ("SERVICE", Align::Left),
        ("INSTANCES", Align::Right),
        ("WEIGHT", Align::Right),
        ("BUDGET", Align::Right),
        ("POOLS", Align::Right),
        ("POOL SIZE", Align::Right),
        ("FAIR SHARE", Align::Right),
        ("CONNECTIONS", Align::Right),
    ];
    columns.extend(live.then_some(("NOW", Align::Right)));
    let mut table = Table::new(&columns);
    for service in &plan.services {
        let mut row = vec![
            service.name.clone(),
            service.instances.to_string(),
            service.weight.to_string(),
            service.budget.to_string(),
            service.pool_count.to_string(),
            service.pool_size.to_string(),
            service.fair_share_per_pool.to_string(),
            service.total.to_string(),
        ];
        row.extend(live.then(|| cell(service.sessions_now)));
        table.push_cells(if service.pool_size == 0 { Mark::Bad } else { Mark::Plain }, row);
    }
    table
}

fn steps(plan: &Plan) -> Table<'static> {
    let mut table = Table::new(&[("STEP", Align::Left), ("VALUE", Align::Right), ("HOW", Align::Left)]);
    for step in &plan.steps {
        table.push(Mark::Plain, [step.name.clone(), step.value.to_string(), step.expression.clone()]);
    }
    table
}

/// What was assumed, and what is usual.
fn facts(plan: &Plan) -> Vec<String> {
    let said = |wanted: Source| {
        let list: Vec<String> = plan
            .inputs
            .iter()
            .filter(|input| input.source == wanted)
            .filter_map(|input| Some(format!("{} {}", input.name, input.value.as_ref()?)))
            .collect();
        list.join(", ")
    };
    let mut lines = Vec::new();
    for (label, wanted) in
        [("given", Source::Given), ("from the server", Source::Server), ("assumed", Source::Assumed)]
    {
        let list = said(wanted);
        if !list.is_empty() {
            lines.push(format!("{label}: {list}"));
        }
    }
    // A function holds one, however many there are.
    if !plan.advice.iter().any(|advice| advice.code == "serverless") {
        let Tier { name, low, high } = plan.tier;
        lines.push(format!(
            "usual for an application of this size ({name}): {low} to {high} connections per instance"
        ));
    }
    if let Some(memory) = plan.memory {
        let counted = match memory.work_mem_bytes {
            Some(_) => "in the worst case",
            None => "without their work_mem, which is not counted: give --work-mem",
        };
        lines.push(format!(
            "memory: room for {} of {} MiB {counted}",
            text::count(i64::try_from(memory.connections_that_fit).unwrap_or(i64::MAX), "connection"),
            memory.per_connection_bytes >> 20
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::sizing;

    #[test]
    fn a_plan_is_one_table_of_two_plans_and_its_steps() {
        let plan = sizing::plan(&sizing::tests::request(4, 8)).unwrap();
        let mut out = Vec::new();
        crate::render::table::write(
            &Size { plan, live: None, sample: None }.blocks(&Head::default()),
            crate::render::Look::default(),
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "direct                       8          9         1           72  max_connections 85 or more"
        );
        assert_eq!(
            lines[2],
            "PgBouncer (transaction)      8          9         1            9  default_pool_size 9, max_client_conn 100 (recommended)"
        );
        assert!(text.contains("max_connections 100"), "{text}");
    }
}
