//! What a request of Postman sends: method, address, headers, key and body, cut at their variables.

use serde_json::Value;

use super::{
    body::{Body, body},
    collection::Item,
    variables::{Part, Variables, filled, is_secret_name, plain},
};
use crate::suites::{draft::Losses, node::Node};

/// Headers that belong to the connection, or that every client sets by itself.
const NOT_SENT: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "postman-token"];

/// A query in order; without a value only the name stands there.
pub(super) type Query = Vec<(Vec<Part>, Option<Vec<Part>>)>;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The address without its query.
    pub(super) address: Vec<Part>,
    pub(super) query: Query,
    pub(super) headers: Vec<(String, Vec<Part>)>,
    pub(super) key: Option<Key>,
    pub(super) body: Option<Body>,
}

/// A secret in a header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) header: String,
    /// What stands before it, such as `Bearer `.
    pub(super) before: String,
    /// The variable of the environment that holds it.
    pub(super) variable: String,
}

/// Why a request is left out.
pub(super) struct LeftOut {
    pub(super) place: String,
    pub(super) why: String,
}

/// What is read while a request is carried over.
pub(super) struct Reader<'a> {
    pub(super) item: &'a Item,
    pub(super) variables: &'a Variables,
    /// The name of the suite, for keys that no variable names.
    pub(super) suite: &'a str,
    pub(super) losses: &'a mut Losses,
}

impl Reader<'_> {
    pub(super) fn read(&mut self) -> Result<Asked, LeftOut> {
        let request = self.item.request.clone();
        let out = |node: &Node, why: &str| LeftOut { place: node.place(), why: why.to_owned() };
        let method = request.text("method").unwrap_or_else(|| "GET".to_owned()).to_uppercase();
        if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH") {
            let why = format!("evalmark asks by GET, POST, PUT and PATCH, and never by {method}");
            return Err(out(&request, &why));
        }
        let url =
            if request.as_text().is_some() { Some(request.clone()) } else { request.get("url") };
        let url = url.ok_or_else(|| out(&request, "it has no address"))?;
        let (address, query) = self.address(&url)?;
        let mut headers = Vec::new();
        let mut key = self.auth();
        if let Some(list) = request.get("header") {
            self.headers(&list, &mut headers, &mut key);
        }
        let body = match request.get("body").filter(|_| method != "GET") {
            Some(node) => body(&node, self.variables).map_err(|why| out(&node, &why))?,
            None => None,
        };
        if let Some((content_type, _)) = &body
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("Content-Type".to_owned(), vec![Part::Text(content_type.clone())]));
        }
        let body = body.map(|(_, body)| body);
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Asked { method, address, query, headers, key, body })
    }

    /// The address as Postman puts it together: scheme, host and path, then the query.
    fn address(&mut self, node: &Node) -> Result<(Vec<Part>, Query), LeftOut> {
        let whole = node.as_text().map(str::to_owned);
        let is_taken_apart = node.get("host").is_some() && whole.is_none();
        let (base, query) = if is_taken_apart {
            let pairs = node.get("query").map(|query| query.elements()).unwrap_or_default();
            let pairs = pairs.iter().filter(|pair| is_on(pair) && pair.get("key").is_some());
            let pair = |pair: &Node| {
                (pair.text("key").unwrap_or_default(), pair.get("value").map(|v| plain(v.value())))
            };
            (put_together(node), pairs.map(pair).collect())
        } else {
            split(&whole.or_else(|| node.text("raw")).unwrap_or_default())
        };
        let base = with_path_variables(&base, node);
        let mut address = self.variables.parts(&base);
        let begins = filled(&address[..address.len().min(1)], &serde_json::Map::new());
        if !begins.starts_with("http://") && !begins.starts_with("https://") {
            match address.first_mut() {
                Some(Part::Text(text)) => text.insert_str(0, "http://"),
                _ => return Err(without_host(node, &address)),
            }
        }
        let first = filled(&address[..1], &serde_json::Map::new());
        let behind = first.split_once("://").map_or("", |(_, behind)| behind);
        if behind.is_empty() || (!behind.contains('/') && address.len() > 1) {
            return Err(without_host(node, &address));
        }
        if first
            .split_once("://")
            .is_some_and(|(_, host)| host.split('/').next().is_some_and(|host| host.contains('@')))
        {
            let why = "its address holds a user name or a password, which a suite never does";
            return Err(LeftOut { place: node.place(), why: why.to_owned() });
        }
        // A variable may hold an address with a query.
        let cut = |pair: (String, Option<String>)| {
            (self.variables.parts(&pair.0), pair.1.map(|value| self.variables.parts(&value)))
        };
        let query = query.into_iter().map(cut).collect::<Vec<_>>();
        self.tell(node, &address, "the address");
        for part in &query {
            self.tell(node, &part.0, "the address");
            self.tell(node, part.1.as_deref().unwrap_or_default(), "the address");
        }
        Ok((address, query))
    }

    /// Tells variables that stand in a text and are not filled in.
    pub(super) fn tell(&mut self, node: &Node, parts: &[Part], within: &str) {
        for part in parts {
            let (name, why) = match part {
                Part::Text(_) | Part::Column(_) => continue,
                Part::Secret(name) => (
                    name,
                    "a suite sends secrets in a header alone; it stands there as it is written",
                ),
                Part::Unknown(name) => (
                    name,
                    "neither the collection, nor `--environment FILE`, nor `--data FILE` gives it a value; it is sent as it is written",
                ),
                Part::Dynamic(name) => (
                    name,
                    "it is another at each request, and a suite always asks the same; a fixed value stands in its place",
                ),
            };
            self.losses.push(
                node,
                format!("`{{{{{name}}}}}` in {within} of `{}`", self.item.name),
                why,
            );
        }
    }

    fn headers(
        &mut self,
        list: &Node,
        headers: &mut Vec<(String, Vec<Part>)>,
        key: &mut Option<Key>,
    ) {
        for (name, value, node) in header_list(list) {
            let lower = name.to_ascii_lowercase();
            if NOT_SENT.contains(&lower.as_str()) {
                self.losses.push(
                    &node,
                    format!("the header `{name}`"),
                    "it belongs to the connection",
                );
                continue;
            }
            let parts = self.variables.parts(&value);
            let is_secret =
                is_secret_name(&name) || parts.iter().any(|part| matches!(part, Part::Secret(_)));
            if is_secret {
                self.secret_header(&node, &name, &value, key);
                continue;
            }
            if parts.iter().any(|part| matches!(part, Part::Unknown(_))) {
                let why = "a variable in it has neither a value in the collection nor in `--environment FILE`";
                self.losses.push(
                    &node,
                    format!("the header `{name}` of `{}`", self.item.name),
                    why,
                );
                continue;
            }
            self.tell(&node, &parts, &format!("the header `{name}`"));
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, parts));
        }
    }

    fn secret_header(&mut self, node: &Node, name: &str, value: &str, key: &mut Option<Key>) {
        // Postman's own authorization replaces a header of that name.
        if key.as_ref().is_some_and(|key| key.header.eq_ignore_ascii_case(name)) {
            return;
        }
        let made = self.key(name, "", value);
        match (made, &key) {
            (Some(made), None) => *key = Some(made),
            (_, Some(_)) => self.losses.push(node, format!("the header `{name}`"), "a model has one key, and another header holds it"),
            (None, None) => self.losses.push(node, format!("the header `{name}`"), "a suite names the variable of the environment that holds a key, and this value is no single one"),
        }
    }

    /// A key in a header, by the variable that its value names; the scheme before it stays.
    fn key(&self, header: &str, before: &str, value: &str) -> Option<Key> {
        let (scheme, secret) = match value.split_once(' ') {
            Some((scheme, rest))
                if before.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()) =>
            {
                (format!("{scheme} "), rest.trim())
            }
            _ => (before.to_owned(), value.trim()),
        };
        let named = secret.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let variable = match named.filter(|name| !name.contains('{')) {
            Some(name) if self.variables.column(name.trim()).is_some() => return None,
            Some(name) => variable_name(name),
            None if secret.contains("{{") => return None,
            None => format!("{}_API_KEY", variable_base(self.suite)),
        };
        Some(Key { header: header.to_owned(), before: scheme, variable })
    }

    /// The key of the authorization.
    fn auth(&mut self) -> Option<Key> {
        let auth = self.item.auth.clone()?;
        let kind = auth.text("type").unwrap_or_default();
        let settings = auth.get(&kind);
        let setting = |name: &str| setting(settings.as_ref(), name);
        let made = match kind.as_str() {
            "" | "noauth" => return None,
            "bearer" => self.key("Authorization", "Bearer ", &setting("token").unwrap_or_default()),
            "basic" => {
                let why = "the variable of the environment holds `user:password` in base64";
                self.losses.push(&auth, "the user name and the password", why);
                let variable = variable_name(&format!("{}_basic", self.suite));
                Some(Key {
                    header: "Authorization".to_owned(),
                    before: "Basic ".to_owned(),
                    variable,
                })
            }
            "apikey" if setting("in").as_deref() == Some("query") => {
                self.losses.push(
                    &auth,
                    "the key in the address",
                    "a suite sends keys in a header alone",
                );
                return None;
            }
            "apikey" => {
                let header = setting("key").unwrap_or_else(|| "X-API-Key".to_owned());
                self.key(&header, "", &setting("value").unwrap_or_default())
            }
            "oauth2" if setting("addTokenTo").as_deref() != Some("queryParams") => {
                let why =
                    "a suite gets no token by itself; the variable of the environment holds one";
                self.losses.push(&auth, "how the token is had", why);
                let prefix = setting("headerPrefix").unwrap_or_else(|| "Bearer".to_owned());
                let token = setting("accessToken").unwrap_or_default();
                self.key("Authorization", &format!("{} ", prefix.trim()), &token)
            }
            _ => {
                let why = "a suite sends a key in a header, and signs nothing";
                self.losses.push(&auth, format!("the authorization `{kind}`"), why);
                return None;
            }
        };
        if made.is_none() {
            let why = "a suite names one variable of the environment that holds the key, and this value is no single one";
            self.losses.push(&auth, format!("the authorization `{kind}`"), why);
        }
        made
    }
}

/// An address whose host is not known.
fn without_host(node: &Node, address: &[Part]) -> LeftOut {
    let unknown = address.iter().find_map(|part| match part {
        Part::Unknown(name) | Part::Secret(name) | Part::Column(name) | Part::Dynamic(name) => {
            Some(name)
        }
        Part::Text(_) => None,
    });
    let why = match unknown {
        Some(name) => format!(
            "its host is not known: `{{{{{name}}}}}` has no value here; `--environment FILE` gives it one"
        ),
        None => "its address names no host".to_owned(),
    };
    LeftOut { place: node.place(), why }
}

/// A setting of an authorization: a list of `{ key, value }` since 2.1, a mapping before.
fn setting(settings: Option<&Node>, name: &str) -> Option<String> {
    let settings = settings?;
    if settings.value().is_object() {
        return settings.get(name).map(|node| plain(node.value()));
    }
    let found =
        settings.elements().into_iter().find(|pair| pair.text("key").as_deref() == Some(name))?;
    found.get("value").map(|node| plain(node.value()))
}

/// Headers with their places: a list, or a text with a line for each.
fn header_list(list: &Node) -> Vec<(String, String, Node)> {
    if let Some(text) = list.as_text() {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        return pairs
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned(), list.clone()))
            .collect();
    }
    let pair = |node: Node| {
        let name = node.text("key").filter(|name| !name.trim().is_empty())?;
        let value = node.get("value").map(|value| plain(value.value())).unwrap_or_default();
        Some((name.trim().to_owned(), value, node))
    };
    list.elements().into_iter().filter(is_on).filter_map(pair).collect()
}

pub(super) fn is_on(node: &Node) -> bool {
    node.get("disabled").is_none_or(|node| node.value() != &Value::Bool(true))
}

/// An address that Postman has in parts.
fn put_together(node: &Node) -> String {
    let joined = |key: &str, between: &str| {
        let elements = node.get(key).map(|list| list.elements()).unwrap_or_default();
        let text = |node: &Node| {
            node.get("value")
                .filter(|_| node.value().is_object())
                .map_or_else(|| plain(node.value()), |value| plain(value.value()))
        };
        elements.iter().map(text).collect::<Vec<_>>().join(between)
    };
    let mut address = match node.text("protocol") {
        Some(protocol) => format!("{}://", protocol.trim_end_matches("://")),
        None => String::new(),
    };
    address.push_str(&joined("host", "."));
    if let Some(port) =
        node.get("port").map(|port| plain(port.value())).filter(|port| !port.is_empty())
    {
        address.push(':');
        address.push_str(&port);
    }
    let path = joined("path", "/");
    if node.get("path").is_some() {
        address.push('/');
        address.push_str(path.trim_start_matches('/'));
    }
    address
}

/// An address in one text: what stands before its query, and the query.
fn split(raw: &str) -> (String, Vec<(String, Option<String>)>) {
    let raw = raw.split('#').next().unwrap_or_default();
    let (base, query) = raw.split_once('?').unwrap_or((raw, ""));
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (pair.to_owned(), None),
    };
    (base.to_owned(), query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
}

/// With the values of `:name` in the path.
fn with_path_variables(base: &str, node: &Node) -> String {
    let list = node.get("variable").map(|list| list.elements()).unwrap_or_default();
    let value = |segment: &str| {
        let name = segment.strip_prefix(':')?;
        let is_it =
            |node: &&Node| node.text("key").or_else(|| node.text("id")).as_deref() == Some(name);
        list.iter().find(is_it)?.get("value").map(|value| plain(value.value()))
    };
    let (scheme, rest) = base.split_once("://").map_or(("", base), |(scheme, rest)| (scheme, rest));
    let rest: Vec<String> = rest
        .split('/')
        .map(|segment| value(segment).unwrap_or_else(|| segment.to_owned()))
        .collect();
    if scheme.is_empty() { rest.join("/") } else { format!("{scheme}://{}", rest.join("/")) }
}

/// The variable of the environment for a variable of Postman: a key goes to this machine where its name ends in `_KEY`.
fn variable_name(name: &str) -> String {
    let base = variable_base(name);
    if base.ends_with("_KEY") { base } else { format!("{base}_KEY") }
}

/// A name as variables of the environment are written.
fn variable_base(name: &str) -> String {
    let mut out = String::new();
    let mut was_lower = false;
    for c in name.trim().chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    let parts: Vec<_> = out.split('_').filter(|part| !part.is_empty()).collect();
    let out = parts.join("_");
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        format!("API_{out}")
    } else {
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_environment_are_named_after_postmans() {
        for (name, expected) in [
            ("apiKey", "API_KEY"),
            ("token", "TOKEN_KEY"),
            ("access-token", "ACCESS_TOKEN_KEY"),
            ("API_KEY", "API_KEY"),
            ("2nd", "API_2ND_KEY"),
            ("é", "API__KEY"),
        ] {
            assert_eq!(variable_name(name), expected, "{name}");
        }
    }
}
