//! Packed logs, unpacked as they are read: memory does not grow with the file.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

/// What a packed file holds. A zstd frame that asks for more than 128 MiB is refused.
pub(crate) fn unpacked<'a>(
    mut packed: impl BufRead + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    if packed.fill_buf()?.starts_with(b"\x28\xB5\x2F\xFD") {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(packed)?));
    }
    Ok(Box::new(MultiGzDecoder::new(packed)))
}
