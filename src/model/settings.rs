//! The settings that limit how long something may take, and where their values are stored.

use serde::Serialize;

/// A setting that pgconn knows. Only these are shown and changed: PostgreSQL itself stores any dotted name unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// `statement_timeout`
    Statement,
    /// `lock_timeout`
    Lock,
    /// `idle_in_transaction_session_timeout`
    IdleInTransaction,
    /// `idle_session_timeout`
    IdleSession,
    /// `transaction_timeout`
    Transaction,
    /// `client_connection_check_interval`
    ClientCheck,
    /// `deadlock_timeout`
    Deadlock,
    /// `tcp_user_timeout`
    TcpUser,
    /// `tcp_keepalives_idle`
    KeepalivesIdle,
    /// `tcp_keepalives_interval`
    KeepalivesInterval,
    /// `tcp_keepalives_count`
    KeepalivesCount,
}

/// What a setting's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingUnit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Things, not time.
    Count,
}

impl Setting {
    /// The timeouts proper, in the order in which they are shown.
    pub(crate) const TIMEOUTS: &[Self] = &[
        Self::Statement,
        Self::Lock,
        Self::IdleInTransaction,
        Self::IdleSession,
        Self::Transaction,
        Self::ClientCheck,
    ];

    /// Every one, in the order in which they are shown.
    pub(crate) const ALL: &[Self] = &[
        Self::Statement,
        Self::Lock,
        Self::IdleInTransaction,
        Self::IdleSession,
        Self::Transaction,
        Self::ClientCheck,
        Self::Deadlock,
        Self::TcpUser,
        Self::KeepalivesIdle,
        Self::KeepalivesInterval,
        Self::KeepalivesCount,
    ];

    /// PostgreSQL's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement_timeout",
            Self::Lock => "lock_timeout",
            Self::IdleInTransaction => "idle_in_transaction_session_timeout",
            Self::IdleSession => "idle_session_timeout",
            Self::Transaction => "transaction_timeout",
            Self::ClientCheck => "client_connection_check_interval",
            Self::Deadlock => "deadlock_timeout",
            Self::TcpUser => "tcp_user_timeout",
            Self::KeepalivesIdle => "tcp_keepalives_idle",
            Self::KeepalivesInterval => "tcp_keepalives_interval",
            Self::KeepalivesCount => "tcp_keepalives_count",
        }
    }

    /// The short word for the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Lock => "lock",
            Self::IdleInTransaction => "idle-in-transaction",
            Self::IdleSession => "idle-session",
            Self::Transaction => "transaction",
            Self::ClientCheck => "client-check",
            Self::Deadlock => "deadlock",
            Self::TcpUser => "tcp-user",
            Self::KeepalivesIdle => "keepalives-idle",
            Self::KeepalivesInterval => "keepalives-interval",
            Self::KeepalivesCount => "keepalives-count",
        }
    }

    /// The major version that brought it; 0 for those that all supported versions have.
    pub(crate) const fn since(self) -> i32 {
        match self {
            Self::IdleSession | Self::ClientCheck => 14,
            Self::Transaction => 17,
            _ => 0,
        }
    }

    /// What its number counts.
    pub(crate) const fn unit(self) -> SettingUnit {
        match self {
            Self::KeepalivesIdle | Self::KeepalivesInterval => SettingUnit::Seconds,
            Self::KeepalivesCount => SettingUnit::Count,
            _ => SettingUnit::Milliseconds,
        }
    }

    /// What 0 means: nothing is limited. Otherwise 0 stands for the operating system's own value.
    pub(crate) const fn zero_is_off(self) -> bool {
        !matches!(
            self,
            Self::TcpUser | Self::KeepalivesIdle | Self::KeepalivesInterval | Self::KeepalivesCount
        )
    }

    /// The one with PostgreSQL's `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.name() == name)
    }
}

/// Where a value comes from; the more specific one wins, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// `ALTER ROLE … IN DATABASE … SET`
    RoleInDatabase,
    /// `ALTER ROLE … SET`
    Role,
    /// `ALTER DATABASE … SET`
    Database,
    /// `ALTER ROLE ALL SET`
    AllRoles,
    /// The server's configuration files or command line.
    Server,
    /// Nowhere set: what PostgreSQL was built with.
    Default,
}

impl Level {
    /// As JSON spells it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::RoleInDatabase => "role_in_database",
            Self::Role => "role",
            Self::Database => "database",
            Self::AllRoles => "all_roles",
            Self::Server => "server",
            Self::Default => "default",
        }
    }
}

/// A value stored for a role, a database, a role in a database, or (both none) for all roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Of which setting.
    pub(crate) setting: Setting,
    /// For which role.
    pub(crate) role: Option<String>,
    /// In which database.
    pub(crate) database: Option<String>,
    /// As it is stored: `5s`, `5000`.
    pub(crate) raw: String,
    /// The stored value as an SQL literal, quoted by the server.
    pub(crate) literal: String,
}

/// A setting of the server itself, as far as this session can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtServer {
    /// Which.
    pub(crate) setting: Setting,
    /// In the setting's unit; none when this session's own stored values hide what the server has.
    pub(crate) value: Option<i64>,
    /// [`Level::Server`] or [`Level::Default`]; the former when unknown.
    pub(crate) level: Level,
    /// True when it stands on the server's command line, which wins over every configuration file.
    pub(crate) command_line: bool,
    /// The smallest value it takes.
    pub(crate) least: i64,
    /// The largest value it takes.
    pub(crate) most: i64,
}

/// What is set where: enough to say what any new session gets.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerSettings {
    /// The settings this server knows, as it has them.
    pub(crate) server: Vec<AtServer>,
    /// What is stored for roles and databases.
    pub(crate) stored: Vec<Stored>,
}

/// The value that a new session gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Effective {
    /// PostgreSQL's name of the setting.
    pub(crate) name: &'static str,
    /// The session's role; none for every role that is not listed beside it.
    pub(crate) role: Option<String>,
    /// The session's database; none for every database that is not listed beside it.
    pub(crate) database: Option<String>,
    /// Seconds, 0 for off; none when unknown, and for a setting that is no time.
    pub(crate) value_seconds: Option<f64>,
    /// As SHOW says it: `30s`, `0`; none when unknown.
    pub(crate) value: Option<String>,
    /// Where it comes from; none when unknown.
    pub(crate) set_by: Option<Level>,
    /// False when this session cannot tell what the server's configuration says.
    pub(crate) server_value_known: bool,
}

/// Where a value is to be stored or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `ALTER ROLE … IN DATABASE …`
    RoleInDatabase {
        /// The role.
        role: String,
        /// The database.
        database: String,
    },
    /// `ALTER ROLE …`
    Role(String),
    /// `ALTER DATABASE …`
    Database(String),
    /// `ALTER ROLE ALL`
    AllRoles,
    /// `ALTER SYSTEM`
    System,
}

impl Scope {
    /// The role it names.
    pub(crate) fn role(&self) -> Option<&str> {
        match self {
            Self::RoleInDatabase { role, .. } | Self::Role(role) => Some(role),
            _ => None,
        }
    }

    /// The database it names.
    pub(crate) fn database(&self) -> Option<&str> {
        match self {
            Self::RoleInDatabase { database, .. } | Self::Database(database) => Some(database),
            _ => None,
        }
    }
}

/// A setting and the value it is to have; none takes the stored value away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Which.
    pub(crate) setting: Setting,
    /// In the setting's unit.
    pub(crate) value: Option<i64>,
}

/// The role or database that a change is for, and what this role may do to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeContext {
    /// The named role, when there is one and it exists.
    pub(crate) role: Option<ChangedRole>,
    /// The named database, when there is one and it exists.
    pub(crate) database: Option<ChangedDatabase>,
    /// May set parameters that need it for others (`SET` on each privileged setting of the change).
    pub(crate) may_set: bool,
    /// May write each setting of the change with ALTER SYSTEM.
    pub(crate) may_alter_system: bool,
    /// May call `pg_reload_conf()`.
    pub(crate) may_reload: bool,
    /// May read `pg_file_settings`.
    pub(crate) sees_files: bool,
    /// A managed service, by the role that it gives its customers.
    pub(crate) service: Option<String>,
}

/// A role that is to get a setting.
#[derive(Clone, Debug)]
pub(crate) struct ChangedRole {
    /// Its name as SQL, quoted by the server.
    pub(crate) identifier: String,
    /// Has SUPERUSER.
    pub(crate) superuser: bool,
    /// Has REPLICATION.
    pub(crate) replication: bool,
    /// Has LOGIN.
    pub(crate) can_login: bool,
    /// Is the role that would make the change.
    pub(crate) own: bool,
    /// This role has ADMIN OPTION on it.
    pub(crate) admin: bool,
    /// Owns objects in some database: what changes their definition runs as it.
    pub(crate) owns_objects: bool,
}

/// A database that is to get a setting.
#[derive(Clone, Debug)]
pub(crate) struct ChangedDatabase {
    /// Its name as SQL, quoted by the server.
    pub(crate) identifier: String,
    /// Its owner.
    pub(crate) owner: String,
    /// This role has the owner's privileges.
    pub(crate) owned: bool,
}

/// What `postgresql.auto.conf`, the file that ALTER SYSTEM writes, says about a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InFile {
    /// Nothing.
    Absent,
    /// This, quoted by the server.
    Literal(String),
    /// This role may not read it.
    Unknown,
}

/// Client sessions of one application as one role in one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SessionGroup {
    /// Their database.
    pub(crate) database: Option<String>,
    /// Their role.
    pub(crate) role: Option<String>,
    /// Their application.
    pub(crate) application_name: String,
    /// How many.
    pub(crate) count: i64,
}
