//! Whether a certificate is for the host that was asked for, by libpq's rules (`fe-secure-common.c`), and whether its authorities
//! may vouch for its names, by OpenSSL's (`v3_ncons.c`).

use super::der::{Certificate, common_name};
use super::extensions::{Alternative, DNS_NAME};
use super::reader::{Reader, SEQUENCE};
use std::net::{IpAddr, Ipv4Addr};

/// Checks the certificate's names against the host; `Err` says in libpq's words what it is for instead.
pub(super) fn check(certificate: &Certificate<'_>, host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("host name must be specified for a verified SSL connection".to_owned());
    }
    let ip = address(host);
    let mut examined = Vec::new();
    let mut common_name_counts = true;
    for alternative in &certificate.extensions.alternatives {
        let (is_of_hosts_kind, matches, words) = match alternative {
            Alternative::Dns(name) => {
                (ip.is_none(), name_matches(name, host)?, String::from_utf8_lossy(name).into_owned())
            }
            Alternative::Ip(bytes) => {
                (ip.is_some(), ip.is_some_and(|ip| address_matches(bytes, ip)), address_words(bytes))
            }
        };
        if matches {
            return Ok(());
        }
        // A name of the host's own kind takes the common name's place.
        common_name_counts &= !is_of_hosts_kind;
        examined.push(words);
    }
    if common_name_counts && let Some(name) = common_name(certificate.subject) {
        if name_matches(name, host)? {
            return Ok(());
        }
        examined.push(String::from_utf8_lossy(name).into_owned());
    }
    Err(match examined.as_slice() {
        [] => "could not get server's host name from server certificate".to_owned(),
        [name] => format!("server certificate for \"{name}\" does not match host name \"{host}\""),
        [name, others @ ..] => {
            let count = others.len();
            let names = if count == 1 { "name" } else { "names" };
            format!(
                "server certificate for \"{name}\" (and {count} other {names}) does not match host name \"{host}\""
            )
        }
    })
}

/// Compares without case; `*.` stands for exactly one leftmost label.
fn name_matches(pattern: &[u8], host: &str) -> Result<bool, String> {
    if pattern.contains(&0) {
        return Err("SSL certificate's name contains embedded null".to_owned());
    }
    if pattern.eq_ignore_ascii_case(host.as_bytes()) {
        return Ok(true);
    }
    let Some(domain) =
        pattern.strip_prefix(b"*").filter(|domain| domain.starts_with(b".") && domain.len() > 1)
    else {
        return Ok(false);
    };
    let Some(label) = host.len().checked_sub(domain.len()).filter(|&length| length > 0) else {
        return Ok(false);
    };
    let (label, rest) = host.as_bytes().split_at(label);
    Ok(!label.contains(&b'.') && rest.eq_ignore_ascii_case(domain))
}

/// What to do about a certificate that is not for the host.
pub(super) fn hint(host: &str) -> String {
    if host.is_empty() {
        return "name the host (-h), too, as the server's certificate names it".to_owned();
    }
    format!(
        "connect by a name that the certificate has, or have the server's issued for \"{host}\" (subjectAltName); pgconn \
         conninfo shows where the host comes from"
    )
}

/// The subtrees of `nameConstraints`: those with this tag, each the tag and content of its base.
fn subtrees(constraints: &[u8], wanted: u8) -> Vec<(u8, &[u8])> {
    let mut lists = Reader(constraints);
    let mut found = Vec::new();
    while let Some((tag, content, _)) = lists.element() {
        let mut list = Reader(content);
        while tag == wanted
            && let Some(subtree) = list.expect(SEQUENCE)
        {
            found.extend(Reader(subtree).element().map(|(tag, base, _)| (tag, base)));
        }
    }
    found
}

const PERMITTED: u8 = 0xa0;
const EXCLUDED: u8 = 0xa1;

/// Whether an authority with these `nameConstraints` may vouch for the domains of a certificate. Those are its alternative
/// names; without any, its common name if that looks like one, at which webpki does not look.
pub(super) fn permits(constraints: &[u8], certificate: &Certificate<'_>) -> bool {
    let mut domains: Vec<&[u8]> = Vec::new();
    for alternative in &certificate.extensions.alternatives {
        if let Alternative::Dns(name) = alternative {
            domains.push(name);
        }
    }
    if domains.is_empty() {
        domains.extend(common_name(certificate.subject).filter(|name| looks_like_domain(name)));
    }
    let bases = |kind: u8| -> Vec<&[u8]> {
        let all = subtrees(constraints, kind).into_iter();
        all.filter(|(tag, _)| *tag == DNS_NAME).map(|(_, base)| base).collect()
    };
    let (permitted, excluded) = (bases(PERMITTED), bases(EXCLUDED));
    domains.iter().all(|domain| {
        let within = |bases: &[&[u8]]| bases.iter().any(|base| is_within(domain, base));
        (permitted.is_empty() || within(&permitted)) && !within(&excluded)
    })
}

/// Whether `nameConstraints` are about domains only, at which [`permits`] looks.
pub(super) fn are_domains(constraints: &[u8]) -> bool {
    let all = [subtrees(constraints, PERMITTED), subtrees(constraints, EXCLUDED)].concat();
    all.iter().all(|(tag, _)| *tag == DNS_NAME)
}

fn looks_like_domain(name: &[u8]) -> bool {
    name.contains(&b'.') && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*".contains(byte))
}

/// Whether a domain is the base or lies beneath it.
fn is_within(domain: &[u8], base: &[u8]) -> bool {
    let Some(start) = domain.len().checked_sub(base.len()) else { return false };
    let (above, end) = domain.split_at(start);
    end.eq_ignore_ascii_case(base)
        && (above.is_empty() || base.is_empty() || base.starts_with(b".") || above.ends_with(b"."))
}

/// The address that a host is, if it is one. Like the resolver, libpq takes one of IPv4 in any of the forms of C's `inet_aton`.
fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().or_else(|| internet_address(host).map(IpAddr::V4))
}

/// One to four numbers, each decimal, octal (`010`) or hexadecimal (`0x8`); the last fills the bytes that are left.
fn internet_address(host: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u32>> = host.split('.').map(number).collect();
    let numbers = numbers?;
    let (&last, first) = numbers.split_last()?;
    let free = 32_usize.checked_sub(8 * first.len()).filter(|&free| free > 0)?;
    if free < 32 && last >> free != 0 || first.iter().any(|&byte| byte > 0xff) {
        return None;
    }
    let high = first.iter().enumerate().fold(0, |address, (at, byte)| address | byte << (24 - 8 * at));
    Some(Ipv4Addr::from(high | last))
}

fn number(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match (text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")), text.strip_prefix('0')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

fn address_matches(bytes: &[u8], ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => bytes == ip.octets(),
        IpAddr::V6(ip) => bytes == ip.octets(),
    }
}

fn address_words(bytes: &[u8]) -> String {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let sixteen = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    four.or(sixteen).map_or_else(|_| "malformed address".to_owned(), |ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::extensions::Extensions;
    use super::*;

    fn is_for(alternatives: &[Alternative<'static>], common: Option<&str>, host: &str) -> Result<(), String> {
        // SET { SEQUENCE { OID commonName, UTF8String } }
        let subject = common.map_or(Vec::new(), |name| {
            let length = u8::try_from(name.len()).expect("short");
            let mut value = vec![0x31, length + 9, 0x30, length + 7, 0x06, 3, 0x55, 4, 3, 0x0c, length];
            value.extend_from_slice(name.as_bytes());
            value
        });
        let certificate = Certificate {
            signed: &[],
            algorithm: &[],
            signature: &[],
            version: 3,
            serial: &[],
            issuer: &[],
            subject: &subject,
            not_before: 0,
            not_after: 0,
            public_key: &[],
            extensions: Extensions { alternatives: alternatives.to_vec(), ..Extensions::default() },
        };
        check(&certificate, host)
    }

    fn dns(name: &'static str) -> Alternative<'static> {
        Alternative::Dns(name.as_bytes())
    }

    #[test]
    fn the_common_name_counts_only_without_an_alternative_of_the_hosts_kind() {
        assert_eq!(is_for(&[], Some("DB1"), "db1"), Ok(()));
        assert!(is_for(&[dns("other")], Some("db1"), "db1").is_err());
        assert_eq!(is_for(&[Alternative::Ip(&[10, 0, 0, 1])], Some("db1"), "db1"), Ok(()));
        assert_eq!(is_for(&[dns("other")], Some("10.0.0.1"), "10.0.0.1"), Ok(()));
        assert!(is_for(&[Alternative::Ip(&[10, 0, 0, 2])], Some("10.0.0.1"), "10.0.0.1").is_err());
    }

    #[test]
    fn addresses_match_by_value() {
        assert_eq!(is_for(&[Alternative::Ip(&[10, 0, 0, 1])], None, "10.0.0.1"), Ok(()));
        let mut loopback = [0; 16];
        loopback[15] = 1;
        let loopback: &'static [u8] = Box::leak(Box::new(loopback));
        assert_eq!(is_for(&[Alternative::Ip(loopback)], None, "0:0::1"), Ok(()));
        assert_eq!(is_for(&[dns("10.0.0.1")], None, "10.0.0.1"), Ok(()));
        for host in ["192.000.002.001", "192.0.2.1", "192.0.513", "0xc0.02.1", "3221225985", "0300.0.0x2.1"] {
            assert_eq!(
                is_for(&[Alternative::Ip(&[192, 0, 2, 1])], None, host).is_ok(),
                host != "0xc0.02.1",
                "{host}"
            );
        }
        for host in
            ["192.000.002.008.1", "192.000.002.08", "256.0.2.1", "192.0.2.+1", "192..2.1", "192.0.2.256", ""]
        {
            assert_eq!(address(host), None, "{host}");
        }
    }

    #[test]
    fn a_star_is_one_leftmost_label() {
        for (pattern, host, expected) in [
            ("*.a.org", "x.a.org", true),
            ("*.A.org", "X.a.ORG", true),
            ("*.a.org", "x.y.a.org", false),
            ("*.a.org", "a.org", false),
            ("*.a.org", ".a.org", false),
            ("x*.a.org", "xy.a.org", false),
            ("*", "a", false),
            ("*.", "a.", false),
        ] {
            assert_eq!(is_for(&[dns(pattern)], None, host).is_ok(), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn a_domain_lies_within_its_base_and_those_above() {
        for (domain, base, expected) in [
            ("db.example.com", "example.com", true),
            ("Example.COM", "example.com", true),
            ("notexample.com", "example.com", false),
            ("db.example.com", ".example.com", true),
            ("example.com", ".example.com", false),
            ("com", "example.com", false),
            ("localhost", "", true),
        ] {
            assert_eq!(is_within(domain.as_bytes(), base.as_bytes()), expected, "{domain} {base}");
        }
        for (name, expected) in
            [("db.example.com", true), ("*.example.com", true), ("localhost", false), ("Server v1.2", false)]
        {
            assert_eq!(looks_like_domain(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn messages_are_libpqs() {
        assert_eq!(
            is_for(&[dns("a"), dns("b")], Some("c"), "d"),
            Err("server certificate for \"a\" (and 1 other name) does not match host name \"d\"".into())
        );
        assert_eq!(
            is_for(&[], Some("c"), "d"),
            Err("server certificate for \"c\" does not match host name \"d\"".into())
        );
        assert_eq!(
            is_for(&[dns("a\0b")], None, "a"),
            Err("SSL certificate's name contains embedded null".into())
        );
        assert_eq!(
            is_for(&[], None, "d"),
            Err("could not get server's host name from server certificate".into())
        );
        assert!(is_for(&[dns("a")], None, "").is_err());
    }
}
