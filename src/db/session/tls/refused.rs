//! Why a chain of certificates was refused, for people: which rule, of which certificate, and what to check.

use super::der::{day, name_words};
use super::judge::Fault;
use super::member::{Member, Who};
use crate::model::suggestion::{Command, Hint};

/// A certificate in a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    who: Who,
    subject: String,
    issuer: String,
}

/// Why a chain was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A certificate does not count in its place.
    Faulty(Named, Fault),
    /// The chain ends where nothing that is listed ends it.
    Unlisted(End),
    /// A certificate was not signed with its issuer's key.
    Unsigned(Named),
    /// How a certificate is signed, which pgconn cannot check, in words.
    Unchecked(Named, String),
    /// The names that an authority may vouch for do not include the server's.
    Limited(Named),
    /// What a revocation list, or that there is none, has against a certificate, as a predicate of it.
    Lists(Named, String),
    /// A rule about the chain as a whole, in words.
    Chain(String),
}

/// The end of a chain that leads to nothing that is listed and self-signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The last certificate.
    last: Named,
    /// Whether it is self-signed; otherwise its issuer is missing.
    is_self_signed: bool,
    /// Whether a certificate with its issuer's name is listed, with another key or number.
    has_namesake: bool,
    /// Whether the server's own certificate is listed.
    own_is_listed: bool,
}

impl Named {
    pub(super) fn new(member: &Member<'_>) -> Self {
        let fields = &member.fields;
        Self { who: member.who, subject: name_words(fields.subject), issuer: name_words(fields.issuer) }
    }

    /// The certificate as the subject of a sentence; the server's own is what the message is about.
    fn words(&self) -> String {
        match self.who {
            Who::Server => "it".to_owned(),
            Who::Sent => format!("the certificate of {} that the server sent", self.subject),
            Who::Listed => format!("the listed certificate of {}", self.subject),
        }
    }
}

impl Refused {
    /// The end of the chain that begins with `own`: nothing that is listed has issued `last`.
    pub(super) fn at_end(own: &Member<'_>, last: &Member<'_>, listed: &[Member<'_>]) -> Self {
        Self::Unlisted(End {
            last: Named::new(last),
            is_self_signed: last.is_self_signed(),
            has_namesake: listed.iter().any(|one| one.fields.subject == last.fields.issuer),
            own_is_listed: listed.iter().any(|one| one.der == own.der),
        })
    }

    /// The rule that failed, and what the server's own certificate is.
    pub(super) fn words(&self, own: &Member<'_>) -> String {
        let why = self.why();
        let fields = &own.fields;
        let (subject, issuer) = (name_words(fields.subject), name_words(fields.issuer));
        let (from, to) = (day(fields.not_before), day(fields.not_after));
        let own = format!("subject {subject}, issuer {issuer}, valid from {from} to {to}");
        let is_about_own = !matches!(
            self,
            Self::Faulty(one, _)
                | Self::Unlisted(End { last: one, .. })
                | Self::Unsigned(one)
                | Self::Limited(one)
                | Self::Unchecked(one, _)
                | Self::Lists(one, _)
            if one.who != Who::Server
        );
        if is_about_own { format!("{why} ({own})") } else { format!("{why}; the server's own: {own}") }
    }

    fn why(&self) -> String {
        match self {
            Self::Faulty(one, fault) => format!("{} {}", one.words(), fault.why),
            Self::Unlisted(end) => end.words(),
            Self::Unsigned(one) => {
                let whose = if one.who == Who::Server {
                    "its signature".to_owned()
                } else {
                    format!("the signature of {}", one.words())
                };
                format!("{whose} does not fit the key of {}", one.issuer)
            }
            Self::Unchecked(one, how) => {
                format!("{} is signed by {how}, which pgconn cannot check", one.words())
            }
            Self::Limited(issuer) => {
                format!("{} may not vouch for its names (nameConstraints)", issuer.words())
            }
            Self::Lists(one, why) => format!("{} {why}", one.words()),
            Self::Chain(why) => why.clone(),
        }
    }

    /// What to check; `roots` is where the root certificates are listed.
    pub(super) fn hint(&self, roots: &str) -> Hint {
        let words = self.what_to_check(roots);
        let names_roots = words.contains(roots);
        let hint = Hint::from(words);
        if names_roots {
            let shows = hint.then("; ").call(Command::pgconn("conninfo"));
            shows.then(" shows where sslrootcert comes from")
        } else {
            hint
        }
    }

    fn what_to_check(&self, roots: &str) -> String {
        let servers = "the server's ssl_cert_file";
        match self {
            Self::Faulty(one, fault) => match one.who {
                Who::Server => format!("{servers} needs a certificate that {}", fault.wanted),
                Who::Sent => format!("{servers} needs one of {} that {}", one.subject, fault.wanted),
                Who::Listed => format!(
                    "{roots} must list one of {} that {}; whoever runs that authority has it",
                    one.subject, fault.wanted
                ),
            },
            Self::Unlisted(end) => end.hint(roots, servers),
            Self::Unsigned(one) => format!(
                "{roots} or {servers} holds another certificate of {} than the one with which it was issued: an older or a \
                 newer one? (RSA keys of fewer than 2048 bits do not count)",
                one.issuer
            ),
            Self::Limited(_) => {
                format!("{servers} needs a certificate for names that its authority may vouch for")
            }
            Self::Unchecked(..) => {
                "pgconn checks signatures of RSA keys of 2048 to 8192 bits, of P-256 and P-384 with SHA-256 and SHA-384, and of \
                 Ed25519; psql checks what the OpenSSL of this machine does"
                    .to_owned()
            }
            Self::Lists(..) => "the revocation lists (sslcrl, sslcrldir) must hold a current list of every authority in the chain, \
                               and what was revoked must be replaced"
                .to_owned(),
            Self::Chain(_) => format!("check {servers} and {roots}"),
        }
    }
}

impl End {
    fn words(&self) -> String {
        let (one, issuer) = (self.last.words(), &self.last.issuer);
        let unlisted = "issued by an authority that is not among the root certificates";
        let is_hidden = self.own_is_listed && self.is_self_signed && self.last.who == Who::Server;
        let mut words = match self.last.who {
            _ if is_hidden => {
                return format!(
                    "{one} is self-signed and listed, but behind another certificate of its name"
                );
            }
            _ if self.is_self_signed => {
                let also = if self.has_namesake { ", though another of that name is" } else { "" };
                format!(
                    "{one} is self-signed (its subject is its issuer) and not among the root certificates{also}"
                )
            }
            _ if self.has_namesake => {
                format!("{one} was issued by another {issuer} than the one that is listed")
            }
            Who::Server => format!("{one} was {unlisted}"),
            Who::Sent => format!("{one} was {unlisted} ({issuer})"),
            Who::Listed => format!("{one} is an intermediate one, {unlisted} ({issuer})"),
        };
        if self.own_is_listed {
            words.push_str("; that the server's own is listed counts only for a self-signed one");
        }
        words
    }

    fn hint(&self, roots: &str, servers: &str) -> String {
        let (subject, issuer) = (&self.last.subject, &self.last.issuer);
        match self.last.who {
            Who::Server if self.is_self_signed && self.own_is_listed => {
                format!("{roots} must list it before the others of {subject}")
            }
            Who::Server if self.is_self_signed => format!(
                "{roots} must list that very certificate, taken from the server's own files, or {servers} must hold one that a \
                 listed authority has issued, with another subject than the authority's"
            ),
            _ if self.is_self_signed => {
                format!("{roots} must list that very certificate; whoever runs {subject} has it")
            }
            _ if self.has_namesake => format!(
                "{roots} must list the certificate of {issuer} with which it was issued: an older or a newer one?"
            ),
            Who::Listed => {
                format!(
                    "{roots} must list the certificate of {issuer}, too, and so on up to a self-signed one"
                )
            }
            Who::Server | Who::Sent => format!(
                "{roots} must list the certificate of {issuer}, and so on up to a self-signed one; an intermediate one may \
                 also follow the server's own in {servers}"
            ),
        }
    }
}
