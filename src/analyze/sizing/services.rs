//! Several services on one server: how a service is written, and how the budget is split by weight.

use serde::Serialize;

use super::Refused;

/// One service that opens pools on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Service {
    /// Its name; sessions of the same application_name are counted against it.
    pub(crate) name: String,
    /// Copies of it that run at once, before any rollout surge.
    pub(crate) instances: u64,
    /// Processes in each copy, each with a pool of its own.
    pub(crate) processes: u64,
    /// Its share of the budget, relative to the other services' weights.
    pub(crate) weight: u64,
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
    let instances = instances.parse().map_err(|_| wrong("no number for the instances"))?;
    if instances == 0 || processes == 0 {
        return Err(wrong("instances and processes must be at least 1"));
    }
    Ok(Service { name: name.trim().to_owned(), instances, processes, weight })
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
