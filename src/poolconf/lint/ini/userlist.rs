//! The auth_file: who is in it, and by which kind of secret. No secret leaves this file.

/// How a user's secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    /// As it is, or empty.
    Plain,
    /// A hash that only a server with the same kind of hash takes.
    Md5,
    /// A secret from which nobody else can log in than who has the password.
    Scram,
}

/// One user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListedUser {
    pub(super) name: String,
    pub(super) secret: Secret,
}

/// The users up to the first line that is none, and that line.
pub(super) fn read(text: &str) -> (Vec<ListedUser>, Option<u64>) {
    let mut users = Vec::new();
    for (line, content) in (1_u64..).zip(text.lines()) {
        let content = content.trim_ascii();
        if content.is_empty() || content.starts_with(';') {
            continue;
        }
        match user(content) {
            Some(user) => users.push(user),
            None => return (users, Some(line)),
        }
    }
    (users, None)
}

fn user(line: &str) -> Option<ListedUser> {
    let (name, rest) = quoted(line.strip_prefix('"')?)?;
    let (secret, _) = quoted(rest.split_once('"')?.1)?;
    let hash = secret.strip_prefix("md5").is_some_and(|hash| hash.len() == 32);
    let secret = if hash {
        Secret::Md5
    } else if secret.starts_with("SCRAM-SHA-256$") {
        Secret::Scram
    } else {
        Secret::Plain
    };
    Some(ListedUser { name, secret })
}

/// The text up to the closing quote, with doubled ones made single, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text;
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_up_to_the_first_line_that_is_none() {
        let text = "; all\n\"a\" \"plain\"\n\"b\"\"c\" \"SCRAM-SHA-256$4096:x\" more\n\n\"d\" \"md500000000000000000000000000000000\"\n\
            e f\n\"g\" \"x\"\n";
        let user = |name: &str, secret| ListedUser { name: name.to_owned(), secret };
        let expected = vec![user("a", Secret::Plain), user("b\"c", Secret::Scram), user("d", Secret::Md5)];
        assert_eq!(read(text), (expected, Some(6)));
        assert_eq!(read("\"a\" \"\"\n"), (vec![user("a", Secret::Plain)], None));
    }
}
