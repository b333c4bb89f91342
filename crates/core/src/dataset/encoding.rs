//! Text that is not UTF-8: what it may be, and what to do.

/// How many characters these bytes are; bytes that belong to none count as one.
pub(super) fn lossy_columns(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count() as u64
}

/// What is wrong with bytes that are not UTF-8.
pub(super) fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> String {
    match bytes.get(error.valid_up_to()) {
        Some(byte) => format!("the byte 0x{byte:02X} is not UTF-8; {CONVERT}"),
        None => format!("is not UTF-8; {CONVERT}"),
    }
}

/// What to do about a file in another encoding.
pub(super) const CONVERT: &str = "if the file is Windows-1252 or Latin-1, convert it: \
     `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`";
