//! The answer of `pooler`, whatever was looked at or done.

use serde::Serialize;

use super::act::report::PoolerAct;
use super::{connections, limits, pools};
use crate::analyze::pooler::{self, PoolUse, PoolerLimit, PoolerSelection, Rate};
use crate::commands::screen_room::Part;
use crate::model::pooler::{Database, Link, PoolerFacts, Product, Totals, disabled};
use crate::model::suggestion::{Command, Lead};
use crate::render::json::List;
use crate::render::table::{Block, Mark, Table};
use crate::render::{Head, Report, text, tsv};

/// What a document shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Pools,
    Clients,
    Servers,
    Join,
    Act,
}

/// The answer of `pooler`. Views that were not asked for are null.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct PoolerReport {
    #[serde(skip)]
    pub(super) view: View,
    /// The paused databases among those that are meant.
    #[serde(skip)]
    pub(super) paused: Vec<String>,
    /// The disabled ones.
    #[serde(skip)]
    pub(super) disabled: Vec<String>,
    /// Whether the console tells each user's limit on connections to servers.
    #[serde(skip)]
    pub(super) tells_user_limits: bool,
    /// The flags that lead here again.
    #[serde(skip)]
    pub(super) again: Lead,
    /// How much of a list a screen shows.
    #[serde(skip)]
    pub(super) part: Part,
    /// How many processes of the pooler it is the sum of.
    pub(super) processes: usize,
    /// What the pooler calls itself: `PgBouncer`.
    pub(super) product: String,
    /// Its version.
    pub(super) version: String,
    /// One per database and user, those in trouble first.
    pub(super) pools: Option<Vec<PoolUse>>,
    /// What the pooler knows about each database.
    pub(super) databases: Option<Vec<Database>>,
    /// Every limit, the fullest first.
    pub(super) limits: Option<Vec<PoolerLimit>>,
    /// The fullest limit.
    pub(super) first_limit: Option<PoolerLimit>,
    /// Work since the pooler started.
    pub(super) totals: Option<Vec<Totals>>,
    /// Work per second, with `--for`.
    pub(super) rates: Option<Vec<Rate>>,
    /// Clients, with `clients`.
    pub(super) clients: Option<Vec<Link>>,
    /// Connections to servers, with `servers`.
    pub(super) servers: Option<Vec<Link>>,
    /// Clients, connections and sessions, with `--server`.
    pub(super) join: Option<Vec<Link>>,
    /// What was done, or would be, with `pause`, `resume`, `reconnect` and `wait-close`.
    pub(super) act: Option<PoolerAct>,
}

impl PoolerReport {
    pub(super) fn new(view: View, product: Product) -> Self {
        Self {
            view,
            paused: Vec::new(),
            disabled: Vec::new(),
            tells_user_limits: true,
            again: Lead::default(),
            part: Part::default(),
            processes: 1,
            product: product.name,
            version: product.version,
            pools: None,
            databases: None,
            limits: None,
            first_limit: None,
            totals: None,
            rates: None,
            clients: None,
            servers: None,
            join: None,
            act: None,
        }
    }

    pub(super) fn of_pools(facts: PoolerFacts, selection: &PoolerSelection) -> Self {
        let usage = pooler::usage(&facts, |pool| selection.has_pool(pool));
        let is_paused =
            |database: &&Database| database.paused == Some(true) && selection.has_database(&database.name);
        let disabled = disabled(&facts).filter(|name| selection.has_database(name)).map(str::to_owned);
        Self {
            disabled: disabled.collect(),
            paused: facts.databases.iter().filter(is_paused).map(|database| database.name.clone()).collect(),
            tells_user_limits: facts.tells_user_limits,
            first_limit: usage.fullest().cloned(),
            pools: Some(usage.pools),
            limits: Some(usage.limits),
            databases: Some(facts.databases),
            totals: Some(facts.totals),
            ..Self::new(View::Pools, facts.product)
        }
    }

    pub(super) fn of_links(view: View, product: Product, links: Vec<Link>) -> Self {
        let mut answer = Self::new(view, product);
        let list = match view {
            View::Servers => &mut answer.servers,
            View::Join => &mut answer.join,
            View::Pools | View::Clients | View::Act => &mut answer.clients,
        };
        *list = Some(connections::ordered(links));
        answer
    }

    /// What the pooler calls itself.
    pub(super) fn product(&self) -> Product {
        Product { name: self.product.clone(), version: self.version.clone() }
    }

    pub(super) fn waits(&self) -> bool {
        let waiting = |pool: &PoolUse| pool.pool.clients_waiting.is_some_and(|waiting| waiting > 0);
        self.pools.iter().flatten().any(waiting)
    }

    /// `localhost:6432  PgBouncer 1.18.0`.
    pub(super) fn title(&self, head: &Head) -> Block<'static> {
        let place = head.target.as_ref().map(crate::model::server::Target::place).unwrap_or_default();
        let sum = match self.processes {
            1 => String::new(),
            number => format!("  the sum of {number} processes"),
        };
        Block::line(format!("{place}  {} {}{sum}", self.product, self.version))
    }

    /// The human form: the pooler and its fullest limit, what is used up, pools, what keeps clients waiting, rates.
    fn of_its_pools(&self, head: &Head) -> Vec<Block<'_>> {
        let mut blocks = vec![self.title(head)];
        let find = |name: &str| self.limits.iter().flatten().find(|limit| limit.name == name);
        if let Some(clients) = find("max_client_conn") {
            let line = format!(
                "clients  {} of {} (max_client_conn)  {}",
                clients.used,
                clients.limit,
                text::percent(clients.used_ratio)
            );
            blocks.push(Block::marked(pools::mark_of(clients.used_ratio), line));
        }
        if let Some(first) = &self.first_limit {
            let (name, share) = (limits::named(first), text::percent(first.used_ratio));
            let line = format!("fullest limit  {name}, {} of {}  {share}", first.used, first.limit);
            blocks.push(Block::marked(pools::mark_of(first.used_ratio), line));
        }
        let pools = self.pools.as_deref().unwrap_or_default();
        blocks.extend(limits::used_up(pools, self.limits.as_deref().unwrap_or_default()));
        blocks.push(Block::Gap);
        if pools.is_empty() {
            blocks.push(Block::marked(Mark::Dim, "0 pools"));
        } else {
            blocks.push(Block::Table(pools::table(pools)));
        }
        let (databases, product) = (self.databases.as_deref().unwrap_or_default(), self.product());
        let why = |entry| pools::why_waiting(entry, databases, self.tells_user_limits, &product);
        blocks.extend(pools.iter().filter_map(why));
        blocks.extend(self.paused.iter().map(|name| {
            let resume = Command::pgconn("pooler resume").word(name).shown(&self.again);
            Block::marked(Mark::Bad, format!("! database {name} is paused: resume it with {resume}"))
        }));
        blocks.extend(self.disabled.iter().map(|name| {
            let enable = Command::pgconn("pooler enable").word(name).shown(&self.again);
            Block::marked(
                Mark::Bad,
                format!("! database {name} is disabled, new clients are refused: enable it with {enable}"),
            )
        }));
        if let Some(rates) = &self.rates {
            blocks.push(Block::Gap);
            blocks.push(Block::Table(Table::of(pools::RATES, rates, |_| Mark::Plain)));
        }
        blocks
    }
}

impl Report for PoolerReport {
    fn kind(&self) -> &'static str {
        "pooler"
    }

    fn lists(&self) -> Vec<List<'_>> {
        match self.view {
            View::Pools if self.rates.is_some() => {
                vec![List::new("pools", &self.pools), List::new("rates", &self.rates)]
            }
            View::Pools => vec![List::new("pools", &self.pools)],
            View::Clients => vec![List::new("clients", &self.clients)],
            View::Servers => vec![List::new("servers", &self.servers)],
            View::Join => vec![List::new("join", &self.join)],
            View::Act => Vec::new(),
        }
    }

    fn blocks(&self, head: &Head) -> Vec<Block<'_>> {
        match self.view {
            View::Pools => self.of_its_pools(head),
            View::Clients => connections::clients(self.clients.as_deref().unwrap_or_default(), self.part),
            View::Servers => connections::servers(self.servers.as_deref().unwrap_or_default(), self.part),
            View::Join => connections::join(self.join.as_deref().unwrap_or_default(), self.part),
            View::Act => self.act.as_ref().map(PoolerAct::blocks).unwrap_or_default(),
        }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let links = [&self.clients, &self.servers, &self.join].into_iter().flatten().flatten();
        match (&self.pools, &self.act) {
            (Some(pools), _) => pools::tsv(pools),
            (None, Some(act)) => act.tsv(),
            (None, None) => connections::tsv(links),
        }
    }
}
