//! A source of datasets from outside: the reader of suites is handed one, and asks it for a snapshot.

use std::{fs, path::Path, sync::Arc};

use evalmark_core::{
    dataset::{Items, ScratchSpace},
    files::FileAccess,
    metric::ParamError,
    source::{DatasetSource, Snapshot, SourceContext, SourceError, SourceKind, Sources},
    suite::{Readers, Suite},
};
use serde_json::{Value, json};

use super::{METRICS, no_columnar};

/// A file beside the suite whose rows are in capitals, and that is there once it was fetched.
struct Capitals(String);

impl DatasetSource for Capitals {
    fn origin(&self) -> String {
        format!("capitals of {}", self.0)
    }

    fn snapshot(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let Some(cache_dir) = context.cache_dir.filter(|_| context.may_fetch) else {
            return Err(SourceError::NotHere);
        };
        let text = context.access.read_text(&context.folder.join(&self.0)).map_err(|error| {
            SourceError::Failed { message: error.to_string(), hint: Some("write it".to_owned()) }
        })?;
        let path = cache_dir.join("snapshot");
        fs::write(&path, text.to_uppercase()).expect("written");
        Ok(Snapshot {
            path,
            name: "rows.csv".to_owned(),
            origin: self.origin(),
            server: None,
            variables: Vec::new(),
            blake3: String::new(),
            fetched_at: String::new(),
            note: Some("was fetched".to_owned()),
        })
    }
}

const KINDS: &[SourceKind] = &[SourceKind {
    name: "capitals",
    summary: "A file in capitals.",
    schema: || {
        let properties = json!({ "path": { "type": "string" } });
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    },
    path_endings: &["small"],
    open: |params: &Value| match params["path"].as_str() {
        Some("") | None => {
            Err(ParamError { pointer: "/path".to_owned(), message: "`path` is empty".to_owned() })
        }
        Some(path) => Ok(Box::new(Capitals(path.to_owned()))),
    },
}];

/// Reads a suite with this dataset beside `rows.small`, and says what is wrong with it.
fn read(dataset: &str, may_fetch: bool) -> Result<(Suite, Vec<String>), String> {
    let (folder, cache) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, cache) = (folder.expect("a folder"), cache.expect("a folder"));
    fs::write(folder.path().join("rows.small"), "id,text\n1,abc\n").expect("written");
    let path = folder.path().join("suite.yaml");
    let suite = format!(
        "name: s\ndataset: {{ {dataset} }}\nprompts: [{{ name: p, template: '{{{{ TEXT }}}}' }}]\n\
         models: [{{ name: m, recorded: {{ column: TEXT }} }}]\nmetrics: [{{ name: e, valid: {{}} }}]\n"
    );
    fs::write(&path, suite).expect("written");
    let sources =
        Sources { kinds: KINDS, cache_dir: Some(cache.path()), may_fetch, ..Sources::NONE };
    let readers = Readers {
        kinds: METRICS,
        providers: &[],
        columnar: no_columnar,
        scratch: ScratchSpace::new(tempfile::tempfile),
        roots: &[],
        sources,
        receivers: &[],
    };
    let suite = Suite::read(&path, readers).map_err(|error| error.to_string())?;
    let items = Items::open(&Arc::new(suite.dataset.clone())).map_err(|error| error.to_string())?;
    let texts = items.map(|item| item.expect("an item").fields["TEXT"].to_string()).collect();
    Ok((suite, texts))
}

#[test]
fn a_snapshot_is_the_dataset_and_is_called_by_its_origin() {
    let datasets =
        ["source: { capitals: { path: rows.small } }, target: ID", "path: rows.small, target: ID"];
    for dataset in datasets {
        let (suite, texts) = read(dataset, true).expect(dataset);
        assert_eq!(texts, ["\"ABC\""]);
        assert_eq!(suite.dataset.file.origin, Path::new("capitals of rows.small"));
        assert_eq!(suite.notes, ["dataset capitals of rows.small: was fetched"]);
        // What the suite reads is its own file; where the snapshot lies is the cache's affair.
        let names: Vec<_> = suite.access.files_read();
        assert!(names.iter().all(|path| path.ends_with("rows.small")), "{names:?}");
        let snapshot = suite.dataset.snapshot.expect("a snapshot");
        assert!(FileAccess::unlimited().check(&snapshot.path).is_err(), "the cache is gone");
    }
}

#[test]
fn what_a_source_cannot_do_is_a_mistake_at_its_place() {
    let check = |dataset: &str, may_fetch: bool, expected: &[&str], absent: &str| {
        let error = read(dataset, may_fetch).map(drop).expect_err(dataset);
        for words in expected {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
        assert!(absent.is_empty() || !error.contains(absent), "{error}");
    };
    let good = "source: { capitals: { path: rows.small } }, target: ID";
    check(good, false, &["2:20", "is not on this machine yet", "check --fetch"], "");
    check("source: { capitals: { path: none } }", true, &["capitals of none", "write it"], "");
    check("source: { capitals: { path: '' } }", true, &["`path` is empty"], "");
    check("source: { capital: {} }", true, &["did you mean `capitals`?"], "exactly one");
    // Nothing is fetched for a suite that has a mistake, and that alone is told.
    check(&format!("{good}, slice: [x]"), true, &["unknown key `slice`"], "on this machine");
    check(&format!("{good}, target: TEX"), true, &["twice"], "on this machine");
}
