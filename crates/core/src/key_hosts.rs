//! Which hosts a key belongs to. A suite names a variable and an address, and may come from a
//! stranger; so a key goes only where it is known to belong, or where the user says so.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

/// A variable that holds a known provider's key, and the hosts that the key may go to. A host stands
/// for those below it, too: `eu.api.example.com` is `api.example.com`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOwner {
    /// The variable.
    pub variable: &'static str,
    /// The hosts.
    pub hosts: &'static [&'static str],
}

/// Parts of names of keys that are no model server's.
const OTHER_SECRETS: [&str; 9] =
    ["SECRET", "ACCESS", "PRIVATE", "SIGNING", "ENCRYPTION", "SSH", "GPG", "AWS", "PASS"];

/// Whether a key may go to an address without anyone having said so: to its provider's hosts; and to
/// servers on this machine, where it reads like the key of a model server (`LITELLM_MASTER_KEY`) and
/// is not known as another's. `of_the_protocol` is the variable that any server with this protocol is
/// given its key by.
pub fn belongs(
    variable: &str,
    address: &Url,
    owners: &[KeyOwner],
    of_the_protocol: Option<&str>,
) -> bool {
    let name = variable.to_ascii_uppercase();
    let known = owners.iter().find(|owner| owner.variable == name);
    if is_this_machine(address) {
        let is_others = known.is_some() && Some(name.as_str()) != of_the_protocol;
        return name.ends_with("KEY")
            && !is_others
            && !OTHER_SECRETS.iter().any(|part| name.contains(part));
    }
    let host = address.host_str().unwrap_or_default();
    let is_of = |owner: &&str| {
        host.strip_suffix(*owner).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    known.is_some_and(|owner| owner.hosts.iter().any(is_of))
}

/// Whether an address is this machine's own: nothing that is sent there leaves it.
pub fn is_this_machine(address: &Url) -> bool {
    let is_own = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => is_own(ip.into()),
        Some(Host::Ipv6(ip)) => is_own(ip.into()),
        None => false,
    }
}

/// A host, at any port or at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: Option<u16>,
}

/// Leave for the key in a variable to go to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    variable: String,
    place: HostPort,
}

impl HostPort {
    /// Where an address leads, port included where it is not the usual one.
    pub fn of(address: &Url) -> Self {
        let host = address.host_str().unwrap_or_default().to_owned();
        Self { host, port: address.port() }
    }

    /// Whether an address is there.
    pub fn holds(&self, address: &Url) -> bool {
        let port = address.port_or_known_default();
        address.host_str() == Some(self.host.as_str()) && (self.port.is_none() || self.port == port)
    }
}

impl KeyGrant {
    /// Leave for the key in a variable to go where an address leads.
    pub fn to(variable: &str, address: &Url) -> Self {
        Self { variable: variable.to_owned(), place: HostPort::of(address) }
    }

    /// Whether it lets the variable's key go to an address.
    pub fn allows(&self, variable: &str, address: &Url) -> bool {
        self.variable == variable && self.place.holds(address)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a host; write `HOST` or `HOST:PORT`");
        if text.is_empty() || text.contains(['/', '@', '?', '#', '*']) {
            return Err(wrong());
        }
        // Hosts are compared as addresses have them.
        let address = Url::parse(&format!("http://{text}/")).map_err(|_| wrong())?;
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let host = address.host_str().ok_or_else(wrong)?.to_owned();
        Ok(Self { host, port: address.port().or(port.filter(|_| !text.ends_with(']'))) })
    }
}

impl FromStr for KeyGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (variable, place) =
            text.split_once('@').filter(|(variable, _)| !variable.is_empty()).ok_or_else(|| {
                format!(
                    "`{text}` does not name a variable and a host; write \
                                        `NAME@HOST`"
                )
            })?;
        Ok(Self { variable: variable.to_owned(), place: place.parse()? })
    }
}

impl fmt::Display for KeyGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.variable, self.place)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: [KeyOwner; 3] = [
        KeyOwner { variable: "OWN_API_KEY", hosts: &["api.own.example"] },
        KeyOwner { variable: "OTHER_API_KEY", hosts: &["api.other.example"] },
        KeyOwner { variable: "GITHUB_TOKEN", hosts: &["models.github.ai"] },
    ];

    fn at(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn a_key_belongs_to_its_provider() {
        for (variable, address, expected) in [
            ("OWN_API_KEY", "https://api.own.example/v1", true),
            ("OWN_API_KEY", "https://API.OWN.EXAMPLE:443/v1", true),
            ("OWN_API_KEY", "https://eu.api.own.example/v1", true),
            ("OWN_API_KEY", "https://api.own.example.evil.example/v1", false),
            ("OWN_API_KEY", "https://evilapi.own.example/v1", false),
            ("OWN_API_KEY", "https://api.own.example@evil.example/v1", false),
            ("OWN_API_KEY", "https://api.other.example/v1", false),
            ("OTHER_API_KEY", "https://api.other.example/v1", true),
            ("AWS_SECRET_ACCESS_KEY", "https://api.own.example/v1", false),
            ("MY_API_KEY", "https://llm.example/v1", false),
            ("OWN_API_KEY", "http://127.0.0.1:8000/v1", true),
            ("OWN_API_KEY", "http://[::1]:8000/v1", true),
            ("OWN_API_KEY", "http://0x7f.1:8000/v1", true),
            ("MY_KEY", "http://localhost:8000/v1", true),
            ("LITELLM_MASTER_KEY", "http://0.0.0.0:4000", true),
            ("AWS_SECRET_ACCESS_KEY", "http://127.0.0.1:9501/v1", false),
            ("STRIPE_SECRET_KEY", "http://127.0.0.1:9501/v1", false),
            ("SSH_PRIVATE_KEY", "http://localhost:9501/v1", false),
            ("GITHUB_TOKEN", "http://localhost:9501/v1", false),
            ("DATABASE_URL", "http://localhost:9501/v1", false),
            ("DB_PASSWORD", "http://localhost:9501/v1", false),
            ("OTHER_API_KEY", "http://localhost:9501/v1", false),
            ("MY_KEY", "http://localhost.evil.example/v1", false),
            ("MY_KEY", "http://10.0.0.1/v1", false),
        ] {
            let belongs = belongs(variable, &at(address), &OWNERS, Some("OWN_API_KEY"));
            assert_eq!(belongs, expected, "{variable} {address}");
        }
    }

    #[test]
    fn a_grant_is_for_one_variable_and_host() {
        let check = |grant: &str, variable: &str, address: &str, expected: bool| {
            let grant: KeyGrant = grant.parse().expect(grant);
            assert_eq!(grant.allows(variable, &at(address)), expected, "{grant:?} {address}");
        };
        check("K@llm.example", "K", "https://LLM.example/v1", true);
        check("K@llm.example", "K", "https://llm.example:8443/v1", true);
        check("K@llm.example:8443", "K", "https://llm.example:8443/v1", true);
        check("K@llm.example:443", "K", "https://llm.example/v1", true);
        check("K@llm.example:80", "K", "https://llm.example/v1", false);
        check("K@llm.example", "L", "https://llm.example/v1", false);
        check("K@llm.example", "K", "https://a.llm.example/v1", false);
        check("K@[::2]", "K", "https://[::2]/v1", true);
        for wrong in ["", "K", "@h", "K@", "K@h/v1", "K@*", "K@http://h", "K@a@b"] {
            assert!(wrong.parse::<KeyGrant>().is_err(), "{wrong}");
        }
    }
}
