//! Who gets in, and how safely: what PgBouncer's `set_pool` and `finish_set_pool` make of the settings.

use super::settings::Ini;
use super::sizes::Pool;
use super::userlist::{self, ListedUser, Secret};
use crate::poolconf::lint::against::{Against, OtherFiles};
use crate::poolconf::lint::finding::{Findings, Place, Severity};

/// What is known of who may log in.
struct Logins<'i> {
    auth: String,
    ini: &'i Ini,
    against: &'i Against,
    /// The users of the auth_file; none when it is not there to be read.
    listed: Option<Vec<ListedUser>>,
}

/// Holds against each other who is to log in and who can.
pub(super) fn access(
    ini: &Ini,
    pools: &[Pool],
    against: &Against,
    files: OtherFiles<'_>,
    findings: &mut Findings,
) {
    let auth = ini.word("auth_type").unwrap_or_else(|| "md5".to_owned());
    let listed = ini.value("auth_file").filter(|_| ini.has("auth_file")).and_then(|path| {
        let (users, wrong) = userlist::read(&files(path).ok()?);
        if let Some(line) = wrong {
            findings.add(
                ini.place("auth_file"),
                Severity::Error,
                "auth_file",
                format!("line {line} of {path} is no user: PgBouncer reads nothing after it"),
                "a line is \"name\" \"secret\", both in double quotes",
            );
        }
        Some(users)
    });
    let logins = Logins { auth, ini, against, listed };
    logins.tls(findings);
    if ini.unread {
        return;
    }
    logins.open(pools, findings);
    logins.closed(pools, findings);
    logins.secrets(pools, findings);
}

impl Logins<'_> {
    /// Where anybody gets in without a secret.
    fn open(&self, pools: &[Pool], findings: &mut Findings) {
        let listen = self.ini.value("listen_addr").unwrap_or_default();
        let reachable = listen.split(',').any(|address| matches!(address.trim(), "*" | "0.0.0.0" | "::"));
        let who = match self.auth.as_str() {
            "any" if pools.iter().any(|pool| pool.forced_user.is_some()) => "everybody",
            "trust" if pools.iter().any(|pool| self.is_asked(pool)) => "whoever names a role of the server",
            "trust" if pools.iter().any(|pool| self.is_sectioned(pool)) => "whoever names a user of [users]",
            "trust" if self.ini.has("auth_file") => "whoever names a user of the auth_file",
            _ => return,
        };
        if reachable {
            findings.add(
                self.ini.place("auth_type"),
                Severity::Error,
                "anybody_gets_in",
                format!("auth_type {} lets {who} in who reaches {listen}, without a password", self.auth),
                "use scram-sha-256, or listen on 127.0.0.1",
            );
        }
    }

    /// Whether the server is asked for a user that the auth_file does not have.
    fn is_asked(&self, pool: &Pool) -> bool {
        pool.auth_user || self.ini.has("auth_user")
    }

    /// Whether a user of `[users]` gets in, who has no secret: by trust, before 1.25, and where the server asks for none.
    fn is_sectioned(&self, pool: &Pool) -> bool {
        let old = self.against.version.is_none_or(|version| !version.at_least(25));
        old && self.auth == "trust" && pool.over_socket && !self.ini.users.is_empty()
    }

    /// Why nobody gets in through an entry, and what to do about it.
    fn obstacle(&self, pool: &Pool) -> Option<(&'static str, &'static str)> {
        let nobody_listed =
            !self.ini.has("auth_file") || self.listed.as_ref().is_some_and(std::vec::Vec::is_empty);
        let unknown = nobody_listed && !self.is_asked(pool) && !self.is_sectioned(pool);
        match self.auth.as_str() {
            "any" if pool.forced_user.is_none() => {
                Some(("auth_type any takes the user from the entry, which has no user=", "add user= to it"))
            }
            "pam" | "ldap" if pool.auth_user => {
                Some(("an entry with auth_user does not go with this auth_type", "leave auth_user out"))
            }
            "hba" if !self.ini.has("auth_hba_file") => {
                Some(("auth_type hba has no auth_hba_file", "add auth_hba_file"))
            }
            "any" | "pam" | "ldap" => None,
            _ if unknown && self.ini.has("auth_query") => Some((
                "no user is known: auth_query is not asked without auth_user",
                "add auth_user, or list the users in auth_file",
            )),
            _ if unknown => Some((
                "no user is known: there is no auth_file with users, and no auth_user",
                "add auth_file, or auth_user and auth_query",
            )),
            _ => None,
        }
    }

    /// Entries through which nobody gets in.
    fn closed(&self, pools: &[Pool], findings: &mut Findings) {
        let mut add = |place: Option<Place>, which: &str, (why, hint): (&str, &str)| {
            findings.add(
                place,
                Severity::Error,
                "nobody_gets_in",
                format!("nobody can log in{which}: {why}"),
                hint,
            );
        };
        let obstacles: Vec<_> = pools.iter().map(|pool| self.obstacle(pool)).collect();
        match (obstacles.first().copied().flatten(), obstacles.iter().all(Option::is_some)) {
            (Some(first), true) if obstacles.iter().all(|other| *other == Some(first)) => {
                add(self.ini.place("auth_type"), "", first);
            }
            _ => {
                for (pool, why) in pools.iter().zip(obstacles) {
                    why.into_iter().for_each(|why| add(Some(pool.place), &format!(" to {}", pool.name), why));
                }
            }
        }
        let asked = pools.iter().any(|pool| self.is_asked(pool)) || self.ini.has("auth_user");
        if self.ini.has("auth_query") && !asked && self.ini.has("auth_file") {
            findings.add(
                self.ini.place("auth_query"),
                Severity::Warning,
                "auth_query",
                "auth_query is not asked without auth_user: only the users of the auth_file get in",
                "add auth_user, the role that asks",
            );
        }
    }

    /// Users that log in to PgBouncer and with whose secret PgBouncer cannot log in to the server.
    fn secrets(&self, pools: &[Pool], findings: &mut Findings) {
        let Some(listed) = &self.listed else { return };
        let place = self.ini.place("auth_file");
        let hashed = listed.iter().filter(|user| user.secret == Secret::Md5).count();
        if hashed > 0 {
            findings.add(
                place,
                Severity::Warning,
                "auth_md5",
                format!("{hashed} of its {} secrets are md5 hashes, which cannot log in to a server that stores SCRAM secrets (PostgreSQL's default since 14)", listed.len()),
                "put SCRAM secrets or plain passwords into the auth_file",
            );
        }
        for pool in pools.iter().filter(|pool| !pool.has_password && !pool.over_socket) {
            let Some(user) = listed.iter().find(|user| Some(&user.name) == pool.forced_user.as_ref()) else {
                continue;
            };
            if user.secret == Secret::Scram {
                findings.add(
                    pool.place,
                    Severity::Warning,
                    "scram_secret",
                    format!("the entry {} logs in as {}, of whom PgBouncer has a SCRAM secret only: a server that asks for a password refuses it", pool.name, user.name),
                    "give password= in the entry, or the plain password in the auth_file",
                );
            }
        }
    }

    /// What PgBouncer insists on before it speaks TLS.
    fn tls(&self, findings: &mut Findings) {
        let (ini, mode) = (self.ini, self.ini.word("client_tls_sslmode").unwrap_or_default());
        let files = ini.has("client_tls_key_file") && ini.has("client_tls_cert_file");
        let on = matches!(mode.as_str(), "allow" | "prefer" | "require" | "verify-ca" | "verify-full");
        let missing = if self.auth == "cert" && mode != "verify-full" {
            "client_tls_sslmode = verify-full"
        } else if on && !files {
            "client_tls_key_file and client_tls_cert_file"
        } else if mode == "verify-full" && !ini.has("client_tls_ca_file") {
            "client_tls_ca_file"
        } else {
            if files && !on && !ini.unread {
                findings.add(
                    ini.place("client_tls_cert_file"),
                    Severity::Warning,
                    "tls_off",
                    "clients cannot use TLS with this certificate: client_tls_sslmode is disable",
                    "set client_tls_sslmode = require",
                );
            }
            return;
        };
        if !ini.unread {
            let key = if self.auth == "cert" { "auth_type" } else { "client_tls_sslmode" };
            let message = format!("this {key} needs {missing}: PgBouncer does not start");
            findings.prevent(ini.place(key), "client_tls", message, "");
        }
    }
}
