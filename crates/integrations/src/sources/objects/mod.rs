//! What the sources of objects share: where an object is, and how it becomes a snapshot. How each store
//! is spoken to stands in its own file beside this folder.

#[cfg(feature = "object-store")]
mod open;
#[cfg(feature = "object-store")]
mod proofs;
#[cfg(feature = "object-store")]
mod read;
#[cfg(feature = "object-store")]
pub(crate) mod transport;

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{Url, one_line};

use serde_json::Value;

use super::{
    azure::Azure,
    checksum::Checksum,
    definition::DefineSource,
    gcs::Gcs,
    json_rows::ROWS,
    s3::S3,
    snapshots::{Named, Snapshots, advised},
};

#[cfg(feature = "object-store")]
pub(crate) use self::open::{ListedObject, OpenStore};
#[cfg(feature = "object-store")]
pub(super) use self::{
    proofs::{bearer, environment, keys},
    read::retries,
};

/// Where objects are, as a suite says it.
#[derive(Debug)]
#[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "this build asks no store"))]
pub(crate) struct Place {
    /// The server: what keys are allowed for.
    pub(crate) server: Url,
    /// Its address with a path, without `/` at its end.
    pub(crate) endpoint: String,
    /// The bucket, which Azure calls a container.
    pub(crate) bucket: String,
    pub(crate) objects: Objects,
    /// What messages call them.
    pub(crate) origin: String,
    /// The variables with the keys that the server gets.
    pub(crate) variables: Vec<String>,
    pub(crate) expected: Vec<Checksum>,
    pub(crate) ca_file: Option<String>,
}

/// Which objects of a bucket.
#[derive(Debug)]
#[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "this build asks no store"))]
pub(crate) enum Objects {
    /// One, as it is.
    One {
        key: String,
        /// One of its versions.
        version: Option<String>,
    },
    /// All whose keys match, read as one.
    Matching {
        pattern: glob::Pattern,
        /// The folder that they are in.
        folder: String,
    },
}

/// A store with objects.
pub(crate) trait Store {
    /// Where they are.
    fn place(&self) -> &Place;

    /// What proves who asks.
    #[cfg(feature = "object-store")]
    fn proof(&self, context: &SourceContext<'_>) -> Result<transport::Proof, SourceError>;

    /// The store behind its server.
    #[cfg(feature = "object-store")]
    fn connect(
        &self,
        transport: transport::Transport,
    ) -> Result<Box<dyn object_store::ObjectStore>, SourceError>;
}

/// A store of S3 with these parameters, whose objects are read one by one.
pub(crate) fn store_of_s3(params: Value) -> Result<Box<dyn Store>, String> {
    opened::<S3>(params)
}

/// The same of Google Cloud Storage.
pub(crate) fn store_of_gcs(params: Value) -> Result<Box<dyn Store>, String> {
    opened::<Gcs>(params)
}

/// The same of Azure.
pub(crate) fn store_of_azure(params: Value) -> Result<Box<dyn Store>, String> {
    opened::<Azure>(params)
}

fn opened<D: DefineSource + Store>(params: Value) -> Result<Box<dyn Store>, String> {
    let params = serde_json::from_value(params).map_err(|error| error.to_string())?;
    let store = D::open(params).map_err(|error| error.message)?;
    Ok(Box::new(store))
}

/// The snapshot of a store's objects.
pub(super) fn fetch(
    store: &impl Store,
    context: &SourceContext<'_>,
) -> Result<Snapshot, SourceError> {
    let place = store.place();
    let snapshots = Snapshots::open(context.cache_dir)?;
    let named = Named {
        name: place.objects.name(),
        origin: place.origin.clone(),
        server: Some(place.server.origin().ascii_serialization()),
        variables: &place.variables,
    };
    if let Some(snapshot) = snapshots.find(&place.expected, &named) {
        return Ok(snapshot);
    }
    if !context.may_fetch && !place.expected.is_empty() {
        return Err(SourceError::NotHere);
    }
    if !context.may_fetch {
        let hint = "`evalmark check --fetch SUITE` fetches it and prints its checksum";
        return Err(advised("has no checksum in the suite", hint));
    }
    #[cfg(feature = "object-store")]
    return read::read(store, &snapshots, &named, context);
    #[cfg(not(feature = "object-store"))]
    {
        let hint = "build one that can: `cargo install --path crates/cli --features object-store`";
        Err(advised("cannot be fetched: this evalmark was built without object stores", hint))
    }
}

impl Objects {
    /// The objects that a key names: `data/a.csv`, all in a folder (`data/`), or a pattern
    /// (`data/2026-*.jsonl`).
    pub(super) fn of(key: &str, version: Option<String>) -> Result<Self, ParamError> {
        let wrong = |message: &str| {
            Err(ParamError { pointer: "/key".to_owned(), message: message.to_owned() })
        };
        let key = key.strip_prefix('/').unwrap_or(key);
        if key.is_empty() {
            return wrong(
                "`key` is empty; name an object, a folder (`data/`) or a pattern (`data/*.csv`)",
            );
        }
        let parts = key.strip_suffix('/').unwrap_or(key).split('/');
        if parts.clone().any(|part| matches!(part, "" | "." | "..")) {
            return wrong("`key` has a part that is empty, `.` or `..`, which is not read");
        }
        if key.chars().any(char::is_control) {
            return wrong("`key` holds a control character");
        }
        let is_folder = key.ends_with('/');
        if !is_folder && !key.contains(['*', '?', '[']) {
            return Ok(Self::One { key: key.to_owned(), version });
        }
        if version.is_some() {
            let message = "a version is one of one object, and `key` names several".to_owned();
            return Err(ParamError { pointer: "/version".to_owned(), message });
        }
        let pattern = if is_folder {
            glob::Pattern::new(&format!("{}*", glob::Pattern::escape(key)))
        } else {
            glob::Pattern::new(key)
        };
        let pattern = match pattern {
            Ok(pattern) => pattern,
            Err(error) => return wrong(&format!("`key` is not a pattern: {}", error.msg)),
        };
        let literal = if is_folder { key } else { key.split(['*', '?', '[']).next().unwrap_or("") };
        let folder = literal.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        Ok(Self::Matching { pattern, folder })
    }

    /// The name that tells the snapshot's format.
    fn name(&self) -> &str {
        match self {
            Self::One { key, .. } => key.rsplit('/').next().unwrap_or_default(),
            Self::Matching { .. } => ROWS,
        }
    }
}

/// A server of the user's own, or the store's usual one.
pub(super) fn endpoint(given: Option<&str>, usual: &str) -> Result<Url, ParamError> {
    let wrong =
        |message: &str| ParamError { pointer: "/endpoint".to_owned(), message: message.to_owned() };
    let url = Url::parse(given.unwrap_or(usual))
        .map_err(|_| wrong("`endpoint` is not an address: `https://HOST:PORT`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("`endpoint` must begin with `https://` or `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let message = "`endpoint` holds a user name or password, which a suite must not contain";
        return Err(wrong(message));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("`endpoint` has parameters, which are not read: leave them out"));
    }
    Ok(url)
}

/// A name that stands in an address as it is.
pub(super) fn plain_name(key: &str, name: &str) -> Result<String, ParamError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
    if !name.is_empty() && name.chars().all(is_plain) && !name.contains("..") {
        return Ok(name.to_owned());
    }
    let message = format!("`{}` is not a name that a `{key}` can have", one_line(name));
    Err(ParamError { pointer: format!("/{key}"), message })
}

/// The name of a variable, where one is given.
pub(super) fn variable(key: &str, name: Option<String>) -> Result<Option<String>, ParamError> {
    match name {
        Some(name) if name.trim().is_empty() => {
            Err(ParamError { pointer: format!("/{key}"), message: format!("`{key}` is empty") })
        }
        name => Ok(name),
    }
}
