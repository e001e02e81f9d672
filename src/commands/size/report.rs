//! The plan as people and scripts see it.

use serde::Serialize;

use super::answer::{self, counted};
use super::live;
use super::row::Row;
use crate::analyze::sizing::live::Live;
use crate::analyze::sizing::sample::LoadSample;
use crate::analyze::sizing::{FigureSource, InputValue, LimitedBy, ServicePlan, SizePlan, SizeStep, Tier};
use crate::poolconf::Mode;
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, tsv};

/// The answer of `size`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SizeReport {
    #[serde(flatten)]
    pub(super) plan: SizePlan,
    /// The server as it is now; null when none was asked.
    pub(super) live: Option<Live>,
    /// The measured load; null when none was measured.
    pub(super) sample: Option<LoadSample>,
    /// What the applications connect to.
    #[serde(skip)]
    pub(super) mode: Mode,
    /// Whether the steps are shown to people, too.
    #[serde(skip)]
    pub(super) verbose: bool,
}

impl Report for SizeReport {
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
        let mut blocks = answer::blocks(plan, self.mode);
        blocks.extend([
            Block::Gap,
            Block::Table(Table::of(SIDE, sides(plan), Side::mark).sparing(&["MIN IDLE", "POOLS"])),
        ]);
        if !plan.services.is_empty() {
            blocks.extend([Block::Gap, Block::Table(services(&plan.services))]);
        }
        if self.verbose {
            let steps = Table::of(STEPS, &plan.steps, |_| Mark::Plain);
            blocks.extend([Block::Gap, Block::Table(steps)]);
        }
        blocks.push(Block::Gap);
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
        let inputs = plan.inputs.iter().map(|input| {
            let value = match &input.value {
                Some(InputValue::Number(value)) => (*value).into(),
                Some(InputValue::Seconds(value)) => (*value).into(),
                Some(InputValue::Word(value)) => value.into(),
                None => Value::None,
            };
            Row::new("inputs", input.name, value, source(input.source))
        });
        let steps = plan.steps.iter().map(|step| Row::new("steps", &step.name, step.value, &step.expression));
        let results: [(&str, Value<'_>); 5] = [
            ("feasible", plan.feasible.into()),
            ("limited_by", limited_by(plan.limited_by).into()),
            ("oversubscription_factor", plan.oversubscription_factor.into()),
            ("tier", plan.tier.name.into()),
            ("pooler.recommended", plan.pooler.recommended.into()),
        ];
        let results = results.map(|(name, value)| Row::new("results", name, value, Value::None));
        let measured = live::rows(self.live.as_ref(), self.sample.as_ref());
        let advice = plan.advice.iter();
        let advice = advice.map(|advice| Row::new("advice", advice.code, Value::None, &advice.message));
        let rows = inputs.chain(steps).chain(results).chain(measured).chain(advice);
        tsv::Rows::of(Row::COLUMNS, rows)
    }
}

/// The word for a source.
fn source(source: FigureSource) -> &'static str {
    match source {
        FigureSource::Given => "given",
        FigureSource::Server => "server",
        FigureSource::ProviderDefault => "provider_default",
        FigureSource::Assumed => "assumed",
    }
}

fn limited_by(limit: LimitedBy) -> &'static str {
    match limit {
        LimitedBy::Hardware => "hardware",
        LimitedBy::MaxConnections => "max_connections",
        LimitedBy::Tasks => "tasks",
    }
}

/// One of two ways to do it.
struct Side {
    plan: String,
    pools: u64,
    size: Of,
    min_idle: Of,
    connections: Option<u64>,
    settings: String,
    feasible: bool,
}

/// What a plan has of something for each pool.
#[derive(Clone, Copy)]
enum Of {
    Each(u64),
    /// Several services have a size each, in a table of their own.
    Varies,
    Nothing,
}

impl From<Option<u64>> for Of {
    fn from(number: Option<u64>) -> Self {
        number.map_or(Self::Varies, Self::Each)
    }
}

impl From<Of> for Value<'_> {
    fn from(of: Of) -> Self {
        match of {
            Of::Each(number) => number.into(),
            Of::Varies => "varies".into(),
            Of::Nothing => Self::None,
        }
    }
}

/// What people read of each way.
const SIDE: &[Column<Side>] = &[
    Column::table("PLAN", Align::Left, |side: &Side| (&side.plan).into()).naming(),
    Column::table("POOLS", Align::Right, |side| side.pools.into()),
    Column::table("POOL SIZE", Align::Right, |side| side.size.into()),
    Column::table("MIN IDLE", Align::Right, |side| side.min_idle.into()),
    Column::table("CONNECTIONS", Align::Right, |side| side.connections.into()),
    Column::table("SETTINGS", Align::Left, |side: &Side| (&side.settings).into()).wide(),
];

impl Side {
    const fn mark(&self) -> Mark {
        if self.feasible { Mark::Plain } else { Mark::Bad }
    }
}

/// The direct plan and the pooled one.
fn sides(plan: &SizePlan) -> [Side; 2] {
    let pooler = &plan.pooler;
    let recommend = |yes: bool| if yes { " (recommended)" } else { "" };
    let pools = plan.pool_count;
    let the_one = |number: fn(&ServicePlan) -> u64| {
        let first = plan.applications.first().map(number)?;
        plan.applications.iter().all(|service| number(service) == first).then_some(first)
    };
    let direct = if plan.feasible_directly {
        let required = plan.required_max_connections;
        let required = required.map(|value| format!("max_connections {value} or more")).unwrap_or_default();
        Side {
            plan: "direct".to_owned(),
            pools,
            size: plan.pool_size.into(),
            min_idle: plan.min_idle.into(),
            connections: Some(plan.total),
            settings: required + recommend(!pooler.recommended),
            feasible: true,
        }
    } else {
        let (size, min_idle) = (Of::Nothing, Of::Nothing);
        let settings = "infeasible".to_owned();
        let plan = "direct".to_owned();
        Side { plan, pools, size, min_idle, connections: None, settings, feasible: false }
    };
    let settings = match (pooler.default_pool_size, pooler.max_client_conn) {
        (Some(_), _) if pooler.provided.is_some() => {
            let set = pooler
                .provided
                .as_ref()
                .and_then(|of| Some(format!("{} {}", of.setting?, of.setting_value?)));
            set.unwrap_or_else(|| "set by the service".to_owned()) + recommend(pooler.recommended)
        }
        (Some(size), Some(clients)) => {
            format!("default_pool_size {size}, max_client_conn {clients}{}", recommend(pooler.recommended))
        }
        _ => "infeasible".to_owned(),
    };
    let pooled = Side {
        plan: format!("{} (transaction)", pooler.name),
        pools,
        size: the_one(|service| service.client_pool_size).into(),
        min_idle: the_one(|service| service.min_idle.clamp(1, service.client_pool_size)).into(),
        connections: pooler.provided.as_ref().map(|of| of.server_connections).or(pooler.server_connections),
        settings,
        feasible: pooler.default_pool_size.is_some(),
    };
    [direct, pooled]
}

fn services(services: &[ServicePlan]) -> Table<'_> {
    Table::of(SERVICES, services, |service| if service.pool_size == 0 { Mark::Bad } else { Mark::Plain })
        .sparing(&["FAIR SHARE", "WEIGHT", "BUDGET", "POOLS"])
}

/// What people read of each service.
const SERVICES: &[Column<ServicePlan>] = &[
    Column::table("SERVICE", Align::Left, |service: &ServicePlan| (&service.name).into()).naming(),
    Column::table("INSTANCES", Align::Right, |service| service.instances.into()),
    Column::table("WEIGHT", Align::Right, |service| service.weight.into()),
    Column::table("BUDGET", Align::Right, |service| service.budget.into()),
    Column::table("POOLS", Align::Right, |service| service.pool_count.into()),
    Column::if_any(
        |service| service.threads.is_some(),
        Column::table("THREADS", Align::Right, |service| service.threads.into()),
    ),
    Column::table("POOL SIZE", Align::Right, |service| service.pool_size.into()),
    Column::table("FAIR SHARE", Align::Right, |service| service.fair_share_per_pool.into()),
    Column::table("CONNECTIONS", Align::Right, |service| service.total.into()),
    Column::if_any(
        |service| service.sessions_now.is_some(),
        Column::table("NOW", Align::Right, |service| service.sessions_now.into()),
    ),
];

/// What people read of each step.
const STEPS: &[Column<SizeStep>] = &[
    Column::table("STEP", Align::Left, |step| (&step.name).into()),
    Column::table("VALUE", Align::Right, |step| step.value.into()),
    Column::table("HOW", Align::Left, |step| (&step.expression).into()),
];

/// What an input means that has no plain name.
fn explained(input: &str) -> &'static str {
    if input == "spindles" { " (an SSD counts as 1)" } else { "" }
}

/// What was assumed, and what is usual.
fn facts(plan: &SizePlan) -> Vec<String> {
    let said = |wanted: FigureSource| {
        let list: Vec<String> = plan
            .inputs
            .iter()
            .filter(|input| input.source == wanted)
            .filter_map(|input| {
                Some(format!("{} {}{}", input.name, input.value.as_ref()?, explained(input.name)))
            })
            .collect();
        list.join(", ")
    };
    let mut lines = Vec::new();
    for (label, wanted) in [
        ("given", FigureSource::Given),
        ("from the server", FigureSource::Server),
        ("provider default", FigureSource::ProviderDefault),
        ("assumed", FigureSource::Assumed),
    ] {
        let list = said(wanted);
        if !list.is_empty() {
            lines.push(format!("{label}: {list}"));
        }
    }
    if plan.total_without_surge < plan.total {
        lines.push(format!(
            "during a rollout {}, otherwise {}",
            counted(plan.total, "connection"),
            plan.total_without_surge
        ));
    }
    if let Some(range) = &plan.instance_range {
        let alone = range
            .pool_size_for_from
            .map(|size| format!("; for {} alone a pool could have {size}", range.from))
            .unwrap_or_default();
        lines.push(format!(
            "with {} {}, with {} {}{alone}",
            counted(range.from, "instance"),
            counted(range.total_at_from, "connection"),
            counted(range.to, "instance"),
            range.total_at_to
        ));
    }
    // A function holds one, however many there are.
    if !plan.advice.iter().any(|advice| advice.code == "serverless") {
        let Tier { name, low, high } = plan.tier;
        lines.push(format!(
            "usual for an application of this size ({name}): {low} to {high} connections per instance"
        ));
    }
    if let Some(memory) = plan.memory {
        let worst = match memory.work_mem_bytes {
            Some(_) => "in the worst case",
            None => "without their work_mem, which is not counted: give --work-mem",
        };
        let fitting = counted(memory.connections_that_fit, "connection");
        lines.push(if memory.by_provider {
            format!("memory: the service runs {fitting} in it, without a bound on their work_mem")
        } else {
            format!("memory: room for {} of {} MiB {worst}", fitting, memory.per_connection_bytes >> 20)
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::sizing;

    #[test]
    fn a_plan_is_an_answer_and_one_table_of_two_plans() {
        let plan = sizing::plan(&sizing::tests::request(4, 8)).unwrap();
        let mut out = Vec::new();
        crate::render::table::write(
            &SizeReport { plan, live: None, sample: None, mode: Mode::Direct, verbose: false }
                .blocks(&Head::default()),
            crate::render::Look::default(),
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[5],
            "direct                       8          9         1           72  max_connections 85 or more"
        );
        assert_eq!(
            lines[6],
            "PgBouncer (transaction)      8          9         1            9  default_pool_size 9, max_client_conn 100 (recommended)"
        );
        assert!(text.contains("max_connections 100"), "{text}");
    }
}
