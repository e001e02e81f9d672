//! The flags that lead where these settings do: what was typed for that, secrets left out.

use super::ConnInfo;
use super::parameter::{Parameter, ValueSource};
use crate::model::suggestion::{Lead, option};

/// The keywords that have a flag of their own, but for the database's.
const FLAGS: [(&str, &str); 4] = [("service", "-S"), ("host", "-h"), ("port", "-p"), ("user", "-U")];

impl ConnInfo {
    /// What was typed to say where to connect, as flags. What has no flag goes into a connection string, the database with it.
    pub(crate) fn lead(&self) -> Lead {
        let typed = || self.parameters().iter().filter(|parameter| is_typed(parameter));
        let of = |keyword: &str| typed().find(|parameter| parameter.keyword == keyword);
        let flags = FLAGS.iter().filter_map(|(keyword, flag)| Some(option(flag, &of(keyword)?.value)));
        let server = flags.flatten().collect();
        let flag = |keyword: &str| keyword == "dbname" || FLAGS.iter().any(|(known, _)| *known == keyword);
        let mut others: Vec<String> = typed()
            .filter(|parameter| !flag(parameter.keyword))
            .map(|parameter| setting(parameter.keyword, &parameter.value))
            .collect();
        let database = match of("dbname") {
            Some(name) if others.is_empty() && !name.value.contains(['=', ':']) => option("-d", &name.value),
            None if others.is_empty() => Vec::new(),
            name => {
                others.extend(name.map(|name| setting("dbname", &name.value)));
                option("-d", &others.join(" "))
            }
        };
        Lead { server, database }
    }
}

fn is_typed(parameter: &Parameter) -> bool {
    let by_hand = matches!(
        parameter.source,
        ValueSource::Argument(_) | ValueSource::Uri | ValueSource::ConnectionString
    );
    by_hand && !parameter.secret && !parameter.value.is_empty()
}

/// A setting of a connection string.
pub(super) fn setting(keyword: &str, value: &str) -> String {
    let plain = value.chars().all(|character| character.is_alphanumeric() || "_-.:/@".contains(character));
    let quoted = || format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
    format!("{keyword}={}", if plain { value.to_owned() } else { quoted() })
}
