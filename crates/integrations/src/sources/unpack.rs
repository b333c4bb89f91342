//! Unpacking: gzip and zstd, by their first bytes, within a bound.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
};

use flate2::bufread::MultiGzDecoder;

/// Endings of the names of files that can be unpacked.
pub(crate) const ENDINGS: &[&str] = &["gz", "zst"];

/// Why a file cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// It is not what its first bytes promise.
    #[error("cannot be unpacked: {0}")]
    Broken(io::Error),
    /// It ends early, or is damaged behind its beginning.
    #[error("cannot be unpacked beyond {place}: {error}; it was cut off or damaged, make it anew")]
    BrokenBehind {
        /// How far it could be unpacked.
        place: UnpackedPlace,
        /// What is wrong there.
        error: io::Error,
    },
    /// It is larger than what is kept, in bytes.
    #[error("is larger than {} MiB once it is unpacked", .0 >> 20)]
    TooLarge(u64),
    /// What is unpacked cannot be written.
    #[error("cannot be written: {0}")]
    Unwritable(io::Error),
}

/// How far a file could be unpacked.
#[derive(Debug, Default)]
pub(crate) struct UnpackedPlace {
    n_bytes: u64,
    n_line_ends: u64,
    is_binary: bool,
}

impl UnpackedPlace {
    fn see(&mut self, bytes: &[u8]) {
        self.n_bytes += bytes.len() as u64;
        self.n_line_ends += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.is_binary |= bytes.contains(&0);
    }
}

impl fmt::Display for UnpackedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.n_bytes)?;
        if self.is_binary { Ok(()) } else { write!(f, " (line {})", self.n_line_ends + 1) }
    }
}

/// Whether these first bytes are those of a file that can be unpacked.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    is_gzip(head) || is_zstd(head)
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1F\x8B")
}

fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(b"\x28\xB5\x2F\xFD")
}

/// Writes what a packed file holds, at most `limit` bytes of it. Memory does not grow with the file: a
/// zstd frame that asks for more than 128 MiB is refused.
pub(crate) fn unpack(
    mut packed: impl BufRead,
    to: &mut impl Write,
    limit: u64,
) -> Result<(), UnpackError> {
    let head = packed.fill_buf().map_err(UnpackError::Broken)?;
    if is_zstd(head) {
        let decoder = zstd::stream::read::Decoder::with_buffer(packed);
        return copy(decoder.map_err(UnpackError::Broken)?, to, limit);
    }
    copy(MultiGzDecoder::new(packed), to, limit)
}

fn copy(mut from: impl Read, to: &mut impl Write, limit: u64) -> Result<(), UnpackError> {
    let mut buffer = vec![0; 1 << 16];
    let mut place = UnpackedPlace::default();
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if place.n_bytes == 0 => return Err(UnpackError::Broken(error)),
            Err(error) => return Err(UnpackError::BrokenBehind { place, error }),
        };
        place.see(&buffer[..read]);
        if place.n_bytes > limit {
            return Err(UnpackError::TooLarge(limit));
        }
        to.write_all(&buffer[..read]).map_err(UnpackError::Unwritable)?;
    }
}

/// A file's name without the ending that says how it is packed.
pub(crate) fn unpacked_name(name: &str) -> &str {
    let packed = name.rsplit_once('.').filter(|(stem, ending)| {
        !stem.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    });
    packed.map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).expect("memory")
    }

    fn unpacked(packed: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        let mut plain = Vec::new();
        assert!(is_packed(packed));
        unpack(packed, &mut plain, limit).map_err(|error| error.to_string())?;
        Ok(plain)
    }

    #[test]
    fn files_of_several_members_are_whole() {
        for pack in [gzip, zstd] {
            let packed = [pack(b"id,text\n"), pack(b"1,a\n")].concat();
            assert_eq!(unpacked(&packed, 100), Ok(b"id,text\n1,a\n".to_vec()));
        }
    }

    #[test]
    fn bombs_and_broken_files_end() {
        for pack in [gzip, zstd] {
            let bomb = pack(&vec![b' '; 8 << 20]);
            let error = unpacked(&bomb, 1 << 20).expect_err("a bomb");
            assert!(error.contains("larger than 1 MiB"), "{error}");
            let text: Vec<u8> = (0..10_000_u32).flat_map(|i| (i * i).to_le_bytes()).collect();
            let packed = pack(&text);
            let error = unpacked(&packed[..packed.len() / 2], 1 << 20).expect_err("half a file");
            assert!(error.contains("cannot be unpacked"), "{error}");
        }
        assert!(!is_packed(b"PAR1") && !is_packed(b"") && !is_packed(b"id,text"));
    }

    #[test]
    fn a_file_that_is_cut_is_told_with_the_line_that_can_still_be_read() {
        let row = |i: u32| format!("{i},{}\n", i.wrapping_mul(2_654_435_761));
        let text: String = (0..50_000).map(row).collect();
        for pack in [gzip, zstd] {
            let packed = pack(text.as_bytes());
            let mut plain = Vec::new();
            let error = unpack(&packed[..packed.len() * 2 / 3], &mut plain, 1 << 30);
            let error = error.expect_err("cut off").to_string();
            assert!(!plain.is_empty() && text.as_bytes().starts_with(&plain));
            let lines = plain.split(|byte| *byte == b'\n').count();
            let expected = format!("beyond byte {} (line {lines}): ", plain.len());
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn names_tell_what_is_inside() {
        for (name, expected) in [
            ("data.csv.gz", "data.csv"),
            ("data.jsonl.ZST", "data.jsonl"),
            ("data.parquet", "data.parquet"),
            ("data.gz", "data"),
            (".gz", ".gz"),
            ("gz", "gz"),
        ] {
            assert_eq!(unpacked_name(name), expected);
        }
    }
}
