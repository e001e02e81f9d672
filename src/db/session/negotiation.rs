//! NegotiateProtocolVersion: the first answer of a server that knows another newest version of the protocol than it was asked
//! for, or not all of the options. Version 3.0 without options is what all of version 3 speaks, so that the login goes on
//! whatever its minor version is; whoever says more than that does not answer what pgconn asked.

use crate::db::error::{Error, ErrorKind};
use std::fmt;

/// The lengths that it can have: two numbers, and names as long as libpq takes them.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 12..=2000;

/// What a server said of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Negotiation {
    major: u32,
    minor: u32,
    /// The options that it says it was asked for and does not know.
    unknown: Vec<String>,
}

impl Negotiation {
    /// Reads the body of the message. Servers say the whole version, as PostgreSQL does, or the minor one alone, as its manual has it.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (version, rest) = body.split_first_chunk()?;
        let (count, names) = rest.split_first_chunk()?;
        let (version, count) = (u32::from_be_bytes(*version), u32::from_be_bytes(*count));
        let names: Vec<&[u8]> = names.split_inclusive(|&byte| byte == 0).collect();
        let unknown = names
            .iter()
            .map(|name| name.strip_suffix(b"\0").map(|name| String::from_utf8_lossy(name).into_owned()));
        let unknown = unknown.collect::<Option<Vec<String>>>()?;
        let (major, minor) = (version >> 16, version & 0xffff);
        (u32::try_from(unknown.len()) == Ok(count)).then_some(Self {
            major: if major == 0 { 3 } else { major },
            minor,
            unknown,
        })
    }

    /// Goes on with version 3.0.
    ///
    /// # Errors
    /// When that is not what the server leaves.
    pub(super) fn settle(&self) -> Result<(), Error> {
        if self.major != 3 {
            return Err(protocol(format!(
                "the server speaks version {self} of the protocol, and 3.0 was asked for"
            )));
        }
        if !self.unknown.is_empty() {
            return Err(protocol(format!(
                "the server refuses options of the protocol that it was not asked for: {}",
                self.unknown.join(", ")
            )));
        }
        Ok(())
    }

    /// It is not the first answer.
    pub(super) fn late(&self) -> Error {
        protocol(format!(
            "the server negotiates the version of the protocol ({self}), for which it is too late"
        ))
    }
}

impl fmt::Display for Negotiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The error for one of so many bytes that cannot be read.
pub(super) fn malformed(length: usize) -> Error {
    protocol(format!(
        "the server negotiates the version of the protocol in {length} bytes that cannot be read"
    ))
}

fn protocol(message: String) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: u32, count: u32, names: &[u8]) -> Option<Negotiation> {
        Negotiation::read(&[&version.to_be_bytes()[..], &count.to_be_bytes(), names].concat())
    }

    #[test]
    fn every_version_3_is_spoken_however_it_is_said() {
        for version in [0, 1, 2, 9_999, 3 << 16, (3 << 16) + 2] {
            assert!(read(version, 0, b"").expect("read").settle().is_ok(), "{version}");
        }
        for (version, said) in [(2 << 16, "2.0"), ((4 << 16) + 1, "4.1"), (u32::MAX, "65535.65535")] {
            let why = read(version, 0, b"").expect("read").settle().expect_err(said);
            let words = format!("the server speaks version {said} of the protocol, and 3.0 was asked for");
            assert_eq!((why.kind, why.message), (ErrorKind::Protocol, words));
        }
    }

    #[test]
    fn options_are_named_and_what_is_malformed_is_not_read() {
        let refused = read(2, 2, b"_pq_.a\0_pq_.b\0").expect("read").settle().expect_err("options");
        assert!(refused.message.ends_with("was not asked for: _pq_.a, _pq_.b"), "{}", refused.message);
        for (count, names) in [
            (1, &b""[..]),
            (0, b"_pq_.a\0"),
            (0, b"\0"),
            (1, b"_pq_.a"),
            (2, b"_pq_.a\0"),
            (u32::MAX, b"a\0"),
        ] {
            assert_eq!(read(2, count, names), None, "{count} {names:?}");
        }
        assert_eq!(Negotiation::read(&[0; 7]), None);
    }
}
