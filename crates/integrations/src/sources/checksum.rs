//! Checksums of what a source gave, as it gave it: the file before it is unpacked.

use std::{
    fmt::{self, Write},
    io,
};

use evalmark_core::metric::ParamError;
use sha2::{Digest, Sha256};

/// An algorithm that suites can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Blake3,
}

/// A checksum that a suite gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    /// 64 lower-case hexadecimal digits.
    pub(crate) hex: String,
}

/// What a file is by every algorithm, 64 lower-case hexadecimal digits each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) sha256: String,
    pub(crate) blake3: String,
}

/// A file is another one than the suite says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content has changed: the suite expects {expected}, and it is {found}")]
pub(crate) struct ChangedError {
    expected: Checksum,
    found: Checksum,
}

/// Hashes what is written to it, and passes it on.
pub(crate) struct DigestWriter<W> {
    inner: W,
    sha256: Sha256,
    blake3: blake3::Hasher,
}

impl Checksum {
    /// The checksums of a suite's parameters; each is checked whatever the others say.
    pub(crate) fn of_params(
        sha256: Option<&str>,
        blake3: Option<&str>,
    ) -> Result<Vec<Self>, ParamError> {
        let given = [(Algorithm::Sha256, sha256), (Algorithm::Blake3, blake3)];
        let given = given.into_iter().filter_map(|(algorithm, hex)| Some((algorithm, hex?)));
        given.map(|(algorithm, hex)| Self::parse(algorithm, hex)).collect()
    }

    fn parse(algorithm: Algorithm, text: &str) -> Result<Self, ParamError> {
        let hex = text.trim().to_ascii_lowercase();
        if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self { algorithm, hex });
        }
        let message = format!("`{algorithm}` is not a checksum of 64 hexadecimal digits");
        Err(ParamError { pointer: format!("/{algorithm}"), message })
    }
}

impl Digests {
    /// The digest by one algorithm.
    pub(crate) fn by(&self, algorithm: Algorithm) -> Checksum {
        let hex = match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Blake3 => &self.blake3,
        };
        Checksum { algorithm, hex: hex.clone() }
    }

    /// Those by every algorithm.
    pub(crate) fn all(&self) -> [Checksum; 2] {
        [self.by(Algorithm::Sha256), self.by(Algorithm::Blake3)]
    }

    /// Whether the file is the one with these checksums.
    pub(crate) fn check(&self, expected: &[Checksum]) -> Result<(), ChangedError> {
        expected.iter().try_for_each(|expected| {
            let found = self.by(expected.algorithm);
            if found == *expected {
                return Ok(());
            }
            Err(ChangedError { expected: expected.clone(), found })
        })
    }
}

impl<W> DigestWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, sha256: Sha256::new(), blake3: blake3::Hasher::new() }
    }

    /// The digests of all that was written.
    pub(crate) fn finish(self) -> Digests {
        let hex = |mut text: String, byte: u8| {
            let _ = write!(text, "{byte:02x}");
            text
        };
        let sha256 = self.sha256.finalize().into_iter().fold(String::with_capacity(64), hex);
        Digests { sha256, blake3: self.blake3.finalize().to_hex().to_string() }
    }
}

impl<W: io::Write> io::Write for DigestWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.sha256.update(&buffer[..written]);
        self.blake3.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.hex)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn digests_are_the_standard_ones() {
        let mut writer = DigestWriter::new(Vec::new());
        writer.write_all(b"abc").expect("memory");
        let digests = writer.finish();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let blake3 = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        assert_eq!((&*digests.sha256, &*digests.blake3), (sha256, blake3));
        let upper = sha256.to_ascii_uppercase();
        let expected = Checksum::of_params(Some(&upper), Some(blake3)).expect("checksums");
        assert_eq!(digests.check(&expected), Ok(()));
        let other = Checksum::of_params(Some(blake3), None).expect("a checksum");
        let error = digests.check(&other).expect_err("another content").to_string();
        assert!(error.contains(sha256) && error.contains(blake3), "{error}");
        for wrong in ["", "abc", &sha256[1..], &format!("{}g", &sha256[1..])] {
            let error = Checksum::of_params(None, Some(wrong)).expect_err(wrong);
            assert_eq!(error.pointer, "/blake3");
        }
    }
}
