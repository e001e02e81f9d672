//! Hosted PostgreSQL services: what they keep for themselves, and where their poolers listen.

use super::Mode;

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
    direct: &'static str,
    transaction: Option<&'static str>,
    session: Option<&'static str>,
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
}

/// The services known, with sources: supabase.github.io/supavisor and supabase.com docs (Supavisor has named
/// statements only behind a flag), neon.com/docs/connect/connection-pooling, docs.aws.amazon.com (RDS keeps 3 + 2),
/// learn.microsoft.com concepts-limits (15), DigitalOcean's limits (3), docs.crunchybridge.com.
pub(crate) const ALL: [Provider; 6] = [
    Provider {
        name: "supabase",
        title: "Supabase",
        reserved_slots: 3,
        prepared_statements: false,
        own_roles: &["supabase_admin", "supabase_replication_admin", "supabase_read_only_user"],
        direct: "Supabase's direct connection, port 5432 of db.PROJECT.supabase.co",
        transaction: Some("Supabase's transaction pooler, port 6543"),
        session: Some("Supabase's session pooler, port 5432 of the pooler's host"),
    },
    Provider {
        name: "neon",
        title: "Neon",
        reserved_slots: 7,
        prepared_statements: true,
        own_roles: &["cloud_admin"],
        direct: "Neon's direct host, the one without -pooler",
        transaction: Some("Neon's pooled host, the one with -pooler"),
        session: None,
    },
    Provider {
        name: "rds",
        title: "RDS",
        reserved_slots: 5,
        prepared_statements: false,
        own_roles: &["rdsadmin", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser"],
        direct: "the endpoint of the RDS instance or Aurora cluster",
        transaction: Some("the endpoint of the RDS Proxy (SET and prepared statements pin a connection)"),
        session: None,
    },
    Provider {
        name: "azure",
        title: "Azure",
        reserved_slots: 15,
        prepared_statements: true,
        own_roles: &["azuresu", "azure_superuser"],
        direct: "Azure's server, port 5432",
        transaction: Some("Azure's built-in PgBouncer, port 6432"),
        session: None,
    },
    Provider {
        name: "digitalocean",
        title: "DigitalOcean",
        reserved_slots: 3,
        prepared_statements: true,
        own_roles: &["_doadmin_managed", "_dodb"],
        direct: "DigitalOcean's database cluster",
        transaction: Some("DigitalOcean's connection pool, its own address in the control panel"),
        session: Some("DigitalOcean's connection pool, created in session mode"),
    },
    Provider {
        name: "crunchy",
        title: "Crunchy Bridge",
        reserved_slots: 3,
        prepared_statements: true,
        own_roles: &["ccp_monitoring", "crunchy_replication"],
        direct: "Crunchy Bridge's cluster, port 5432",
        transaction: Some("Crunchy Bridge's PgBouncer, port 5431"),
        session: None,
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
}
