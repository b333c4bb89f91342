//! Addresses of objects: `s3://BUCKET/logs/*.jsonl?region=…`, `gs://BUCKET/…` and `az://CONTAINER/…?account=…`. What stands behind
//! `?` are parameters of the source of datasets of the same store.

use serde_json::{Map, Value};

use crate::sources::objects::{Store, store_of_azure, store_of_gcs, store_of_s3};

/// What an address begins with, what its store calls a bucket, and the parameters that may stand behind it.
struct Scheme {
    prefix: &'static str,
    bucket: &'static str,
    parameters: &'static [&'static str],
    open: fn(Value) -> Result<Box<dyn Store>, String>,
}

const SCHEMES: [Scheme; 3] = [
    Scheme {
        prefix: "s3://",
        bucket: "bucket",
        parameters: &[
            "region",
            "endpoint",
            "access_key_env",
            "secret_key_env",
            "session_token_env",
            "anonymous",
            "ca_file",
        ],
        open: store_of_s3,
    },
    Scheme {
        prefix: "gs://",
        bucket: "bucket",
        parameters: &["endpoint", "token_env", "anonymous", "ca_file"],
        open: store_of_gcs,
    },
    Scheme {
        prefix: "az://",
        bucket: "container",
        parameters: &[
            "account",
            "endpoint",
            "key_env",
            "sas_env",
            "token_env",
            "anonymous",
            "ca_file",
        ],
        open: store_of_azure,
    },
];

/// What an address says.
pub(super) struct Address {
    pub(super) store: Box<dyn Store>,
    /// What its objects' names begin with in messages: `s3://BUCKET/`.
    #[cfg_attr(
        not(feature = "object-store"),
        expect(dead_code, reason = "this build asks no store")
    )]
    pub(super) root: String,
    /// Seconds between two looks, where it says so.
    #[cfg_attr(
        not(feature = "object-store"),
        expect(dead_code, reason = "this build asks no store")
    )]
    pub(super) every: Option<u64>,
}

/// Whether a place is one of these.
pub fn is_object_store(place: &str) -> bool {
    SCHEMES.iter().any(|scheme| place.starts_with(scheme.prefix))
}

/// The server that a place names, to which the user may allow a key to be sent.
pub fn object_store_server(place: &str) -> Option<String> {
    Address::read(place).ok().map(|address| address.store.place().server.to_string())
}

impl Address {
    pub(super) fn read(place: &str) -> Result<Self, String> {
        let scheme = SCHEMES.iter().find(|scheme| place.starts_with(scheme.prefix));
        let scheme = scheme.ok_or("names no object store: `s3://`, `gs://` or `az://`")?;
        let (plain, query) = split(place);
        let rest = &plain[scheme.prefix.len()..];
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if key.is_empty() {
            let Scheme { prefix, bucket, .. } = scheme;
            let bucket = bucket.to_uppercase();
            return Err(format!(
                "names no object: write `{prefix}{bucket}/logs/`, or a pattern such as `{prefix}{bucket}/logs/**/*.jsonl`"
            ));
        }
        let mut every = None;
        let mut params = Map::new();
        for (name, value) in pairs(query) {
            match &*name {
                "every" => every = Some(seconds(&value)?),
                "anonymous" => {
                    let is_anonymous = value.parse::<bool>();
                    let is_anonymous = is_anonymous
                        .map_err(|_| "has `anonymous`, which is `true` or `false`".to_owned())?;
                    params.insert(name, is_anonymous.into());
                }
                known if scheme.parameters.contains(&known) => {
                    params.insert(name, value.into());
                }
                _ => {
                    let known: Vec<_> =
                        scheme.parameters.iter().map(|name| format!("`{name}`")).collect();
                    return Err(format!(
                        "has `{name}`, and knows {} and `every`",
                        known.join(", ")
                    ));
                }
            }
        }
        params.insert(scheme.bucket.to_owned(), bucket.into());
        params.insert("key".to_owned(), key.into());
        let store = (scheme.open)(params.into())?;
        Ok(Self { store, root: format!("{}{bucket}/", scheme.prefix), every })
    }
}

/// An address without its parameters: `?` is a letter of patterns, too.
pub(super) fn split(place: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = |at: usize| {
        let rest = &place[at + 1..];
        let name = rest.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(is_name)
    };
    let mut places = place.match_indices('?').map(|(at, _)| at);
    places.find(|at| begins(*at)).map_or((place, ""), |at| (&place[..at], &place[at + 1..]))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        (name.to_owned(), value)
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn seconds(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse();
    number.map_err(|_| format!("has `every={text}`: write seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_which_objects_of_which_server() {
        let check = |place: &str, server: &str, origin: &str| {
            let address = Address::read(place).expect(place);
            let of = address.store.place();
            assert_eq!((of.server.as_str(), &*of.origin), (server, origin), "{place}");
        };
        check(
            "s3://data/logs/*.jsonl?region=eu-west-1",
            "https://s3.eu-west-1.amazonaws.com/",
            "s3://data/logs/*.jsonl",
        );
        check(
            "s3://data/2026-??/a.gz?endpoint=http%3A%2F%2F127.0.0.1:9000&anonymous=true",
            "http://127.0.0.1:9000/",
            "s3://data/2026-??/a.gz at http://127.0.0.1:9000/",
        );
        check("gs://data/logs/", "https://storage.googleapis.com/", "gs://data/logs/");
        check(
            "az://data/logs/a?.jsonl?account=acme&key_env=KEY",
            "https://acme.blob.core.windows.net/",
            "https://acme.blob.core.windows.net/data/logs/a?.jsonl",
        );
        let check = |place: &str, part: &str| {
            let error = Address::read(place).err().unwrap_or_default();
            assert!(error.contains(part), "{place}: {error}");
        };
        check("s3://data", "names no object: write `s3://BUCKET/logs/`");
        check("s3://data/?region=x", "names no object");
        check("s3://data/a?regoin=x", "has `regoin`, and knows `region`");
        check("s3://data/a?sha256=x", "has `sha256`");
        check("s3://data/a", "`region` is missing");
        check("s3://data/a?region=x&anonymous=maybe", "`true` or `false`");
        check("az://data/a?account=acme", "does not say what the container is asked with");
        check("gs://data/../a", "empty, `.` or `..`");
        check("gs://data/a?every=soon", "write seconds");
        assert!(is_object_store("gs://data/a") && !is_object_store("logs/s3://a"));
    }

    #[test]
    fn a_question_mark_of_a_pattern_begins_no_parameters() {
        assert_eq!(split("s3://b/a?.jsonl"), ("s3://b/a?.jsonl", ""));
        assert_eq!(split("s3://b/a?.jsonl?region=x&a=b"), ("s3://b/a?.jsonl", "region=x&a=b"));
        assert_eq!(split("s3://b/a"), ("s3://b/a", ""));
    }
}
