//! Bodies that are compressed although nobody asked for that, within the same bound as any other.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::response::ExchangeError;

/// Why a compressed body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is compressed in a way that nobody asked for.
    #[error(
        "the response is compressed with `{0}`, which was not asked for; let the server or proxy \
         send plain text"
    )]
    Unknown(String),
    /// It is not what its first bytes promise.
    #[error("the response is compressed, and what it holds is broken: {0}")]
    Broken(String),
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    /// With zlib's header, as the standard has it.
    Zlib,
    /// Without it, as many servers send it.
    Deflate,
}

/// How deep compressed bodies may lie in compressed bodies.
const LAYERS: usize = 3;

/// The body as it was before the server compressed it, of at most `limit` bytes. `encoding` is what
/// its header says, which may be nothing, or untrue.
pub(crate) fn decoded(
    mut body: Vec<u8>,
    encoding: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, ExchangeError> {
    let encodings = encoding.unwrap_or_default().split(',').map(str::trim);
    let named: Vec<_> = encodings.filter(|e| !matches!(*e, "" | "identity")).collect();
    for layer in 0..LAYERS {
        let name = named.iter().rev().nth(layer).copied();
        let Some(encoding) = encoding_of(&body, name)? else { break };
        body = match (inflated(&body, encoding, limit), encoding) {
            (Err(error), _) => return Err(broken(&error, limit)),
            (Ok(plain), _) => plain,
        };
    }
    Ok(body)
}

/// How a body is compressed, by its first bytes; its header is asked where they do not tell.
fn encoding_of(body: &[u8], name: Option<&str>) -> Result<Option<Encoding>, DecodeError> {
    let looks_like_text =
        body.trim_ascii_start().first().is_none_or(|first| b"{[<\":d\xef".contains(first));
    if body.starts_with(&[0x1f, 0x8b]) {
        return Ok(Some(Encoding::Gzip));
    }
    match name.map(str::to_ascii_lowercase).as_deref() {
        None | Some("gzip" | "x-gzip") => Ok(None),
        Some(_) if looks_like_text => Ok(None),
        Some("deflate") => Ok(Some(match body {
            [first, second, ..]
                if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0 =>
            {
                Encoding::Zlib
            }
            _ => Encoding::Deflate,
        })),
        Some(other) => Err(DecodeError::Unknown(other.to_owned())),
    }
}

fn inflated(body: &[u8], encoding: Encoding, limit: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let most = limit as u64 + 1;
    match encoding {
        Encoding::Gzip => MultiGzDecoder::new(body).take(most).read_to_end(&mut plain),
        Encoding::Zlib => ZlibDecoder::new(body).take(most).read_to_end(&mut plain),
        Encoding::Deflate => DeflateDecoder::new(body).take(most).read_to_end(&mut plain),
    }?;
    if plain.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(plain) }
}

fn broken(error: &io::Error, limit: usize) -> ExchangeError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        return ExchangeError::TooLarge { limit };
    }
    DecodeError::Broken(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = b"{\"choices\":[]}";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory")
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory")
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory")
    }

    fn check(body: &[u8], encoding: Option<&str>, expected: Result<&[u8], &str>) {
        let read = decoded(body.to_vec(), encoding, 1_000).map_err(|error| error.to_string());
        match (&read, expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{encoding:?}"),
            (Err(message), Err(expected)) => assert!(message.contains(expected), "{message}"),
            _ => panic!("{encoding:?}: {read:?}"),
        }
    }

    #[test]
    fn what_nobody_asked_for_is_read() {
        check(TEXT, None, Ok(TEXT));
        check(TEXT, Some("gzip"), Ok(TEXT));
        check(TEXT, Some("br"), Ok(TEXT));
        check(&gzip(TEXT), Some("gzip"), Ok(TEXT));
        check(&gzip(TEXT), Some("GZIP, identity"), Ok(TEXT));
        check(&gzip(TEXT), None, Ok(TEXT));
        check(&gzip(&gzip(TEXT)), Some("gzip, gzip"), Ok(TEXT));
        check(&zlib(TEXT), Some("deflate"), Ok(TEXT));
        check(&deflate(TEXT), Some("deflate"), Ok(TEXT));
        check(&gzip(&zlib(TEXT)), Some("deflate, gzip"), Ok(TEXT));
        check(b"", Some("gzip"), Ok(b""));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        check(b"\x8b\x06\x80", Some("br"), Err("compressed with `br`"));
        check(&gzip(TEXT)[..20], Some("gzip"), Err("what it holds is broken"));
        check(&gzip(&vec![b' '; 100_000]), Some("gzip"), Err("larger than 1000 bytes"));
    }
}
