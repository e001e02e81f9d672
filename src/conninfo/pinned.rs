//! The settings of a session that exists, for whoever has to come back to the very place that it reached.

use super::{ConnInfo, Host, LoadBalance, TargetSession};

impl ConnInfo {
    /// The same way to this one place alone: the address that was reached instead of a name that may lead elsewhere, and whatever
    /// kind of server it is by then. The password is the one that `place` was found with.
    pub(crate) fn pinned_to(&self, host: &str, hostaddr: Option<String>, port: u16) -> Self {
        let password = self.hosts.iter().find(|known| known.host == host && known.port == port);
        let password = password.and_then(|known| known.password.clone());
        let mut pinned = self.clone();
        pinned.hosts = vec![Host { host: host.to_owned(), hostaddr, port, password }];
        pinned.settings.target_session = TargetSession::Any;
        pinned.settings.load_balance = LoadBalance::Disable;
        pinned
    }
}

#[cfg(test)]
mod tests {
    use crate::conninfo::{Environment, Given, LoadBalance, TargetSession, resolve};

    #[test]
    fn one_of_several_hosts_is_left_with_its_password_and_any_kind_of_server() {
        let text =
            "host=a,b port=1,2 user=u password=p target_session_attrs=primary load_balance_hosts=random";
        let given = Given { dbname: Some(text.to_owned()), ..Given::default() };
        let info = resolve(&given, &Environment::default()).expect("settings");
        let pinned = info.pinned_to("b", Some("10.0.0.2".to_owned()), 2);
        let [host] = pinned.hosts() else { panic!("{:?}", pinned.hosts()) };
        assert_eq!((host.host.as_str(), host.hostaddr.as_deref(), host.port), ("b", Some("10.0.0.2"), 2));
        assert_eq!(host.password, info.hosts()[1].password);
        let settings = pinned.settings();
        assert_eq!(
            (settings.target_session, settings.load_balance),
            (TargetSession::Any, LoadBalance::Disable)
        );
    }
}
