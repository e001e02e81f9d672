//! The settings of a session that exists, for whoever has to come back to the very place that it reached.

use std::ffi::OsString;

use super::ConnInfo;
use super::bytes::{os_string_of, text_of};
use super::host::Host;
use super::keyword::KEYWORDS;
use super::lead::setting;
use super::parameter::ValueSource;
use super::settings::{LoadBalance, TargetSession};

/// Variables for another program, each to be set or to be taken away.
pub(crate) type Variables = Vec<(&'static str, Option<OsString>)>;

/// Keywords that say nothing about the way: who one is there, and where to look for the way.
const NOT_THE_WAY: [&str; 5] =
    ["password", "servicefile", "application_name", "client_encoding", "connect_timeout"];

/// Keywords that could lead to another place than the one that was reached.
const LEADING_ELSEWHERE: [&str; 3] = ["service", "target_session_attrs", "load_balance_hosts"];

impl ConnInfo {
    /// A copy that leads to this one place alone: the address that was reached instead of a name that may lead elsewhere, and whatever
    /// kind of server it is by then. The password is that of `reached`, the host of these settings that led there.
    pub(crate) fn pinned_to(&self, reached: &Host, hostaddr: Option<String>) -> Self {
        let mut pinned = self.clone();
        pinned.hosts = vec![Host { hostaddr, ..reached.clone() }];
        pinned.settings.target_session = TargetSession::Any;
        pinned.settings.load_balance = LoadBalance::Disable;
        pinned
    }

    /// The environment in which another program that reads libpq's variables gets to where these settings lead. A password is not
    /// in it: whether it has one is for its own environment and the password file to say.
    pub(crate) fn variables(&self) -> Variables {
        let place = self.hosts.first();
        let of_place = |keyword: &str| match keyword {
            "host" => place.map(|host| host.host.clone()).filter(|host| !host.is_empty()),
            "hostaddr" => place.and_then(|host| host.hostaddr.clone()),
            "port" => place.map(|host| host.port.to_string()),
            "user" => Some(self.user().to_owned()),
            _ => Some(self.dbname().to_owned()),
        };
        let mut variables = Variables::new();
        for keyword in KEYWORDS {
            let Some(variable) = keyword.variable.filter(|_| !NOT_THE_WAY.contains(&keyword.name)) else {
                continue;
            };
            match keyword.name {
                name if LEADING_ELSEWHERE.contains(&name) => variables.push((variable, None)),
                name @ ("host" | "hostaddr" | "port" | "user" | "dbname") => {
                    variables.push((variable, of_place(name).as_deref().map(os_string_of)));
                }
                name => {
                    // What a variable has said is inherited, and a default is everybody's.
                    let said = self.parameter(name).filter(|parameter| {
                        !matches!(parameter.source, ValueSource::Default | ValueSource::Variable(_))
                    });
                    variables.extend(said.map(|parameter| (variable, Some(os_string_of(&parameter.value)))));
                }
            }
        }
        variables
    }

    /// A connection string that leads another run of this program, in the same environment without `PGSERVICE` and the like, to where
    /// these settings lead. It holds their password, where that run would not find it by itself.
    pub(crate) fn connection_string(&self) -> String {
        const PLACE: [&str; 7] = ["host", "hostaddr", "port", "user", "dbname", "password", "servicefile"];
        let of_others = self.parameters.iter().filter(|parameter| {
            let keyword = parameter.keyword;
            !(matches!(parameter.source, ValueSource::Default | ValueSource::Variable(_))
                || PLACE.contains(&keyword)
                || LEADING_ELSEWHERE.contains(&keyword))
        });
        let mut settings: Vec<String> =
            of_others.map(|parameter| setting(parameter.keyword, &parameter.value)).collect();
        settings.push(setting("user", self.user()));
        settings.push(setting("dbname", self.dbname()));
        if let Some(host) = self.hosts.first() {
            settings.push(setting("host", &host.host));
            settings.extend(host.hostaddr.as_ref().map(|address| setting("hostaddr", address)));
            settings.push(setting("port", &host.port.to_string()));
            let password = host.password.as_ref().filter(|_| !self.hands_on_password());
            let password = password.filter(|_| self.password_command.is_none());
            settings.extend(password.map(|password| setting("password", &text_of(&password.bytes))));
        }
        settings.join(" ")
    }

    /// Whether another program in [`ConnInfo::variables`] finds the password that these settings have, if they have one.
    pub(crate) fn hands_on_password(&self) -> bool {
        if self.password_command.is_some() {
            return false;
        }
        let password = self.hosts.first().and_then(|host| host.password.as_ref());
        password.is_none_or(|password| {
            matches!(password.source, ValueSource::Variable(_) | ValueSource::PasswordFile { .. })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::conninfo::{Environment, Given, LoadBalance, Password, TargetSession, ValueSource, resolve};

    #[test]
    fn one_of_several_hosts_is_left_with_its_password_and_any_kind_of_server() {
        let text =
            "host=a,b port=1,2 user=u password=p target_session_attrs=primary load_balance_hosts=random";
        let given = Given { dbname: Some(text.to_owned()), ..Given::default() };
        let info = resolve(&given, &Environment::default()).expect("settings");
        let pinned = info.pinned_to(&info.hosts()[1], Some("10.0.0.2".to_owned()));
        let [host] = pinned.hosts() else { panic!("{:?}", pinned.hosts()) };
        assert_eq!((host.host.as_str(), host.hostaddr.as_deref(), host.port), ("b", Some("10.0.0.2"), 2));
        assert_eq!(host.password, info.hosts()[1].password);
        let settings = pinned.settings();
        assert_eq!(
            (settings.target_session, settings.load_balance),
            (TargetSession::Any, LoadBalance::Disable)
        );
    }

    /// Addresses without names, whose passwords differ.
    #[test]
    fn the_password_is_that_of_the_host_that_was_reached() {
        let given =
            Given { dbname: Some("hostaddr=10.0.0.1,10.0.0.2 port=5 user=u".into()), ..Given::default() };
        let mut info = resolve(&given, &Environment::default()).expect("settings");
        for (host, password) in info.hosts.iter_mut().zip(["one", "two"]) {
            host.password = Some(Password { bytes: password.into(), source: ValueSource::Prompt });
        }
        for (at, wanted) in [(0, "one"), (1, "two")] {
            let pinned = info.pinned_to(&info.hosts()[at], info.hosts()[at].hostaddr.clone());
            let password = pinned.hosts()[0].password.as_ref().expect("a password");
            assert_eq!(password.bytes, wanted.as_bytes());
        }
    }

    #[test]
    fn a_connection_string_leads_another_run_there_with_the_password_that_it_lacks() {
        let text =
            "host=a,b port=1,2 user='o\\'k' password='p w' sslmode=require target_session_attrs=primary";
        let given = Given { dbname: Some(text.to_owned()), ..Given::default() };
        let info = resolve(&given, &Environment::default()).expect("settings");
        let pinned = info.pinned_to(&info.hosts()[1], Some("10.0.0.2".to_owned()));
        let again = Given { dbname: Some(pinned.connection_string()), ..Given::default() };
        let again = resolve(&again, &Environment::default()).expect("settings");
        assert_eq!(again.hosts().len(), 1);
        let bytes =
            |info: &crate::conninfo::ConnInfo| info.hosts()[0].password.clone().map(|found| found.bytes);
        assert_eq!(bytes(&again), bytes(&pinned));
        let place = |info: &crate::conninfo::ConnInfo| {
            let host = &info.hosts()[0];
            (
                host.host.clone(),
                host.hostaddr.clone(),
                host.port,
                info.user().to_owned(),
                info.dbname().to_owned(),
            )
        };
        assert_eq!(place(&again), place(&pinned));
        assert_eq!(again.settings().target_session, TargetSession::Any);
        let variable = Environment::default();
        let mut found = pinned.clone();
        found.hosts[0].password.as_mut().unwrap().source = ValueSource::Variable("PGPASSWORD");
        assert!(!found.connection_string().contains("password"), "{variable:?}");
    }

    #[test]
    fn variables_lead_to_the_place_alone_and_hold_no_password() {
        let text = "host=db hostaddr=10.0.0.2 port=6 user='a b' dbname=d password=secret sslmode=require \
                    sslrootcert=/r options=-cx=1";
        let given = Given { dbname: Some(text.to_owned()), ..Given::default() };
        let info = resolve(&given, &Environment::default()).expect("settings");
        let variables = info.pinned_to(&info.hosts()[0], Some("10.0.0.2".to_owned())).variables();
        let of =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let set = |name: &str| of(name).flatten().and_then(|value| value.into_string().ok());
        let place = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE"].map(|name| set(name).unwrap());
        assert_eq!(place, ["db", "10.0.0.2", "6", "a b", "d"]);
        assert_eq!((set("PGSSLMODE"), set("PGSSLROOTCERT")), (Some("require".into()), Some("/r".into())));
        assert_eq!((set("PGOPTIONS"), of("PGPASSWORD")), (Some("-cx=1".into()), None));
        for removed in ["PGSERVICE", "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS"] {
            assert_eq!(of(removed), Some(None), "{removed}");
        }
        assert!(!info.hands_on_password());
    }
}
