//! Hosted PostgreSQL services: what they keep for themselves, how they choose max_connections, and what their poolers
//! let one set.

use super::Mode;
use crate::analyze::sizing::provided::PoolerSetting;
use crate::analyze::sizing::{Provided, ProvidedPooler};

/// One hosted service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// The word for `--provider`.
    pub(crate) name: &'static str,
    /// What it calls itself.
    pub(crate) title: &'static str,
    /// Slots of max_connections that customers' roles cannot use, PostgreSQL's own reserve included.
    pub(crate) reserved_slots: u64,
    /// Whether its transaction pooler can keep named prepared statements at all.
    pub(crate) prepared_statements: bool,
    /// The roles that it keeps for itself: what they do is not the customer's to change.
    own_roles: &'static [&'static str],
    /// Whether what a session changes makes its pooler keep one server connection for it from then on.
    pub(crate) pins_sessions: bool,
    direct: &'static str,
    transaction: Option<&'static str>,
    session: Option<&'static str>,
    default: MaxConnections,
    pooler: ProvidedPooler,
}

/// How a service chooses max_connections.
#[derive(Debug, PartialEq, Eq)]
enum MaxConnections {
    /// So many, whatever the size.
    Always(u64),
    /// So many for each GiB, rounded down.
    PerGib(u64),
    /// One for so many bytes, rounded down, and at most so many.
    PerBytes(u64, u64),
    /// From so many MiB on, so many, and so many clients of its pooler where they are known.
    Steps(&'static [(u64, u64, Option<u64>)]),
    /// One for so many bytes of memory that is counted in GB of 10⁹ bytes, up to the second last of these; from so many GiB on,
    /// so many.
    Neon,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Supabase's compute sizes: Nano, Micro, Small, Medium, Large, XL, 2XL, 4XL, 8XL, 12XL, 16XL, with the clients of the pooler.
const SUPABASE: [(u64, u64, Option<u64>); 11] = [
    (512, 60, Some(200)),
    (1024, 60, Some(200)),
    (2 * 1024, 90, Some(400)),
    (4 * 1024, 120, Some(600)),
    (8 * 1024, 160, Some(800)),
    (16 * 1024, 240, Some(1000)),
    (32 * 1024, 380, Some(1500)),
    (64 * 1024, 480, Some(3000)),
    (128 * 1024, 490, Some(6000)),
    (192 * 1024, 500, Some(9000)),
    (256 * 1024, 500, Some(12_000)),
];

/// Azure's Flexible Server.
const AZURE: [(u64, u64, Option<u64>); 6] = [
    (2 * 1024, 50, None),
    (4 * 1024, 429, None),
    (8 * 1024, 859, None),
    (16 * 1024, 1718, None),
    (32 * 1024, 3437, None),
    (48 * 1024, 5000, None),
];

/// Bytes of memory for one connection, on RDS and on Neon.
const BYTES_PER_CONNECTION: u64 = 9_531_392;

impl MaxConnections {
    /// For a server with so much memory; `None` when that is not known, or smaller than any there is.
    fn of(&self, memory: Option<u64>) -> Option<u64> {
        if let Self::Always(number) = self {
            return Some(*number);
        }
        let memory = memory?;
        let number = match self {
            Self::Always(number) => *number,
            Self::PerGib(number) => (memory / GIB).checked_mul(*number)?,
            Self::PerBytes(bytes, most) => (memory / bytes).min(*most),
            Self::Steps(steps) => Self::step(steps, memory)?.1,
            // 0.25 to 8 CU have 4 GB each; from 9 CU on the number is always the same.
            Self::Neon if memory >= 36 * GIB => 4000,
            Self::Neon => {
                let gigabytes = u128::from(memory.min(32 * GIB)) * 1_000_000_000 / u128::from(GIB);
                u64::try_from(gigabytes / u128::from(BYTES_PER_CONNECTION)).ok()?
            }
        };
        Some(number).filter(|number| *number > 0)
    }

    fn step(
        steps: &'static [(u64, u64, Option<u64>)],
        memory: u64,
    ) -> Option<&'static (u64, u64, Option<u64>)> {
        steps.iter().rev().find(|(from, ..)| memory >= from.saturating_mul(MIB))
    }

    /// Clients that the pooler accepts beside a server with so much memory.
    fn clients(&self, memory: Option<u64>) -> Option<u64> {
        match self {
            Self::Steps(steps) => Self::step(steps, memory?)?.2,
            _ => None,
        }
    }

    /// How it is chosen, as `RDS's …`.
    const fn rule(&self) -> &'static str {
        match self {
            Self::Always(_) => "default for every size",
            Self::PerGib(_) => "default for this memory, 25 for each GiB",
            Self::PerBytes(..) => {
                "default for this memory, LEAST(DBInstanceClassMemory / 9531392, 5000), an upper estimate: the service takes \
                 some of the memory first"
            }
            Self::Steps(_) | Self::Neon => "default for this memory, by its table of sizes",
        }
    }
}

impl Provider {
    /// Which of the provider's addresses to use, or `None` when it has none for this mode.
    pub(crate) const fn where_to_connect(&self, mode: Mode) -> Option<&'static str> {
        match mode {
            Mode::Direct => Some(self.direct),
            Mode::Transaction => self.transaction,
            Mode::Session => self.session,
        }
    }

    /// What it decides about a server with so many bytes of memory.
    pub(crate) fn provided(&self, memory: Option<u64>) -> Provided {
        let client_limit = self.pooler.client_limit.or_else(|| self.default.clients(memory));
        Provided {
            title: self.title,
            max_connections_rule: self.default.rule(),
            max_connections: self.default.of(memory),
            pooler: ProvidedPooler { client_limit, ..self.pooler },
        }
    }
}

/// The services known, with sources: supabase.github.io/supavisor and supabase.com docs (Supavisor has named
/// statements only behind a flag), neon.com/docs/connect/connection-pooling, docs.aws.amazon.com CHAP_Limits and
/// rds-proxy-connections (RDS keeps 3 + 2), learn.microsoft.com concepts-limits (15) and server-parameters-table-pgbouncer,
/// DigitalOcean's limits (3), docs.crunchybridge.com; the sizes are those of supabase's compute-and-disk page.
pub(crate) const ALL: [Provider; 6] = [
    Provider {
        name: "supabase",
        title: "Supabase",
        reserved_slots: 3,
        prepared_statements: false,
        own_roles: &["supabase_admin", "supabase_replication_admin", "supabase_read_only_user"],
        pins_sessions: false,
        direct: "Supabase's direct connection, port 5432 of db.PROJECT.supabase.co",
        transaction: Some("Supabase's transaction pooler, port 6543"),
        session: Some("Supabase's session pooler, port 5432 of the pooler's host"),
        default: MaxConnections::Steps(&SUPABASE),
        pooler: ProvidedPooler {
            name: "Supabase's Supavisor",
            place: "port 6543",
            setting: PoolerSetting::Connections("Pool Size"),
            remark: Some(
                "at most 40 % of max_connections where its Data API is in use, and its PgBouncer opens as many again",
            ),
            client_limit: None,
        },
    },
    Provider {
        name: "neon",
        title: "Neon",
        reserved_slots: 7,
        prepared_statements: true,
        own_roles: &["cloud_admin"],
        pins_sessions: false,
        direct: "Neon's direct host, the one without -pooler",
        transaction: Some("Neon's pooled host, the one with -pooler"),
        session: None,
        default: MaxConnections::Neon,
        pooler: ProvidedPooler {
            name: "Neon's PgBouncer",
            place: "the host with -pooler",
            setting: PoolerSetting::Fixed(90),
            remark: None,
            client_limit: Some(10_000),
        },
    },
    Provider {
        name: "rds",
        title: "RDS",
        reserved_slots: 5,
        prepared_statements: false,
        own_roles: &["rdsadmin", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser"],
        pins_sessions: true,
        direct: "the endpoint of the RDS instance or Aurora cluster",
        transaction: Some("the endpoint of the RDS Proxy (SET and prepared statements pin a connection)"),
        session: None,
        default: MaxConnections::PerBytes(BYTES_PER_CONNECTION, 5000),
        pooler: ProvidedPooler {
            name: "RDS Proxy",
            place: "the proxy's endpoint",
            setting: PoolerSetting::Percent("MaxConnectionsPercent"),
            remark: Some("SET and prepared statements pin a connection there"),
            client_limit: None,
        },
    },
    Provider {
        name: "azure",
        title: "Azure",
        reserved_slots: 15,
        prepared_statements: true,
        own_roles: &["azuresu", "azure_superuser"],
        pins_sessions: false,
        direct: "Azure's server, port 5432",
        transaction: Some("Azure's built-in PgBouncer, port 6432"),
        session: None,
        default: MaxConnections::Steps(&AZURE),
        pooler: ProvidedPooler {
            name: "Azure's built-in PgBouncer",
            place: "port 6432",
            setting: PoolerSetting::Connections("pgbouncer.default_pool_size"),
            remark: Some("burstable servers have none"),
            client_limit: None,
        },
    },
    Provider {
        name: "digitalocean",
        title: "DigitalOcean",
        reserved_slots: 3,
        prepared_statements: true,
        own_roles: &["_doadmin_managed", "_dodb"],
        pins_sessions: false,
        direct: "DigitalOcean's database cluster",
        transaction: Some("DigitalOcean's connection pool, its own address in the control panel"),
        session: Some("DigitalOcean's connection pool, created in session mode"),
        default: MaxConnections::PerGib(25),
        pooler: ProvidedPooler {
            name: "DigitalOcean's connection pool",
            place: "its own port",
            setting: PoolerSetting::Connections("size"),
            remark: None,
            client_limit: None,
        },
    },
    Provider {
        name: "crunchy",
        title: "Crunchy Bridge",
        reserved_slots: 3,
        prepared_statements: true,
        own_roles: &["ccp_monitoring", "crunchy_replication"],
        pins_sessions: false,
        direct: "Crunchy Bridge's cluster, port 5432",
        transaction: Some("Crunchy Bridge's PgBouncer, port 5431"),
        session: None,
        default: MaxConnections::Always(500),
        pooler: ProvidedPooler {
            name: "Crunchy Bridge's PgBouncer",
            place: "port 5431",
            setting: PoolerSetting::Unknown,
            remark: None,
            client_limit: None,
        },
    },
];

/// The roles that Google Cloud SQL keeps for itself (cloud.google.com/sql/docs/postgres/users).
const CLOUD_SQL_ROLES: [&str; 4] =
    ["cloudsqladmin", "cloudsqlagent", "cloudsqlreplica", "cloudsqlimportexport"];

/// Whether a hosted service keeps this role for itself.
pub(crate) fn keeps(role: &str) -> bool {
    CLOUD_SQL_ROLES.contains(&role) || ALL.iter().any(|provider| provider.own_roles.contains(&role))
}

/// The provider of this name.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    ALL.iter().find(|provider| provider.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_a_transaction_pooler() {
        for provider in &ALL {
            assert!(provider.where_to_connect(Mode::Transaction).is_some(), "{}", provider.name);
            assert!(provider.reserved_slots >= 3, "{}", provider.name);
        }
        assert!(keeps("rdsadmin") && keeps("cloudsqladmin") && !keeps("postgres") && !keeps("app"));
        assert_eq!(find("neon").unwrap().reserved_slots, 7);
        assert!(find("nobody").is_none());
    }

    #[test]
    fn max_connections_is_that_of_the_provider_s_table() {
        let of = |name: &str, mib: u64| find(name).unwrap().provided(Some(mib * MIB)).max_connections;
        for (name, mib, expected) in [
            ("rds", 1024, Some(112)),
            ("rds", 64 * 1024, Some(5000)),
            ("neon", 1024, Some(104)),
            ("neon", 32 * 1024, Some(3357)),
            ("neon", 35 * 1024, Some(3357)),
            ("neon", 36 * 1024, Some(4000)),
            ("supabase", 511, None),
            ("supabase", 1024, Some(60)),
            ("azure", 1024, None),
            ("azure", 2048, Some(50)),
            ("digitalocean", 1024, Some(25)),
            ("digitalocean", 512, None),
            ("crunchy", 1, Some(500)),
        ] {
            assert_eq!(of(name, mib), expected, "{name} {mib} MiB");
        }
        assert_eq!(find("rds").unwrap().provided(None).max_connections, None);
        assert_eq!(find("supabase").unwrap().provided(Some(GIB)).pooler.client_limit, Some(200));
    }

    proptest::proptest! {
        #[test]
        fn no_provider_gives_more_memory_fewer_connections(memory: u64, more: u64, index in 0..ALL.len()) {
            let of = |memory: u64| ALL[index].provided(Some(memory)).max_connections.unwrap_or(0);
            proptest::prop_assert!(of(memory.saturating_add(more)) >= of(memory), "{}", ALL[index].name);
        }
    }
}
