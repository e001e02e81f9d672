//! `pgconn metrics`: the connections of a server for Prometheus, once.

use std::io::{self, Write};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use super::head::{head_of_look, unread};
use super::manual::{Group, Manual};
use super::shown::Shown;
use super::{Context, bounded, watch};
use crate::analyze::metrics::{self, Scrape, compat, pgbouncer_exporter, pooler};
use crate::db::console::Console;
use crate::db::{self, Db, ErrorKind};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::metric::{Family, Sample};
use crate::model::server::Target;
use crate::observe::{Deadline, Observer, OfServer};
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Format, Head, Headline, Report, Warning, prometheus, tsv};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("See what there is", "pgconn metrics"),
        (
            "For node_exporter's textfile collector, from cron",
            "pgconn metrics -q -o /var/lib/prometheus/node-exporter/pgconn.prom",
        ),
        ("Under the names that existing dashboards use", "pgconn metrics --compat postgres_exporter"),
        ("Of a pooler, from its console", "pgconn metrics -p 6432 -d pgbouncer"),
    ],
)
.exits(&[
    ("0", "done"),
    ("1", "the output could not be written"),
    ("2", "usage error"),
    ("3", "no connection, or no answer in time; then pgconn_up is 0"),
    ("130", "ended by Ctrl-C (SIGINT)"),
    ("143", "ended by SIGTERM"),
]);

/// Arguments of `metrics`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Series at most in a family that depends on names
    ///
    /// The others are counted in pgconn_omitted_series.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_series: u32,
    /// Metric names of another exporter
    ///
    /// They stand in place of pgconn's own.
    #[arg(long, value_enum, value_name = "EXPORTER")]
    compat: Option<Compat>,
}

/// Whose names to use.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Compat {
    /// Prometheus' postgres_exporter (what it tells about connections)
    #[value(name = "postgres_exporter")]
    PostgresExporter,
    /// Prometheus' pgbouncer_exporter, for a pooler's console
    #[value(name = "pgbouncer_exporter")]
    PgbouncerExporter,
}

/// Looks and prints; what cannot be reached is `pgconn_up 0`.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    choose_format(context);
    let observer = context.observer_of(context.endpoint()?.clone());
    watch::judge(context, observer, async |context, observer| match look(&args, observer, context).await {
        Ok((report, head)) => Ok(Shown::new(report, head)),
        Err(error) => {
            let unanswered = Some(Failure::from(error.clone()));
            let (report, head) = down(&args, error, context.aim())?;
            Ok(Shown { exit: Exit::NoConnection, unanswered, ..Shown::new(report, head) })
        }
    })
    .await
}

/// Prometheus' format unless another one is wanted, for everybody to collect.
pub(super) fn choose_format(context: &mut Context) {
    if context.flags.format.is_none() && !context.flags.json {
        context.flags.format = Some(Format::Prometheus);
    }
    if context.format() == Format::Prometheus {
        context.output.get_mut().for_everybody();
    }
}

/// What a look brings.
type Measured = (Metrics, Head);

/// Looks in the way that the names asked for need.
async fn look(
    args: &Args,
    observer: &mut Observer<OfServer>,
    context: &Context,
) -> Result<Measured, db::Error> {
    let most = usize::try_from(args.max_series).unwrap_or(usize::MAX);
    match args.compat {
        None => {
            let of_server = async |deadline: &Deadline, db: &Db| scrape(most, deadline, db).await;
            let of_console =
                async |deadline: &Deadline, console: &Console| scrape_pooler(most, deadline, console).await;
            bounded::look(observer, context, of_server, of_console).await
        }
        Some(Compat::PostgresExporter) => {
            let deadline = observer.source().endpoint.deadline();
            bounded::look_at_server(observer, &deadline, context, async |_, db| export(db).await).await
        }
        Some(Compat::PgbouncerExporter) => {
            let deadline = observer.source().endpoint.deadline();
            let console = &mut context.observer_of_own_console()?;
            bounded::look_at_console(console, &deadline, context, async |_, console| {
                export_pooler(console).await
            })
            .await
        }
    }
}

/// The metrics of a pooler, from its console.
async fn scrape_pooler(most: usize, deadline: &Deadline, console: &Console) -> Result<Measured, db::Error> {
    let mut head = super::pooler::head(console);
    let facts = console.facts().await?;
    head.warnings.extend(super::pooler::one_of_several(&facts));
    let seconds = deadline.used().as_secs_f64();
    let families = pooler::families(&facts, &console.target().place(), most, seconds);
    Ok((Metrics { families }, head))
}

/// The metrics of a pooler under the names of pgbouncer_exporter.
async fn export_pooler(console: &Console) -> Result<Measured, db::Error> {
    let head = super::pooler::head(console);
    let tables = console.tables(&pgbouncer_exporter::LISTS).await?;
    let families = pgbouncer_exporter::families(&tables, &console.target().place());
    Ok((Metrics { families }, head))
}

/// The metrics of a server.
async fn scrape(most: usize, deadline: &Deadline, db: &Db) -> Result<Measured, db::Error> {
    let looked = db.scrape(&mut None).await?;
    let scrape = Scrape {
        server_context: &looked.server_context,
        facts: &looked.facts,
        tallies: &looked.tallies,
        databases: &looked.databases,
        settings: &looked.settings,
        login_roles: &looked.login_roles,
        settings_age_seconds: looked.settings_age_seconds,
        seconds: deadline.used().as_secs_f64(),
    };
    let families = metrics::families(&scrape, &db.target().place(), most);
    let mut head = head_of_look(db, &looked.server_context, looked.facts.connections.hidden);
    head.warnings.extend(looked.facts.unread.iter().map(unread));
    Ok((Metrics { families }, head))
}

/// The metrics of a server under the names of postgres_exporter.
async fn export(db: &Db) -> Result<Measured, db::Error> {
    let (server_context, exporter) = db.exporter(compat::columns(), compat::settings()).await?;
    let families = compat::families(&server_context, &exporter, &db.target().place());
    Ok((Metrics { families }, head_of_look(db, &server_context, exporter.hidden())))
}

/// The result when there was no answer; what the user did wrong is no result.
fn down(args: &Args, error: db::Error, target: Option<Target>) -> Result<(Metrics, Head), Failure> {
    if matches!(error.kind, ErrorKind::BadSettings | ErrorKind::BadValue | ErrorKind::Interrupted(_)) {
        return Err(error.into());
    }
    let failure = Failure::from(error);
    let place = target.as_ref().map(Target::place);
    let families = match args.compat {
        Some(Compat::PostgresExporter) => compat::down(place.as_deref()),
        Some(Compat::PgbouncerExporter) => pgbouncer_exporter::down(place.as_deref()),
        None => metrics::down(place.as_deref()),
    };
    let warning = Warning { code: failure.code, message: failure.message, hint: failure.hint };
    // Whatever went wrong, there are no numbers: for the reader of a file that is a server that is down.
    Ok((Metrics { families }, Head { target, warnings: vec![warning], ..Head::default() }))
}

/// The answer of `metrics`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Metrics {
    /// One per metric name.
    families: Vec<Family>,
}

/// A sample under the name of its family.
struct Row<'a> {
    name: &'static str,
    sample: &'a Sample,
}

impl<'a> Row<'a> {
    const COLUMNS: &'a [Column<Self>] = &[
        Column::new("METRIC", Align::Left, "name", |row| row.name.into()),
        Column::script("labels", |row| row.labels().into()),
        Column::new("VALUE", Align::Right, "value", |row| row.sample.value.into()),
        Column::table("LABELS", Align::Left, |row| row.labels().into()),
    ];

    fn labels(&self) -> String {
        let labels = self.sample.labels.iter().map(|(name, value)| format!("{name}={value}"));
        labels.collect::<Vec<_>>().join(" ")
    }
}

impl Metrics {
    fn samples(&self) -> impl Iterator<Item = Row<'_>> {
        let row = |(family, sample): (&Family, _)| Row { name: family.name, sample };
        self.families
            .iter()
            .flat_map(|family| family.samples.iter().map(move |sample| (family, sample)))
            .map(row)
    }
}

impl Report for Metrics {
    fn kind(&self) -> &'static str {
        "metrics"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("families", &self.families)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        vec![Block::Table(Table::of(Row::COLUMNS, self.samples(), |_| Mark::Plain))]
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(Row::COLUMNS, self.samples())
    }

    fn headline(&self) -> Headline {
        let is_up = |family: &&Family| family.name.ends_with("_up");
        let up = self.families.iter().find(is_up).and_then(|family| family.samples.first()?.value);
        let mark = if up == Some(0.0) { Mark::Bad } else { Mark::Plain };
        let (samples, families) = (self.samples().count(), self.families.len());
        Headline { mark, text: format!("{samples} samples in {families} families") }
    }

    fn families(&self) -> &[Family] {
        &self.families
    }

    fn write_own(&self, out: &mut dyn Write) -> io::Result<()> {
        prometheus::write(&self.families, out)
    }
}
