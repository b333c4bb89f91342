//! Logs in Elasticsearch or `OpenSearch`: documents of an index by their time, each once. A page begins where the last one
//! ended, by the time of its last document and the ids of those that share it, so that whoever goes on later needs
//! nothing that the server has kept meanwhile.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use evalmark_core::{
    logs::{LogChunk, LogDamage, LogInput, LogInputError, LogPosition, LogRead},
    source::{SourceError, SourceKeys},
};
use evalmark_net::{Method, Secret, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::services::rest::{Login, Repeat, RestServer, server_address};

/// What an address of this source begins with.
const SCHEME: &str = "elasticsearch:";

/// Documents of one page.
const PAGE: usize = 1000;

/// Documents that share one millisecond, at most.
const MOST_AT_ONCE: usize = 50_000;

/// Documents younger than this may have older ones beside them that cannot be found yet.
const DELAY: Duration = Duration::from_mins(1);

/// Between two looks for new documents.
const LOOK: Duration = Duration::from_secs(5);

/// What an address says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    server: Url,
    index: String,
    time: String,
    query: Option<String>,
    delay: Duration,
    api_key_env: Option<String>,
    user: Option<String>,
    password_env: Option<String>,
}

/// What is read, and from where on.
pub struct ElasticsearchOptions<'a> {
    /// `elasticsearch:https://SERVER/INDEX?time=FIELD&query=…`.
    pub place: &'a str,
    /// Where keys come from.
    pub keys: &'a dyn SourceKeys,
    /// How far everything has been read before.
    pub positions: Vec<LogPosition>,
    /// Whether there is more to come.
    pub follow: bool,
    /// What time it is: milliseconds since 1970.
    pub now: fn() -> i64,
}

/// Documents of an index, read page by page.
pub struct ElasticsearchLogs {
    address: Address,
    rest: RestServer,
    name: Arc<str>,
    file: usize,
    position: LogPosition,
    cursor: Cursor,
    follow: bool,
    now: fn() -> i64,
    next_look: Option<Instant>,
}

/// Where reading stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The time of the last document: milliseconds since 1970.
    time: Option<i64>,
    /// The documents of that time.
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    timed_out: bool,
    #[serde(default, rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Default, Deserialize)]
struct Shards {
    #[serde(default)]
    failed: u64,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source")]
    source: Option<Map<String, Value>>,
    sort: Vec<Value>,
}

/// Whether a place is one of these.
pub fn is_elasticsearch(place: &str) -> bool {
    place.starts_with(SCHEME)
}

/// The server that a place names, for whoever gives leave to send it a key.
pub fn elasticsearch_server(place: &str) -> Option<String> {
    Address::read(place).ok().map(|address| address.server.to_string())
}

impl Address {
    fn read(place: &str) -> Result<Self, String> {
        let text = place.strip_prefix(SCHEME).unwrap_or(place);
        let (plain, query) =
            text.split_once('?').map_or((text, None), |(plain, query)| (plain, Some(query)));
        let mut server = server_address(plain)?;
        let path = server.path().trim_matches('/').to_owned();
        let (before, index) = path.rsplit_once('/').unwrap_or(("", &path));
        if index.is_empty() {
            return Err("names no index: write `elasticsearch:https://SERVER/INDEX`".to_owned());
        }
        server.set_path(before);
        let mut read = Self {
            server,
            index: index.to_owned(),
            time: "@timestamp".to_owned(),
            query: None,
            delay: DELAY,
            api_key_env: None,
            user: None,
            password_env: None,
        };
        let mut asked = read.server.clone();
        asked.set_query(query);
        for (name, value) in asked.query_pairs() {
            let value = value.into_owned();
            match &*name {
                "time" => read.time = value,
                "query" => read.query = Some(value),
                "delay" => read.delay = seconds(&value)?,
                "api_key_env" => read.api_key_env = Some(value),
                "user" => read.user = Some(value),
                "password_env" => read.password_env = Some(value),
                _ => {
                    return Err(format!(
                        "has `{name}`, and knows `time`, `query`, `delay`, `api_key_env`, `user` and `password_env`"
                    ));
                }
            }
        }
        if read.user.is_some() != read.password_env.is_some() {
            return Err("names a user and the variable of its password together".to_owned());
        }
        Ok(read)
    }

    fn login(&self, keys: &dyn SourceKeys) -> Result<Login, SourceError> {
        let key = |variable: &String| Ok(Secret::new(&keys.key(variable, &self.server)?));
        match (&self.api_key_env, &self.user, &self.password_env) {
            (Some(variable), ..) => key(variable).map(Login::ApiKey),
            (None, Some(user), Some(variable)) => Ok(Login::Basic(user.clone(), key(variable)?)),
            _ => Ok(Login::None),
        }
    }

    /// What it is called where it is told and kept: no query.
    fn name(&self) -> String {
        format!("{SCHEME}{}/{}", self.server.as_str().trim_end_matches('/'), self.index)
    }

    /// By what a position is known again: another query has read other documents.
    fn identity(&self) -> String {
        let query = self.query.as_deref().unwrap_or_default();
        blake3::hash(format!("{}\n{query}", self.time).as_bytes()).to_hex()[..32].to_owned()
    }
}

impl ElasticsearchLogs {
    /// Gets ready to ask; nothing is asked yet.
    pub fn open(options: ElasticsearchOptions<'_>) -> Result<Self, LogInputError> {
        let ElasticsearchOptions { place, keys, positions, follow, now } = options;
        let unreadable = |reason: String| {
            let place = place.split('?').next().unwrap_or_default().to_owned();
            LogInputError::Unreadable { place, reason }
        };
        let address = Address::read(place).map_err(unreadable)?;
        let login = address.login(keys).map_err(|error| {
            let hint = match &error {
                SourceError::Failed { hint: Some(hint), .. } => format!("; {hint}"),
                _ => String::new(),
            };
            unreadable(format!("{error}{hint}"))
        })?;
        let rest = RestServer::open(&address.server, login, None);
        let rest = rest.map_err(|error| unreadable(error.to_string()))?;
        let (path, head) = (address.name(), address.identity());
        let is_its = |one: &LogPosition| one.path.as_os_str() == path.as_str() && one.head == head;
        let file = positions.iter().position(is_its);
        let new = LogPosition { path: path.clone().into(), head, ..LogPosition::default() };
        let position = file.map_or(new, |file| positions[file].clone());
        let cursor = serde_json::from_str(&position.cursor).unwrap_or_default();
        Ok(Self {
            address,
            rest,
            name: path.into(),
            file: file.unwrap_or(positions.len()),
            position,
            cursor,
            follow,
            now,
            next_look: None,
        })
    }

    fn page(&self) -> Result<Vec<Hit>, LogInputError> {
        let delay = i64::try_from(self.address.delay.as_millis()).unwrap_or(i64::MAX);
        let until = (self.now)().saturating_sub(delay);
        let body = question(&self.address, &self.cursor, until);
        let found: Found = self
            .rest
            .change(&Method::POST, &[&self.address.index, "_search"], &body, Repeat::Always)
            .map_err(|error| self.unreadable(&error))?;
        if found.timed_out || found.shards.failed > 0 {
            return Err(self.unreadable(&"the server could not search all of its shards"));
        }
        Ok(found.hits.hits)
    }

    /// The lines of a page; what lies behind them is asked for next.
    fn chunk(&mut self, hits: Vec<Hit>) -> Result<LogChunk, LogInputError> {
        let (mut bytes, mut damaged) = (Vec::new(), Vec::new());
        let first_line = self.position.lines + 1;
        for hit in hits {
            let time = hit.sort.first().and_then(milliseconds);
            let time = time.ok_or_else(|| self.unreadable(&"the server sorts by no time"))?;
            if self.cursor.time != Some(time) {
                self.cursor = Cursor { time: Some(time), ids: Vec::new() };
            }
            self.position.lines += 1;
            match hit.source {
                Some(mut source) => {
                    source.entry("_id").or_insert_with(|| hit.id.clone().into());
                    // Values of a document always make JSON.
                    bytes.extend(serde_json::to_vec(&source).unwrap_or_default());
                }
                None => damaged.push(LogDamage {
                    line: Some(self.position.lines),
                    problem: "has no `_source`".to_owned(),
                }),
            }
            bytes.push(b'\n');
            self.cursor.ids.push(hit.id);
        }
        if self.cursor.ids.len() > MOST_AT_ONCE {
            let told = format!("more than {MOST_AT_ONCE} documents have one time");
            return Err(self.unreadable(&told));
        }
        self.position.cursor = serde_json::to_string(&self.cursor).unwrap_or_default();
        Ok(LogChunk {
            file: Some(self.file),
            name: self.name.clone(),
            first_line,
            start: 0,
            bytes,
            damaged,
            left_out: 0,
            after: self.position.clone().into(),
        })
    }

    fn unreadable(&self, reason: &dyn std::fmt::Display) -> LogInputError {
        LogInputError::Unreadable { place: self.name.to_string(), reason: reason.to_string() }
    }
}

impl LogInput for ElasticsearchLogs {
    fn read(&mut self) -> Result<LogRead, LogInputError> {
        if self.next_look.is_some_and(|at| Instant::now() < at) {
            return Ok(LogRead::Waiting);
        }
        let hits = self.page()?;
        if hits.is_empty() {
            self.next_look = Some(Instant::now() + LOOK);
            return Ok(if self.follow { LogRead::Waiting } else { LogRead::End });
        }
        self.next_look = None;
        self.chunk(hits).map(LogRead::Chunk)
    }
}

/// The next documents, the oldest first, before a moment.
fn question(address: &Address, cursor: &Cursor, until: i64) -> Value {
    let mut range = json!({ "lt": until, "format": "epoch_millis" });
    if let Some(time) = cursor.time {
        range["gte"] = time.into();
    }
    let mut filter = vec![json!({ "range": { &address.time: range } })];
    if let Some(query) = &address.query {
        filter.push(json!({ "query_string": { "query": query } }));
    }
    json!({
        "size": PAGE,
        "track_total_hits": false,
        "sort": [{ &address.time: { "order": "asc" } }],
        "query": { "bool": { "filter": filter, "must_not": [{ "ids": { "values": cursor.ids } }] } },
    })
}

/// A time by which the server sorts: milliseconds, or nanoseconds where a field holds these.
fn milliseconds(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    Some(if number.unsigned_abs() >= 100_000_000_000_000_000 { number / 1_000_000 } else { number })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse();
    number.map(Duration::from_secs).map_err(|_| format!("has `delay={text}`: write seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_is_asked() {
        let read = |place: &str| Address::read(place);
        let plain = read("elasticsearch:http://127.0.0.1:9200/app-*").expect("an address");
        assert_eq!((plain.server.as_str(), &*plain.index), ("http://127.0.0.1:9200/", "app-*"));
        assert_eq!((&*plain.time, plain.delay), ("@timestamp", DELAY));
        assert_eq!(plain.name(), "elasticsearch:http://127.0.0.1:9200/app-*");
        let place = "elasticsearch:https://h/es/logs?time=ts&query=kind:chat+AND%20ok:true&delay=5s&api_key_env=KEY";
        let full = read(place).expect("an address");
        assert_eq!((full.server.as_str(), &*full.index), ("https://h/es", "logs"));
        assert_eq!(full.query.as_deref(), Some("kind:chat AND ok:true"));
        assert_eq!((full.delay, &*full.time), (Duration::from_secs(5), "ts"));
        assert_eq!(full.api_key_env.as_deref(), Some("KEY"));
        assert_ne!(full.identity(), plain.identity());
        let check = |place: &str, part: &str| {
            let error = read(place).expect_err(place);
            assert!(error.contains(part), "{place}: {error}");
        };
        check("elasticsearch:https://h/", "names no index");
        check("elasticsearch:https://h/logs?tiem=x", "has `tiem`, and knows `time`");
        check("elasticsearch:https://h/logs?user=ann", "together");
        check("elasticsearch:https://h/logs?delay=soon", "write seconds");
        assert!(read("elasticsearch:https://ann:secret@h/logs").is_err());
        assert!(read("elasticsearch:ftp://h/logs").is_err());
    }

    #[test]
    fn times_are_milliseconds() {
        let check = |value: Value, expected: Option<i64>| {
            assert_eq!(milliseconds(&value), expected, "{value}");
        };
        check(json!(1_767_225_600_250_i64), Some(1_767_225_600_250));
        check(json!("1767225600250"), Some(1_767_225_600_250));
        check(json!(1_767_225_600_250_123_456_i64), Some(1_767_225_600_250));
        check(json!("soon"), None);
        check(Value::Null, None);
    }
}
