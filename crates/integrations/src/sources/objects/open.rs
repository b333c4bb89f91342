//! A store whose objects are read one by one, for as long as somebody wants them.

use std::{fs::File, time::Duration};

use evalmark_core::source::{SourceContext, SourceError};
use evalmark_net::Threads;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, path::Path};

use super::{
    Objects, Store,
    read::{Reader, Reception, connect},
    transport::Transport,
};
use crate::sources::snapshots::{Snapshots, failed};

/// The longest that a listing, or one object, may take.
const WHOLE: Duration = Duration::from_hours(1);

/// The most objects of a listing.
const MOST_LISTED: usize = 1_000_000;

/// A store that is open.
pub(crate) struct OpenStore {
    of: Box<dyn Store>,
    store: Box<dyn ObjectStore>,
    transport: Transport,
    snapshots: Snapshots,
    threads: Threads,
}

/// An object as it was listed.
#[derive(Clone, Debug)]
pub(crate) struct ListedObject {
    pub(crate) key: String,
    /// What is another where its content is.
    pub(crate) tag: String,
    meta: ObjectMeta,
}

impl OpenStore {
    /// Gets ready to ask; nothing is asked yet.
    pub(crate) fn open(
        of: Box<dyn Store>,
        context: &SourceContext<'_>,
    ) -> Result<Self, SourceError> {
        let snapshots = Snapshots::open(context.cache_dir)?;
        let (store, transport) = connect(&*of, context)?;
        let threads = Threads::start().map_err(|error| failed(error.to_string()))?;
        Ok(Self { of, store, transport, snapshots, threads })
    }

    /// The objects that are there, in the order of their keys.
    pub(crate) fn list(&self) -> Result<Vec<ListedObject>, SourceError> {
        let reader = self.reader();
        let listed = self.wait(async {
            match &self.of.place().objects {
                Objects::One { key, .. } => one(&reader, key).await,
                Objects::Matching { pattern, folder } => {
                    let most = (MOST_LISTED, MOST_LISTED);
                    Ok(reader.matching(pattern, folder, most).await?.0)
                }
            }
        })?;
        Ok(listed.into_iter().map(ListedObject::new).collect())
    }

    /// The content of an object, in a file without a name; `None` where it is another by now, or gone.
    pub(crate) fn fetch(&self, listed: &ListedObject) -> Result<Option<File>, SourceError> {
        let reader = self.reader();
        match self.wait(reader.reception(&listed.meta))? {
            Reception::Whole(received) => received.into_reader().map(Some),
            Reception::Changed | Reception::Gone(_) => Ok(None),
        }
    }

    fn reader(&self) -> Reader<'_> {
        let Self { of, store, transport, snapshots, .. } = self;
        Reader { store: &**store, transport, place: of.place(), snapshots }
    }

    fn wait<T>(
        &self,
        asked: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        self.threads.handle().block_on(async {
            let whole = tokio::time::timeout(WHOLE, asked);
            whole.await.unwrap_or_else(|_| Err(failed("took longer than an hour")))
        })
    }
}

impl ListedObject {
    fn new(mut meta: ObjectMeta) -> Self {
        meta.version = None;
        let dated = || format!("{} {}", meta.last_modified, meta.size);
        let tag = meta.e_tag.as_deref().map(|tag| tag.trim_matches('"').to_owned());
        Self { key: meta.location.to_string(), tag: tag.unwrap_or_else(dated), meta }
    }
}

/// One object; none where there is none.
async fn one(reader: &Reader<'_>, key: &str) -> Result<Vec<ObjectMeta>, SourceError> {
    let path = Path::parse(key).map_err(|error| failed(error.to_string()))?;
    let head = GetOptions { head: true, ..GetOptions::default() };
    match reader.store.get_opts(&path, head).await {
        Ok(found) => Ok(vec![found.meta]),
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(reader.told(&path, &error)),
    }
}
