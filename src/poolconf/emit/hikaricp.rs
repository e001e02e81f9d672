//! HikariCP in Spring Boot.

use std::time::Duration;

use super::file::{File, one, optional, when, yaml_string};
use crate::analyze::sizing::Refused;
use crate::poolconf::PoolConfig;

/// HikariCP refuses or silently replaces times below its own minimums, so they are refused here.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    for (flag, given, least) in [
        ("--acquire-timeout", settings.acquire_timeout, Duration::from_millis(250)),
        ("--idle-timeout", settings.idle_timeout, Duration::from_secs(10)),
        ("--max-lifetime", settings.max_lifetime, Duration::from_secs(30)),
    ] {
        if given < least {
            return Err(Refused::new(
                format!("HikariCP does not accept so short a time for {flag}"),
                format!("its minimum is {} ms", least.as_millis()),
            ));
        }
    }
    let header = settings.header("#");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = settings.acquire_timeout.as_millis();
    let lifetime = settings.max_lifetime.as_millis();
    // A pool of fixed size closes nothing, and says so at every start when an idle timeout is set.
    let idle = when(min < max, &format!("      idle-timeout: {}", settings.idle_timeout.as_millis()));
    // A keep-alive must be at least 30 s and shorter than the lifetime.
    let keepalive = Duration::from_secs(120).min(settings.max_lifetime / 2);
    let keepalive = when(
        keepalive >= Duration::from_secs(30),
        &format!("      keepalive-time: {}", keepalive.as_millis()),
    );
    let app = settings.app.as_deref();
    let app = app.map_or_else(|| "${spring.application.name:app}".to_owned(), yaml_string);
    let unprepared = when(!settings.prepared_statements(), "        prepareThreshold: 0");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("        options: \"-c statement_timeout={ms}\"")
    });
    Ok(one(
        "application.yml",
        format!(
            r"{header}
spring:
  datasource:
    url: ${{JDBC_DATABASE_URL}}
    username: ${{DB_USER}}
    password: ${{DB_PASSWORD}}
    hikari:
      pool-name: {app}
      maximum-pool-size: {max}
      minimum-idle: {min}
      connection-timeout: {acquire}
{idle}      max-lifetime: {lifetime}
{keepalive}      data-source-properties:
        tcpKeepAlive: true
        ApplicationName: {app}
{unprepared}{timeout}"
        ),
    ))
}
