//! Inspect: a log of `inspect eval`, as `.eval` (a zip whose entries are packed with deflate or zstd) or as `.json`.

use std::io::{Cursor, Read};

use flate2::read::DeflateDecoder;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use zip::{CompressionMethod, ZipArchive};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, Place},
    error::ResultsError,
    input::{Input, json},
    inspect_sample::{Sample, take},
    text::{moment, text_of},
};

pub(super) const IMPORTER: Importer = Importer {
    name: "inspect",
    files: "a log that `inspect eval` writes: `.eval` or `.json`",
    server: None,
    read,
};

/// Bytes of one entry of a log, unpacked.
const LARGEST_ENTRY: u64 = 512 << 20;
/// Bytes of all entries of a log, unpacked.
const MOST_BYTES: u64 = 8 << 30;

#[derive(Deserialize)]
struct Log {
    #[serde(flatten)]
    header: Header,
    samples: Option<Vec<Sample>>,
}

#[derive(Deserialize)]
struct Header {
    status: Option<String>,
    eval: EvalSpec,
}

/// What was evaluated.
#[derive(Deserialize)]
pub(super) struct EvalSpec {
    task: String,
    pub(super) model: String,
    created: Option<String>,
    #[serde(default)]
    packages: Packages,
    #[serde(default)]
    dataset: Dataset,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Packages {
    inspect_ai: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dataset {
    samples: Option<u64>,
    sample_ids: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    epochs: Option<u64>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        let mut input = Input::open(path)?;
        let name = input.name().to_owned();
        let before = into.results.answers.len();
        let header = if input.head().starts_with(b"PK") {
            let (bytes, file) = input.bytes()?;
            into.file(file);
            archive(&name, bytes, into)?
        } else {
            let (log, file) = input.json::<Log>().map_err(not_inspect)?;
            into.file(file);
            document(&name, log, into)?
        };
        let found = (into.results.answers.len() - before) as u64;
        about(&name, header, found, into)?;
    }
    Ok(())
}

fn not_inspect(error: ResultsError) -> ResultsError {
    error.hint(
        "`inspect eval` writes logs to the folder `logs`, as `.eval` or with `--log-format json`",
    )
}

/// What holds for a whole log.
fn about(
    name: &str,
    Header { status, eval }: Header,
    found: u64,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let results = &mut into.results;
    if let Some(other) = results.task.as_ref().filter(|task| **task != eval.task) {
        let message =
            format!("is of the task `{}`, and the file before it of `{other}`", eval.task);
        return Err(ResultsError::of_file(name, message).hint("import each task by itself"));
    }
    results.task = Some(eval.task);
    results.tool_version = eval.packages.inspect_ai;
    results.evaluated_at = eval.created.as_deref().and_then(moment);
    let n_ids = eval.dataset.sample_ids.map(|ids| ids.len() as u64);
    let planned = n_ids.or(eval.dataset.samples).unwrap_or_default();
    let planned = planned.saturating_mul(eval.config.epochs.unwrap_or(1));
    if found < planned {
        let status = status.unwrap_or_else(|| "started".to_owned());
        into.remark(format!("{name} ended as `{status}` with {found} of {planned} samples"));
    }
    Ok(())
}

fn document(name: &str, log: Log, into: &mut Collector) -> Result<Header, ResultsError> {
    let Some(samples) = log.samples else {
        let message = "has no samples: only the summary was logged";
        return Err(
            ResultsError::of_file(name, message).hint("evaluate without `--no-log-samples`")
        );
    };
    for (at, sample) in samples.into_iter().enumerate() {
        take(sample, &log.header.eval, &Place::new(name, format!("samples[{at}]")), into)?;
    }
    Ok(log.header)
}

/// A zip: `header.json`, or of a log that was broken off `_journal/start.json`, and one entry a sample.
fn archive(name: &str, bytes: Vec<u8>, into: &mut Collector) -> Result<Header, ResultsError> {
    let broken = |error: zip::result::ZipError| {
        not_inspect(ResultsError::of_file(name, format!("is not a complete zip archive: {error}")))
    };
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let names = zip.file_names().map(|name| Ok(name?.into_owned()));
    let names: Vec<String> = names.collect::<Result<_, _>>().map_err(broken)?;
    let has = |entry: &str| names.iter().any(|name| name == entry);
    let head = ["header.json", "_journal/start.json"].into_iter().find(|entry| has(entry));
    let Some(head) = head else {
        let message = "is a zip archive without `header.json`: it is not a log of Inspect";
        return Err(not_inspect(ResultsError::of_file(name, message)));
    };
    let mut left = MOST_BYTES;
    let header: Header = entry(name, &mut zip, head, &mut left).map_err(not_inspect)?;
    let is_sample =
        |entry: &&String| entry.starts_with("samples/") && entry.strip_suffix(".json").is_some();
    let samples: Vec<_> = names.iter().filter(is_sample).collect();
    if samples.is_empty() {
        let message = "has no samples: only the summary was logged";
        return Err(
            ResultsError::of_file(name, message).hint("evaluate without `--no-log-samples`")
        );
    }
    for sample in samples {
        let read: Sample = entry(name, &mut zip, sample, &mut left)?;
        take(read, &header.eval, &Place::new(name, format!("entry `{sample}`")), into)?;
    }
    Ok(header)
}

/// An entry as JSON, within what is left to be unpacked.
fn entry<T: DeserializeOwned>(
    name: &str,
    zip: &mut ZipArchive<Cursor<Vec<u8>>>,
    entry: &str,
    left: &mut u64,
) -> Result<T, ResultsError> {
    let place = format!("entry `{entry}`");
    let wrong = |message: String| ResultsError::at(name, place.clone(), message);
    let index = zip.index_for_name(entry).ok_or_else(|| wrong("is not there".to_owned()))?;
    let packed =
        zip.by_index_raw(index).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let unpacked: Box<dyn Read + '_> = match packed.compression() {
        CompressionMethod::STORE => Box::new(packed),
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(packed)),
        CompressionMethod::ZSTD => {
            let decoder = zstd::stream::read::Decoder::new(packed);
            Box::new(decoder.map_err(|error| wrong(format!("cannot be unpacked: {error}")))?)
        }
        other => return Err(wrong(format!("is packed by a method that is not read: {other}"))),
    };
    let most = LARGEST_ENTRY.min(*left);
    let mut bytes = Vec::new();
    let read = unpacked.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(format!("cannot be unpacked: {error}")))?;
    if bytes.len() as u64 > most {
        return Err(wrong(format!("is larger than {} MiB once it is unpacked", most >> 20)));
    }
    *left -= bytes.len() as u64;
    json(name, &place, &bytes)
}

/// An id, which is a text or a number.
pub(super) fn id_text(id: &Value) -> Option<String> {
    text_of(id).filter(|id| !id.is_empty())
}
