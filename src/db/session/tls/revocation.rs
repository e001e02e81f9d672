//! Revocation lists (RFC 5280, 5; version 1, too), and what they say of a chain of certificates, as OpenSSL reads and uses them
//! (`get_crl_score`, `check_crl` and `cert_crl` of its `x509_vfy.c`): every certificate up to the self-signed one needs a list of
//! its issuer's.

use super::der::{day, name_words, time};
use super::extensions::{About, Authority, Scope, has_critical, list_extensions, points};
use super::keys::{self, Algorithms};
use super::member::{Member, fits};
use super::reader::{BIT_STRING, INTEGER, Reader, SEQUENCE};
use super::refused::{Named, Refused};

/// A list's fields, borrowed from its bytes.
#[derive(Debug)]
pub(super) struct RevocationList<'a> {
    /// What is signed, with its tag and length.
    signed: &'a [u8],
    /// The signature's AlgorithmIdentifier, without tag and length.
    algorithm: &'a [u8],
    /// The signature's bits.
    signature: &'a [u8],
    /// The issuer's name, without tag and length.
    issuer: &'a [u8],
    /// When it was issued, seconds since 1970.
    issued: i64,
    /// When the next one is due, if that is said.
    due: Option<i64>,
    /// The entries.
    entries: Reader<'a>,
    /// Which certificate has issued it.
    authority: Authority<'a>,
    /// Which certificates it is about; all of the issuer's without a word on that.
    scope: Scope<'a>,
    /// Whether something critical is in it that is not known.
    is_beyond_us: bool,
}

const EXTENSIONS: u8 = 0xa0;

/// Reads a list; `None` when it is none.
pub(super) fn revocation_list(der: &[u8]) -> Option<RevocationList<'_>> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let (_, body, signed) = outer.element().filter(|(tag, ..)| *tag == SEQUENCE)?;
    let algorithm = outer.expect(SEQUENCE)?;
    let signature = outer.expect(BIT_STRING)?.split_first()?.1;
    let mut body = Reader(body);
    body.optional(INTEGER)?;
    // The same on both sides of what is signed, or somebody has changed what is not.
    if body.expect(SEQUENCE)? != algorithm {
        return None;
    }
    let issuer = body.expect(SEQUENCE)?;
    let issued = time(&mut body)?;
    let is_time = body.0.first().is_some_and(|tag| matches!(tag, 0x17 | 0x18));
    let due = if is_time { Some(time(&mut body)?) } else { None };
    let entries = Reader(body.optional(SEQUENCE)?.unwrap_or_default());
    let (authority, scope, unknown) = match body.optional(EXTENSIONS)? {
        Some(extensions) => list_extensions(extensions)?,
        None => Default::default(),
    };
    if !body.0.is_empty() {
        return None;
    }
    let mut list = RevocationList {
        signed,
        algorithm,
        signature,
        issuer,
        issued,
        due,
        entries,
        authority,
        scope,
        is_beyond_us: unknown,
    };
    list.is_beyond_us |= list.has_critical_entries()?;
    Some(list)
}

impl<'a> RevocationList<'a> {
    /// Whether an entry has a critical extension; `None` when the entries are malformed.
    fn has_critical_entries(&self) -> Option<bool> {
        let mut entries = self.entries;
        let mut found = false;
        while !entries.0.is_empty() {
            let mut entry = Reader(entries.expect(SEQUENCE)?);
            entry.expect(INTEGER)?;
            time(&mut entry)?;
            if let Some(extensions) = entry.optional(SEQUENCE)? {
                found |= has_critical(extensions)?;
            }
        }
        Some(found)
    }

    fn names(&self, serial: &[u8]) -> bool {
        let mut entries = self.entries;
        while let Some(entry) = entries.expect(SEQUENCE) {
            if Reader(entry).expect(INTEGER).is_some_and(|number| plain(number) == plain(serial)) {
                return true;
            }
        }
        false
    }

    /// Whether `issuer` seems to have issued it for certificates that name the issuer so.
    fn seems_of(&self, issuer: &Member<'_>) -> bool {
        let (authority, own) = (&self.authority, &issuer.fields);
        self.issuer == own.subject
            && fits(authority.key_id, own.extensions.key_id)
            && fits(authority.serial, Some(own.serial))
            && fits(authority.issuer, Some(own.issuer))
    }

    /// Whether it is about this certificate.
    fn is_about(&self, member: &Member<'_>) -> bool {
        let is_authority = member.fields.extensions.basic_constraints.is_some_and(|found| found.is_authority);
        let own = member.fields.extensions.lists_at.map(points).unwrap_or_default();
        let is_there = |listed: &Vec<&[u8]>| listed.iter().any(|point| own.contains(point));
        let is_its_kind = match self.scope.about {
            About::All => true,
            About::Authorities => is_authority,
            About::Others => !is_authority,
            About::Nothing => false,
        };
        is_its_kind && self.scope.points.as_ref().is_none_or(is_there)
    }

    fn is_current(&self, now: i64) -> bool {
        self.issued <= now && self.due.is_none_or(|due| now <= due)
    }
}

/// A number without leading zeros.
fn plain(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&digit| digit == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether no certificate of the chain is revoked; its last is self-signed. `now` is in seconds since 1970, `algorithms` are those
/// that signatures can be checked with.
pub(super) fn check(
    lists: &[RevocationList<'_>],
    chain: &[&Member<'_>],
    algorithms: Algorithms,
    now: i64,
) -> Result<(), Refused> {
    for (at, &member) in chain.iter().enumerate() {
        let issuer = chain.get(at + 1).unwrap_or(&member);
        fault(lists, member, issuer, algorithms, now)
            .map_or(Ok(()), |why| Err(Refused::Lists(Named::new(member), why)))?;
    }
    Ok(())
}

/// What a list, or that there is none, has against a certificate, as a predicate of it.
fn fault(
    lists: &[RevocationList<'_>],
    member: &Member<'_>,
    issuer: &Member<'_>,
    algorithms: Algorithms,
    now: i64,
) -> Option<String> {
    let of = name_words(issuer.fields.subject);
    let unknown = |why: String| Some(format!("is not known to be unrevoked: {why}"));
    let of_issuer = lists.iter().filter(|list| list.seems_of(issuer));
    let best = of_issuer
        .max_by_key(|list| (!list.is_beyond_us, list.is_about(member), list.is_current(now), list.issued));
    let Some(list) = best else { return unknown(format!("there is no revocation list of {of}")) };
    if !list.is_about(member) {
        return unknown(format!("the revocation list of {of} is about others"));
    }
    if list.issued > now {
        return unknown(format!("the revocation list of {of} is not valid yet (from {})", day(list.issued)));
    }
    if let Some(due) = list.due.filter(|&due| now > due) {
        return unknown(format!("the revocation list of {of} has expired (valid to {})", day(due)));
    }
    let key = issuer.fields.public_key;
    match keys::is_signed(key, list.algorithm, list.signed, list.signature, algorithms) {
        Some(true) => {}
        Some(false) => {
            return unknown(format!("the signature of the revocation list does not fit the key of {of}"));
        }
        None => {
            let how = keys::words(list.algorithm, key);
            return unknown(format!(
                "the revocation list of {of} is signed by {how}, which pgconn cannot check"
            ));
        }
    }
    if list.is_beyond_us {
        return unknown(format!("the revocation list of {of} has a critical extension that is not known"));
    }
    list.names(member.fields.serial).then(|| "was revoked".to_owned())
}
