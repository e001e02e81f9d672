//! Who may ask, by name and password: an htpasswd file of bcrypt hashes.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::task::spawn_blocking;

/// Headers that were found right are not worked out again; of so many.
const KNOWN: usize = 100;

/// The names and hashes of an htpasswd file.
pub(crate) struct Access {
    users: Vec<(String, String)>,
    known: RefCell<HashSet<String>>,
}

impl Access {
    /// Reads an htpasswd file.
    ///
    /// # Errors
    /// When it cannot be read, names nobody, or has another hash than bcrypt's.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("could not read {shown}: {error}"))?;
        let mut users = Vec::new();
        for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) =
                line.split_once(':').ok_or_else(|| format!("{shown}, line {at}: no NAME:HASH"))?;
            let is_bcrypt = ["$2y$", "$2b$", "$2a$"].iter().any(|prefix| hash.starts_with(prefix));
            if !is_bcrypt || hash.parse::<bcrypt::HashParts>().is_err() {
                return Err(format!("{shown}, line {at}: no hash of bcrypt; make one with htpasswd -B"));
            }
            users.push((name.to_owned(), hash.to_owned()));
        }
        if users.is_empty() {
            return Err(format!("{shown} names nobody"));
        }
        Ok(Self { users, known: RefCell::default() })
    }

    /// Whether the value of `Authorization` lets in.
    pub(super) async fn admits(&self, header: Option<&str>) -> bool {
        let Some(header) = header else { return false };
        if self.known.borrow().contains(header) {
            return true;
        }
        let Some((name, password)) = credentials(header) else { return false };
        let hash = self.users.iter().find(|(known, _)| *known == name).map(|(_, hash)| hash.clone());
        let is_known = hash.is_some();
        // As long for a name that does not exist as for a wrong password.
        let hash = hash.or_else(|| self.users.first().map(|(_, hash)| hash.clone())).unwrap_or_default();
        let verified = spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false)).await;
        let admitted = verified.unwrap_or(false) && is_known;
        if admitted {
            let mut known = self.known.borrow_mut();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(header.to_owned());
        }
        admitted
    }
}

/// Name and password of `Basic …`.
fn credentials(header: &str) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (name, password) = decoded.split_at(colon);
    Some((String::from_utf8(name.to_vec()).ok()?, password.get(1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_are_what_stands_round_the_first_colon() {
        let header = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert_eq!(credentials(&header("a:b:c")), Some(("a".into(), b"b:c".to_vec())));
        assert_eq!(credentials(&header("a")), None);
        assert_eq!(credentials("Bearer x"), None);
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(header in "\\PC*|[bB]asic [A-Za-z0-9+/=]{0,20}") {
            let _ = credentials(&header);
        }
    }
}
