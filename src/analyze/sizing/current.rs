//! What runs today against the server's slots: the worst case, and what to change first.

use serde::Serialize;

use super::arithmetic::{self, Budget};
use super::refused::Refused;
use super::request::{CurrentPool, SizeRequest};
use super::services::InstanceCount;

/// Reads `NAME=INSTANCES[xPROCESSES]:POOL`, as in `web=12:10`. Processes are 1 when not given.
pub(crate) fn parse(text: &str) -> Result<CurrentPool, Refused> {
    let wrong = |what: &str| {
        Refused::new(
            format!("{what} in \"{text}\""),
            "write NAME=INSTANCES[xPROCESSES]:POOL, as in web=12:10 or worker=5x2:25",
        )
    };
    let (name, counts) = text.rsplit_once('=').ok_or_else(|| wrong("no instances"))?;
    if name.trim().is_empty() {
        return Err(wrong("no name"));
    }
    let (counts, pool) = counts.rsplit_once(':').ok_or_else(|| wrong("no pool"))?;
    let (instances, processes) = counts.split_once(['x', 'X']).unwrap_or((counts, "1"));
    let number = |what: &str, text: &str| text.trim().parse::<u64>().map_err(|_| wrong(what));
    let instances = InstanceCount::parse(instances).map_err(|_| wrong("no number for the instances"))?;
    let processes = number("no number for the processes", processes)?;
    let pool = number("no number for the pool", pool)?;
    if instances.to == 0 || processes == 0 || pool == 0 {
        return Err(wrong("instances, processes and pool must be at least 1"));
    }
    Ok(CurrentPool { name: name.trim().to_owned(), instances, processes, pool })
}

/// Whether today's pools fit the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Beside the reserve.
    Fits,
    /// Only with slots that are to be kept back.
    TakesReserve,
    /// Some are refused when all are full.
    TooMany,
}

/// One application's pools, all full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CurrentService {
    /// Its name.
    pub(crate) name: String,
    /// Pools that exist at once, a rollout's surge included.
    pub(crate) pool_count: u64,
    /// The most that each may open.
    pub(crate) pool: u64,
    /// `pool_count × pool`.
    pub(crate) connections: u64,
}

/// What runs today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Current {
    /// Whether it fits.
    pub(crate) verdict: Verdict,
    /// Connections when every pool is full.
    pub(crate) worst_case: u64,
    /// Slots that ordinary roles can take.
    pub(crate) usable: u64,
    /// Slots that pools may take beside the reserve.
    pub(crate) budget: u64,
    /// The applications, as given.
    pub(crate) services: Vec<CurrentService>,
    /// What to change first so that it fits beside the reserve; null when it does.
    pub(crate) change_first: Option<String>,
    #[serde(skip)]
    max_connections: u64,
}

impl Current {
    /// The worst case and whether it fits, in one line.
    pub(crate) fn words(&self) -> String {
        let Self { worst_case, usable, budget, max_connections, .. } = self;
        let terms: Vec<String> = self.services.iter().map(CurrentService::words).collect();
        let most = format!("at most {} ({})", connections(*worst_case), terms.join(", "));
        match self.verdict {
            Verdict::Fits => format!("{most}, which fit the budget of {budget}"),
            Verdict::TakesReserve => format!(
                "{most}, of which {} take slots that are to be kept back: the budget is {budget}",
                worst_case.saturating_sub(*budget)
            ),
            Verdict::TooMany => format!(
                "{most}, but max_connections {max_connections} leaves {usable}: {} are refused at the peak",
                worst_case.saturating_sub(*usable)
            ),
        }
    }
}

impl CurrentService {
    fn words(&self) -> String {
        format!("{} {} × {} = {}", self.name, self.pool_count, self.pool, self.connections)
    }
}

fn connections(number: u64) -> String {
    if number == 1 { "1 connection".to_owned() } else { format!("{number} connections") }
}

/// Judges today's pools of `request`; `None` when it names none. Errors when they are too many to count.
pub(crate) fn judge(
    request: &SizeRequest,
    Budget { budget, .. }: Budget,
) -> Result<Option<Current>, Refused> {
    if request.current.is_empty() {
        return Ok(None);
    }
    let uncountable = || Refused::plain("the pools of today are too many to count".to_owned());
    let mut services = Vec::new();
    for of in &request.current {
        let peak = arithmetic::peak_instances(of.instances.to, request.surge_percent.value)?;
        let pool_count = arithmetic::pool_count(peak, of.processes)?;
        let connections = pool_count.checked_mul(of.pool).ok_or_else(uncountable)?;
        services.push(CurrentService { name: of.name.clone(), pool_count, pool: of.pool, connections });
    }
    let worst_case = services.iter().try_fold(0_u64, |sum, service| sum.checked_add(service.connections));
    let worst_case = worst_case.ok_or_else(uncountable)?;
    let max_connections = request.max_connections.value;
    let usable = max_connections.saturating_sub(request.reserved_slots.value);
    let verdict = match worst_case {
        fits if fits <= budget => Verdict::Fits,
        takes if takes <= usable => Verdict::TakesReserve,
        _ => Verdict::TooMany,
    };
    let change_first = worst_case.checked_sub(budget).filter(|over| *over > 0).map(|over| {
        let (percent, slots) = (request.reserve_percent.value, request.reserved_slots.value);
        let raised = arithmetic::required_max_connections(worst_case, percent, slots);
        change_first(&services, over, raised)
    });
    Ok(Some(Current { verdict, worst_case, usable, budget, services, change_first, max_connections }))
}

/// The application with the most connections, of those whose pools have so much, gives up what is too much.
fn change_first(services: &[CurrentService], over: u64, raised: Option<u64>) -> String {
    let raised = raised.map(|value| format!("max_connections to {value}"));
    let left = |service: &CurrentService| {
        let size = service.pool.checked_sub(over.div_ceil(service.pool_count.max(1)))?;
        Some(size).filter(|size| *size > 0)
    };
    let able = services.iter().filter_map(|service| Some((service, left(service)?)));
    let smaller = able
        .max_by_key(|(service, _)| service.connections)
        .map(|(service, size)| format!("{}'s pool from {} to {size}", service.name, service.pool));
    match (smaller, raised) {
        (Some(smaller), Some(raised)) => format!("{smaller}, or {raised}"),
        (Some(smaller), None) => smaller,
        (None, Some(raised)) => {
            format!("put a pooler in front, or {raised}: no single pool has so much to give")
        }
        (None, None) => "put a pooler in front: no single pool has so much to give".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::sizing::tests::request;

    fn judged(max_connections: u64, pools: &[&str]) -> Current {
        let mut request = request(8, 1);
        request.max_connections.value = max_connections;
        request.current = pools.iter().map(|text| parse(text).unwrap()).collect();
        let budget = arithmetic::budget(max_connections, 15, 3).unwrap();
        judge(&request, budget).unwrap().unwrap()
    }

    #[test]
    fn the_largest_gives_up_what_is_too_much() {
        let current = judged(200, &["web=12:10", "sidekiq=5:25"]);
        assert_eq!((current.verdict, current.worst_case, current.usable), (Verdict::TooMany, 245, 197));
        let change = current.change_first.unwrap();
        assert_eq!(change, "sidekiq's pool from 25 to 10, or max_connections to 289");
        assert_eq!(judged(289, &["web=12:10", "sidekiq=5:25"]).verdict, Verdict::Fits);
        assert_eq!(judged(200, &["web=12:10", "sidekiq=5:10"]).verdict, Verdict::Fits);
        // The largest has nothing to give, the other has.
        let change = judged(100, &["a=49:1", "b=10:4"]).change_first.unwrap();
        assert!(change.starts_with("b's pool from 4 to 3, or "), "{change}");
        let crowd = judged(100, &["a=200:1", "b=200:1"]).change_first.unwrap();
        assert!(crowd.starts_with("put a pooler in front, or max_connections to 471"), "{crowd}");
    }

    #[test]
    fn the_reserve_is_neither_free_nor_refused() {
        assert_eq!(judged(100, &["web=85:1"]).verdict, Verdict::Fits);
        assert_eq!(judged(100, &["web=86:1"]).verdict, Verdict::TakesReserve);
        assert_eq!(judged(100, &["web=97:1"]).verdict, Verdict::TakesReserve);
        assert_eq!(judged(100, &["web=98:1"]).verdict, Verdict::TooMany);
    }

    proptest::proptest! {
        /// What is proposed is enough, and one more would not be.
        #[test]
        fn the_change_fits_and_no_smaller_one_does(
            (instances, pool) in (1_u64..50, 1_u64..50),
            (others, other_pool) in (1_u64..50, 1_u64..50),
        ) {
            let pools = [format!("a={instances}:{pool}"), format!("b={others}:{other_pool}")];
            let names: Vec<&str> = pools.iter().map(String::as_str).collect();
            let current = judged(100, &names);
            let Some(change) = current.change_first else {
                proptest::prop_assert!(current.worst_case <= 85);
                return Ok(());
            };
            let raised = change.split("max_connections to ").nth(1).unwrap();
            let raised: String = raised.chars().take_while(char::is_ascii_digit).collect();
            let raised: u64 = raised.parse().unwrap();
            proptest::prop_assert_eq!(judged(raised, &names).verdict, Verdict::Fits);
            proptest::prop_assert!(judged(raised - 1, &names).verdict != Verdict::Fits);
            if let Some((name, size)) = change.split_once("'s pool from ") {
                let size: u64 = size.split(' ').nth(2).unwrap().trim_end_matches(',').parse().unwrap();
                let of = |size: u64| match name {
                    "a" => judged(100, &[&format!("a={instances}:{size}"), &pools[1]]),
                    _ => judged(100, &[&pools[0], &format!("b={others}:{size}")]),
                };
                proptest::prop_assert_eq!(of(size).verdict, Verdict::Fits);
                proptest::prop_assert!(of(size + 1).verdict != Verdict::Fits);
            }
        }
    }
}
