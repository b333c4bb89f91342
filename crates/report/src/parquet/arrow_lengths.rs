//! What the buffers of an Arrow file say of their size, looked at before room is made for them: a damaged
//! length would have a reader ask for more memory than there is, which ends the program.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use polars_arrow::io::ipc::format::ipc::{
    MessageHeaderRef, MessageRef, RecordBatchRef,
    planus::{Error, ReadAsRoot},
};

/// The most bytes of a batch, once it is unpacked.
const MOST_BYTES: u64 = 1 << 30;

/// How the length of a message begins, but in old files.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Checks all messages of a stream, from where the file is read on.
pub(super) fn check_stream(file: &mut (impl Read + Seek), n_bytes: u64) -> Result<(), String> {
    let mut at = 0;
    let placed = |at: u64| move |why: String| format!("{why}: byte {at} of {n_bytes}");
    while let Some(length) = message_length(file).map_err(placed(at))? {
        let end = check_message(file, length, n_bytes).map_err(placed(at))?;
        at = file.seek(SeekFrom::Start(end)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Checks the message that stands at a place.
pub(super) fn check_block(
    file: &mut (impl Read + Seek),
    offset: u64,
    n_bytes: u64,
) -> Result<(), String> {
    let placed = |why: String| format!("{why}: byte {offset} of {n_bytes}");
    file.seek(SeekFrom::Start(offset)).map_err(|error| error.to_string())?;
    match message_length(file).map_err(placed)? {
        Some(length) => check_message(file, length, n_bytes).map(drop).map_err(placed),
        None => Err(placed(cut_off())),
    }
}

/// The length of the next message's head; `None` where there is none.
fn message_length(file: &mut impl Read) -> Result<Option<u64>, String> {
    let mut next = || {
        let mut bytes = [0; 4];
        match file.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    };
    let mut bytes = next()?;
    if bytes == Some(CONTINUATION) {
        bytes = next()?;
    }
    let length = bytes.map_or(0, i32::from_le_bytes);
    let length = u64::try_from(length).map_err(|_| "a length is negative".to_owned())?;
    Ok((length > 0).then_some(length))
}

/// Checks a message whose head begins here; the place behind its body.
fn check_message(file: &mut (impl Read + Seek), length: u64, n_bytes: u64) -> Result<u64, String> {
    let start = file.stream_position().map_err(|error| error.to_string())?;
    let body = start.checked_add(length).filter(|body| *body <= n_bytes).ok_or_else(cut_off)?;
    let mut head = Vec::new();
    file.take(length).read_to_end(&mut head).map_err(|error| error.to_string())?;
    let damaged = |error: Error| error.to_string();
    let message = MessageRef::read_as_root(&head).map_err(damaged)?;
    let size = u64::try_from(message.body_length().map_err(damaged)?).map_err(|_| cut_off())?;
    let end = body.checked_add(size).filter(|end| *end <= n_bytes).ok_or_else(cut_off)?;
    let batch = match message.header().map_err(damaged)? {
        Some(MessageHeaderRef::RecordBatch(batch)) => Some(batch),
        Some(MessageHeaderRef::DictionaryBatch(dictionary)) => {
            dictionary.data().map_err(damaged)?
        }
        _ => None,
    };
    if let Some(batch) = batch {
        check_buffers(file, &batch, body, size)?;
    }
    Ok(end)
}

/// Checks the buffers of a batch whose body of `size` bytes begins at `body`.
fn check_buffers(
    file: &mut (impl Read + Seek),
    batch: &RecordBatchRef<'_>,
    body: u64,
    size: u64,
) -> Result<(), String> {
    let damaged = |error: Error| error.to_string();
    let is_packed = batch.compression().map_err(damaged)?.is_some();
    let Some(buffers) = batch.buffers().map_err(damaged)? else { return Ok(()) };
    let mut total = 0_u64;
    for buffer in buffers {
        let (Ok(offset), Ok(length)) =
            (u64::try_from(buffer.offset()), u64::try_from(buffer.length()))
        else {
            return Err("a buffer's place is negative".to_owned());
        };
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(cut_off());
        }
        let mut unpacked = length;
        if is_packed && length >= 8 {
            let mut bytes = [0; 8];
            file.seek(SeekFrom::Start(body + offset))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|error| error.to_string())?;
            let said = i64::from_le_bytes(bytes);
            // Of a buffer that is not packed after all, the size is -1.
            if said != -1 {
                unpacked =
                    u64::try_from(said).map_err(|_| "a buffer's size is negative".to_owned())?;
            }
        }
        total = total.saturating_add(unpacked);
        if total > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(format!("a batch has more than {most} MiB, or is damaged"));
        }
    }
    Ok(())
}

fn cut_off() -> String {
    "it is cut off, or damaged".to_owned()
}
