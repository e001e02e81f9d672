//! Keeping secrets out of messages that quote what was typed.

/// What is shown instead of a secret.
pub(crate) const MASK: &str = "********";

/// `text` with everything that can be a password in a URI masked: from the first `:` after `://` to the last `@`,
/// and the values of `password` and `sslpassword` among its query parameters.
pub(super) fn uri(text: &str) -> String {
    let Some(start) = text.find("://").map(|at| at + 3) else { return text.to_owned() };
    let (scheme, rest) = text.split_at(start);
    let masked = match (rest.find(':'), rest.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => {
            let (user, _) = rest.split_at(colon);
            let (_, host) = rest.split_at(at);
            format!("{user}:{MASK}{host}")
        }
        _ => rest.to_owned(),
    };
    let Some((before, query)) = masked.split_once('?') else { return format!("{scheme}{masked}") };
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.contains("password") || key.contains('%') => format!("{key}={MASK}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{scheme}{before}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_without_credentials_is_shown_as_it_is() {
        assert_eq!(uri("postgres://[]/db"), "postgres://[]/db");
        assert_eq!(uri("postgres://me@[]:5/db?a=b"), "postgres://me@[]:5/db?a=b");
    }

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        assert_eq!(uri("postgres://me:se@cret@[/db"), format!("postgres://me:{MASK}@[/db"));
        assert_eq!(uri("postgres://me:se/cr?et@h/db"), format!("postgres://me:{MASK}@h/db"));
        assert_eq!(
            uri("postgres://[/db?sslpassword=x&a=b"),
            format!("postgres://[/db?sslpassword={MASK}&a=b")
        );
        assert_eq!(uri("postgres://[/db?pass%77ord=x"), format!("postgres://[/db?pass%77ord={MASK}"));
    }
}
