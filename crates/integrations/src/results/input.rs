//! Files of other tools: opened, unpacked and parsed within bounds. A mistake is told with its place.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use evalmark_core::{dataset::python_as_json, files::open_regular, tool_results::ToolFile};
use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;

use super::error::ResultsError;

/// Bytes of a document that is held whole, unpacked.
const MOST_BYTES: u64 = 2 << 30;
/// Bytes of one line.
const LONGEST_LINE: u64 = 256 << 20;

/// An opened file.
pub(super) struct Input {
    name: String,
    reader: Box<dyn BufRead>,
    hasher: Arc<Mutex<blake3::Hasher>>,
}

/// Hashes what goes by.
struct Hashing {
    file: File,
    hasher: Arc<Mutex<blake3::Hasher>>,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}

impl Input {
    /// Opens a file; one that is gzip or zstd by its first bytes is unpacked as it is read.
    pub(super) fn open(path: &Path) -> Result<Self, ResultsError> {
        let name = path.display().to_string();
        let file =
            open_regular(path).map_err(|error| ResultsError::of_file(&name, error.to_string()))?;
        let hasher = Arc::new(Mutex::new(blake3::Hasher::new()));
        let mut file = BufReader::new(Hashing { file, hasher: hasher.clone() });
        let broken =
            |error: io::Error| ResultsError::of_file(&name, format!("cannot be read: {error}"));
        let head = file.fill_buf().map_err(broken)?;
        let mut reader: Box<dyn BufRead> = if head.starts_with(b"\x1F\x8B") {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else if head.starts_with(b"\x28\xB5\x2F\xFD") {
            let decoder = zstd::stream::read::Decoder::with_buffer(file).map_err(broken)?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(file)
        };
        let head = reader.fill_buf().map_err(broken)?;
        if head.is_empty() {
            return Err(ResultsError::of_file(&name, "is empty"));
        }
        if head.starts_with(b"\xEF\xBB\xBF") {
            reader.consume(3);
        }
        Ok(Self { name, reader, hasher })
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its first bytes, as many as are at hand.
    pub(super) fn head(&mut self) -> &[u8] {
        self.reader.fill_buf().unwrap_or_default()
    }

    /// All of it, and which file it was.
    pub(super) fn bytes(mut self) -> Result<(Vec<u8>, ToolFile), ResultsError> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(MOST_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.broken(&error))?;
        if bytes.len() as u64 > MOST_BYTES {
            let message = format!("is larger than {} MiB once it is unpacked", MOST_BYTES >> 20);
            return Err(ResultsError::of_file(&self.name, message));
        }
        Ok((bytes, self.file()))
    }

    /// All of it as a JSON document, and which file it was.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<(T, ToolFile), ResultsError> {
        let name = self.name.clone();
        let (bytes, file) = self.bytes()?;
        Ok((json(&name, "", &bytes)?, file))
    }

    /// Every line as JSON, one at a time, with its number from 1; answers with the file. Empty lines are passed over.
    pub(super) fn json_lines<T: DeserializeOwned>(
        mut self,
        mut see: impl FnMut(u64, T) -> Result<(), ResultsError>,
    ) -> Result<ToolFile, ResultsError> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = self.reader.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|error| self.broken(&error))?;
            if read == 0 {
                break;
            }
            let place = format!("line {number}");
            if read as u64 > LONGEST_LINE {
                let message = format!("is longer than {} MiB", LONGEST_LINE >> 20);
                return Err(ResultsError::at(&self.name, place, message));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            see(number, json(&self.name, &place, &line)?)?;
        }
        Ok(self.file())
    }

    /// Which file it is; its content is not looked at.
    pub(super) fn digest(self) -> ToolFile {
        self.file()
    }

    fn broken(&self, error: &io::Error) -> ResultsError {
        ResultsError::of_file(&self.name, format!("cannot be read to its end: {error}"))
    }

    /// Which file it was, as far as it was read.
    fn file(mut self) -> ToolFile {
        // What follows a packed stream is part of the file.
        drop(io::copy(&mut self.reader, &mut io::sink()));
        let hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        ToolFile { name: self.name.clone(), blake3: hasher.finalize().to_hex().to_string() }
    }
}

/// JSON of a document, or of the part of it at `place`. Python's NaN and Infinity are read as null.
pub(super) fn json<T: DeserializeOwned>(
    name: &str,
    place: &str,
    bytes: &[u8],
) -> Result<T, ResultsError> {
    let wrong = |message: String, at: &str| {
        let places: Vec<_> = [place, at].into_iter().filter(|place| !place.is_empty()).collect();
        let place = (!places.is_empty()).then(|| places.join(", "));
        ResultsError { place, ..ResultsError::of_file(name, message) }
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(wrong("is not UTF-8 text".to_owned(), ""));
    };
    let error = match parse(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let error = match python_as_json(text).map(|mended| parse(&mended)) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(error)) => error,
        None => error,
    };
    let path = error.path().to_string();
    let inner = error.into_inner();
    if inner.is_data() {
        return Err(wrong(format!("is not what is expected: {}", short(&inner)), &path));
    }
    let at = if place.is_empty() {
        format!("line {}, column {}", inner.line(), inner.column())
    } else {
        format!("column {}", inner.column())
    };
    let path = if path == "." { String::new() } else { format!(" (at {path})") };
    Err(wrong(format!("is not JSON{path}: {}", short(&inner)), &at))
}

fn parse<T: DeserializeOwned>(
    text: &str,
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut parser)?;
    let end = parser.end();
    // Something behind the value has no path.
    end.map_err(|error| {
        serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error)
    })?;
    Ok(value)
}

/// What the parser says, without the position, which is told before it.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_owned()
}
