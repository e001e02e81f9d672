//! What `server_version` says: a number, or a pooler's console.

use super::error::{Error, ErrorKind};
use crate::model::suggestion::{Command, Hint};

/// The pooler whose console has this server version: `1.18.0/bouncer`, `0.1.4 (PgDog)`. Those of PgCat and Odyssey say no
/// more than their own version, which is a number that no PostgreSQL that is left has.
fn console(version: &str) -> Option<String> {
    let bouncer = version.strip_suffix("/bouncer").map(|version| format!("PgBouncer {version}"));
    let dog = || version.strip_suffix(" (PgDog)").map(|version| format!("PgDog {version}"));
    let other =
        || (version.starts_with("0.") || version.starts_with("1.")).then(|| format!("version {version}"));
    bouncer.or_else(dog).or_else(other)
}

/// Returns `170002` for `17.2`, `180000` for `18beta1`.
pub(super) fn version_num(text: &str) -> Result<i32, Error> {
    let digits =
        |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<i32>().ok();
    let major = digits(text).filter(|major| (1..1000).contains(major));
    let minor =
        text.split_once('.').and_then(|(_, rest)| digits(rest)).filter(|minor| (0..10_000).contains(minor));
    if let Some(pooler) = console(text) {
        let what = format!("this is a pooler's console ({pooler})");
        return Err(Error::new(ErrorKind::PoolerConsole, what).hinted(
            Hint::from("see the pooler with ")
                .call(Command::pgconn("pooler"))
                .then("; for the server behind it name one of its databases (-d)"),
        ));
    }
    match major {
        Some(major) if !text.contains('/') => Ok(major * 10_000 + minor.unwrap_or(0)),
        _ => Err(Error::new(
            ErrorKind::UnsupportedServer,
            format!("cannot work with server version \"{text}\""),
        )
        .hinted("this is not an ordinary PostgreSQL server")),
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, version_num};

    #[test]
    fn versions_are_read_as_the_server_says_them() {
        assert_eq!(version_num("15.18 (Debian 15.18-0+deb12u1)").unwrap(), 150_018);
        assert_eq!(version_num("18beta1").unwrap(), 180_000);
        for (version, pooler) in [
            ("1.18.0/bouncer", "(PgBouncer 1.18.0)"),
            ("0.1.4 (PgDog)", "(PgDog 0.1.4)"),
            ("1.2.0", "(version 1.2.0)"),
            ("1.4.1 (git 89c48ea2)", "(version 1.4.1 (git 89c48ea2))"),
        ] {
            let error = version_num(version).unwrap_err();
            assert!(error.kind == ErrorKind::PoolerConsole && error.message.ends_with(pooler), "{error:?}");
        }
        assert!(version_num("99999999999").is_err());
        assert!(version_num("").is_err());
    }
}
