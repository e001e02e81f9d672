//! What a hosted service decides about its servers, as far as a plan depends on it, in plain numbers and words.

use serde::Serialize;

use super::pooler::Shape;

/// A hosted service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provided {
    /// What it calls itself.
    pub(crate) title: &'static str,
    /// How it chooses max_connections for the server's memory.
    pub(crate) max_connections_rule: &'static str,
    /// max_connections that it chooses; `None` when the memory is not known, or smaller than any it has.
    pub(crate) max_connections: Option<u64>,
    /// The pooler it has in transaction mode.
    pub(crate) pooler: ProvidedPooler,
}

/// What a hosted service's pooler lets its users set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolerSetting {
    /// The server connections of each pair of role and database, by this name.
    Connections(&'static str),
    /// A percentage of max_connections for all pairs together, by this name.
    Percent(&'static str),
    /// Nothing: each pair has this percentage of max_connections.
    Fixed(u64),
    /// It is not known.
    Unknown,
}

/// A hosted service's own pooler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProvidedPooler {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) place: &'static str,
    /// What can be set.
    pub(crate) setting: PoolerSetting,
    /// What to know before relying on it, as a clause.
    pub(crate) remark: Option<&'static str>,
    /// Client connections that it accepts, when that is known.
    pub(crate) client_limit: Option<u64>,
}

/// The settings of a hosted service's pooler for one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ProvidedPlan {
    /// What the pooler is called.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) connect_to: &'static str,
    /// What is set there; null when there is nothing to set, or it is not known.
    pub(crate) setting: Option<&'static str>,
    /// The value for it.
    pub(crate) setting_value: Option<u64>,
    /// The most server connections that it then opens.
    pub(crate) server_connections: u64,
    /// The size that its pool for each role and database has, where nobody can set one.
    #[serde(skip)]
    fixed: Option<u64>,
    #[serde(skip)]
    remark: Option<&'static str>,
}

impl ProvidedPooler {
    /// What to set for pools of `default_pool_size` on a server with so many `max_connections`. A percentage is rounded
    /// down, so that it never takes more than was planned; 1 is the least there is.
    pub(crate) fn plan(&self, default_pool_size: u64, shape: Shape, max_connections: u64) -> ProvidedPlan {
        let wanted = default_pool_size.saturating_mul(shape.pairs);
        let percent_of = |percent: u64| max_connections.saturating_mul(percent) / 100;
        let (setting, setting_value, server_connections) = match self.setting {
            PoolerSetting::Connections(name) => (Some(name), Some(default_pool_size), wanted),
            PoolerSetting::Percent(name) => {
                let percent = wanted.saturating_mul(100) / max_connections.max(1);
                let percent = percent.clamp(1, 100);
                (Some(name), Some(percent), percent_of(percent).max(1))
            }
            PoolerSetting::Fixed(percent) => (None, None, percent_of(percent).saturating_mul(shape.pairs)),
            PoolerSetting::Unknown => (None, None, wanted),
        };
        let fixed = match self.setting {
            PoolerSetting::Fixed(percent) => Some(percent_of(percent)),
            _ => None,
        };
        let Self { name, place: connect_to, remark, .. } = *self;
        ProvidedPlan { name, connect_to, setting, setting_value, server_connections, fixed, remark }
    }
}

impl ProvidedPlan {
    /// What to do about it, as a clause: `use RDS Proxy, the proxy's endpoint, with MaxConnectionsPercent 17: …`.
    pub(crate) fn recommendation(&self) -> String {
        let (name, place) = (self.name, self.connect_to);
        let set = match (self.setting, self.setting_value) {
            (Some(setting), Some(value)) => {
                format!(" with {setting} {value}: at most {}", connections(self.server_connections))
            }
            _ => match self.fixed {
                Some(size) => fixed_words(size),
                None => format!(" for at most {}", connections(self.server_connections)),
            },
        };
        let between = if self.fixed.is_some() { ";" } else { "," };
        let remark = self.remark.map_or_else(String::new, |remark| format!("; {remark}"));
        format!("use {name}, {place}{between}{set}{remark}")
    }

    /// What bounds the server, as a sentence for a file's comment.
    pub(crate) fn sentence(&self) -> String {
        match (self.setting, self.setting_value) {
            (Some(setting), Some(value)) => format!(
                "{}: set {setting} to {value}; then at most {}.",
                self.name,
                connections(self.server_connections)
            ),
            _ => match self.fixed {
                Some(size) => format!("{}:{}.", self.name, fixed_words(size)),
                None => {
                    format!("{}: planned for at most {}.", self.name, connections(self.server_connections))
                }
            },
        }
    }
}

fn fixed_words(size: u64) -> String {
    format!(" its pool is fixed at {} for each role and database", connections(size))
}

fn connections(number: u64) -> String {
    if number == 1 { "1 server connection".to_owned() } else { format!("{number} server connections") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooler(setting: PoolerSetting) -> ProvidedPooler {
        ProvidedPooler { name: "P", place: "its port", setting, remark: None, client_limit: None }
    }

    #[test]
    fn a_percentage_is_rounded_down_and_never_0() {
        let shape = Shape { processes: 1, pairs: 1, reserve: 0 };
        let percent = |size, max| pooler(PoolerSetting::Percent("Max")).plan(size, shape, max);
        for (size, max, value, connections) in [
            (17, 100, 17, 17),
            (17, 901, 1, 9),
            (5, 5000, 1, 50),
            (9, 901, 1, 9),
            (1, 10, 10, 1),
            (1, 99, 1, 1),
        ] {
            let plan = percent(size, max);
            assert_eq!(
                (plan.setting_value, plan.server_connections),
                (Some(value), connections),
                "{size} of {max}"
            );
        }
    }

    #[test]
    fn a_pool_that_cannot_be_set_is_said_as_it_is() {
        let shape = Shape { processes: 1, pairs: 2, reserve: 0 };
        let plan = pooler(PoolerSetting::Fixed(90)).plan(9, shape, 104);
        assert_eq!((plan.setting, plan.server_connections), (None, 2 * 93));
        assert_eq!(
            plan.sentence(),
            "P: its pool is fixed at 93 server connections for each role and database."
        );
    }
}
