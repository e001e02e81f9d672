//! The chain from the server's certificate up to a listed, self-signed one, found as OpenSSL finds it (`build_chain` of its
//! `x509_vfy.c`): what is listed counts before what the server sent, and there is one chain, not the best of several. What is
//! listed and not self-signed is an intermediate certificate like those that the server sends, and no end.

use super::judge::{self, Place};
use super::member::{Member, Who};
use super::refused::{Named, Refused};

/// More than any authority has beneath it.
const LONGEST: usize = 10;

/// The chain of `leaf`, which is its first; its last is listed and self-signed. `now` is in seconds since 1970.
pub(super) fn find<'m, 'a>(
    leaf: &'m Member<'a>,
    sent: &'m [Member<'a>],
    listed: &'m [Member<'a>],
    now: i64,
) -> Result<Vec<&'m Member<'a>>, Refused> {
    let mut chain = vec![leaf];
    let mut top = leaf;
    while chain.len() <= LONGEST {
        let issuer = issuer(top, listed.iter(), now);
        if top.is_self_signed() {
            let is_listed = top.who == Who::Listed || issuer.is_some_and(|issuer| issuer.der == top.der);
            return if is_listed { Ok(chain) } else { Err(Refused::at_end(leaf, top, listed)) };
        }
        let more = sent.iter().filter(|_| top.who != Who::Listed);
        let more = more.filter(|one| chain.iter().all(|known| known.der != one.der));
        let Some(issuer) = issuer.or_else(|| self::issuer(top, more, now)) else {
            return Err(Refused::at_end(leaf, top, listed));
        };
        chain.push(issuer);
        top = issuer;
    }
    Err(Refused::Chain("too many intermediate certificates stand above it".to_owned()))
}

/// The first that is valid today, or the one that was valid last.
fn issuer<'m, 'a: 'm>(
    of: &Member<'a>,
    among: impl Iterator<Item = &'m Member<'a>>,
    now: i64,
) -> Option<&'m Member<'a>> {
    let mut last: Option<&Member<'a>> = None;
    for one in among.filter(|one| one.seems_issuer_of(of)) {
        if judge::is_current(&one.fields, now) {
            return Some(one);
        }
        if last.is_none_or(|last| one.fields.not_after > last.fields.not_after) {
            last = Some(one);
        }
    }
    last
}

/// Judges every certificate of a chain in its place; `with_lists` when revocation lists have to be signed, too.
pub(super) fn check(chain: &[&Member<'_>], with_lists: bool, now: i64) -> Result<(), Refused> {
    let mut beneath = 0;
    for (at, member) in chain.iter().enumerate() {
        let is_top = at + 1 == chain.len();
        let place = if at == 0 { Place::Server } else { Place::Authority { is_top, beneath } };
        let fault = judge::fault(&member.fields, place, now);
        let signs_lists = with_lists && (at > 0 || is_top);
        let fault = fault.or_else(|| judge::lists_fault(&member.fields).filter(|_| signs_lists));
        if let Some(fault) = fault {
            return Err(Refused::Faulty(Named::new(member), fault));
        }
        if at > 0 && member.fields.subject != member.fields.issuer {
            beneath += 1;
        }
    }
    Ok(())
}
