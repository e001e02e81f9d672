//! Several services on one server: how a service is written, and how the budget is split by weight.

use super::refused::Refused;

/// One service that opens pools on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its name; sessions of the same application_name are counted against it.
    pub(crate) name: String,
    /// Copies of it that run at once, before any rollout surge.
    pub(crate) instances: u64,
    /// The fewest copies of it, when their number moves.
    pub(crate) instances_from: Option<u64>,
    /// Processes in each copy, each with a pool of its own.
    pub(crate) processes: u64,
    /// Its share of the budget, relative to the other services' weights.
    pub(crate) weight: u64,
    /// Tasks that run at once in one of its processes, when that is its own number.
    pub(crate) threads: Option<u64>,
    /// Connections that one of its tasks holds at once, when that is its own number.
    pub(crate) connections_per_task: Option<u64>,
}

impl Service {
    /// A service with one process in each instance, of weight 1.
    pub(crate) fn new(name: impl Into<String>, instances: InstanceCount) -> Self {
        Self {
            name: name.into(),
            instances: instances.to,
            instances_from: instances.from,
            processes: 1,
            weight: 1,
            threads: None,
            connections_per_task: None,
        }
    }
}

/// How many copies run at once: a number, or a range of which the end is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceCount {
    /// The fewest, when the number moves.
    pub(crate) from: Option<u64>,
    /// The most.
    pub(crate) to: u64,
}

impl InstanceCount {
    /// A number that does not move.
    pub(crate) const fn fixed(to: u64) -> Self {
        Self { from: None, to }
    }

    /// Reads `8` or `3..40`. Errors say what is wanted.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "write a whole number, or a range like 3..40".to_owned();
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wanted());
        match text.split_once("..") {
            None => Ok(Self::fixed(number(text)?)),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                if from == 0 || from > to { Err(wanted()) } else { Ok(Self { from: Some(from), to }) }
            }
        }
    }
}

/// Reads `NAME=INSTANCES[xPROCESSES][@WEIGHT]`, as in `api=8x4@3`. Processes and weight are 1 when not given.
pub(crate) fn parse(text: &str) -> Result<Service, Refused> {
    let wrong = |what: &str| {
        Refused::new(
            format!("{what} in service \"{text}\""),
            "write NAME=INSTANCES[xPROCESSES][@WEIGHT], as in api=8x4@3",
        )
    };
    // From the right, because a name may hold an equals sign or an at sign and the counts may not.
    let (name, counts) = text.rsplit_once('=').ok_or_else(|| wrong("no instances"))?;
    if name.trim().is_empty() {
        return Err(wrong("no name"));
    }
    let (counts, weight) = match counts.split_once('@') {
        Some((counts, weight)) => (counts, weight.parse().map_err(|_| wrong("no number for the weight"))?),
        None => (counts, 1),
    };
    let (instances, processes) = match counts.split_once(['x', 'X']) {
        Some((instances, processes)) => {
            (instances, processes.parse().map_err(|_| wrong("no number for the processes"))?)
        }
        None => (counts, 1),
    };
    let instances = InstanceCount::parse(instances).map_err(|_| wrong("no number for the instances"))?;
    if instances.to == 0 || processes == 0 {
        return Err(wrong("instances and processes must be at least 1"));
    }
    Ok(Service { processes, weight, ..Service::new(name.trim(), instances) })
}

/// The share of `whole` that each weight gets, each rounded down so that the shares never exceed the whole and
/// no line depends on another. Errors when all weights are 0.
pub(crate) fn split(whole: u64, weights: &[u64]) -> Result<Vec<u64>, Refused> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return Err(Refused::plain("the weights of the services add up to 0".to_owned()));
    }
    Ok(weights
        .iter()
        .map(|weight| u64::try_from(u128::from(whole) * u128::from(*weight) / sum).unwrap_or(whole))
        .collect())
}

/// The smallest whole of which each weight's share is at least its need, or `None` when there is none. Solves
/// [`split`] backwards: `max(ceil(need × weights / weight))`.
pub(crate) fn whole(needs: &[u64], weights: &[u64]) -> Option<u64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    needs.iter().zip(weights).filter(|(need, _)| **need > 0).try_fold(0, |whole: u64, (need, weight)| {
        let parts = u128::from(*need).checked_mul(sum)?;
        let weight = u128::from(*weight);
        let least = parts.checked_div(weight)? + u128::from(!parts.is_multiple_of(weight));
        Some(whole.max(u64::try_from(least).ok()?))
    })
}

#[cfg(test)]
mod tests;
