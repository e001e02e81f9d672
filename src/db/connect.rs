//! Connecting and logging in over plain sockets.

use std::time::Duration;

use super::{Error, Kind};
use crate::model::server::Target;

/// What the command line says about the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// `-h`
    pub(crate) host: Option<String>,
    /// `-p`
    pub(crate) port: Option<String>,
    /// `-U`
    pub(crate) username: Option<String>,
    /// `-d`
    pub(crate) dbname: Option<String>,
    /// `-S`
    pub(crate) service: Option<String>,
    /// `-w`
    pub(crate) no_password: bool,
    /// `-W`
    pub(crate) force_password: bool,
}

/// A session that is logged in.
pub(crate) struct Established {
    /// The side that asks.
    pub(crate) client: tokio_postgres::Client,
    /// The side that moves the bytes.
    pub(crate) connection:
        tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>,
    /// Where it is.
    pub(crate) target: Target,
    /// As the server said it at login.
    pub(crate) server_version: String,
}

/// Connects to the server that flags and environment name.
pub(crate) async fn connect(given: &Given, timeout: Duration) -> Result<Established, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let host =
        given.host.clone().or_else(|| variable("PGHOST")).unwrap_or_else(|| "/var/run/postgresql".into());
    let port = given.port.clone().or_else(|| variable("PGPORT")).unwrap_or_else(|| "5432".into());
    let port: u16 =
        port.parse().map_err(|_| Error::new(Kind::BadSettings, format!("invalid port \"{port}\"")))?;
    let user = given.username.clone().or_else(|| variable("PGUSER")).unwrap_or_else(whoami_name);
    let database = given.dbname.clone().or_else(|| variable("PGDATABASE")).unwrap_or_else(|| user.clone());
    let mut config = tokio_postgres::Config::new();
    config.host(&host).port(port).user(&user).dbname(&database).application_name("pgconn");
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    if let Some(password) = variable("PGPASSWORD") {
        config.password(password);
    }
    let attempt = tokio::time::timeout(timeout, config.connect(tokio_postgres::NoTls)).await;
    let (client, connection) = attempt
        .map_err(|_| Error::new(Kind::Timeout, format!("{host}:{port} did not answer within {timeout:?}")))?
        .map_err(|error| Error::from_statement(&error))?;
    let server_version = connection.parameter("server_version").unwrap_or_default().to_owned();
    let target = Target { host, port, database, user, service: None };
    Ok(Established { client, connection, target, server_version })
}

fn whoami_name() -> String {
    whoami::username().unwrap_or_default()
}
