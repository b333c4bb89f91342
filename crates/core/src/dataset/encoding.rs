//! The encodings of text files: declared, shown by a byte order mark, or guessed; everything becomes
//! UTF-8 while it is read.

use std::{
    fmt,
    io::{self, Read},
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

/// How many bytes are read at once.
const CHUNK: usize = 1 << 16;

/// How many bytes of a file's non-ASCII parts a guess is made from.
const GUESSED_FROM: usize = 1 << 20;

/// How many bytes are looked at for UTF-16 without a byte order mark.
const UTF_16_SHOWS_IN: usize = 4_096;

/// An encoding of text, by the names of the WHATWG's Encoding Standard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// The encoding that a suite names, such as `windows-1252`, `latin1`, `utf-16` or `shift_jis`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let encoding = Encoding::for_label(name.trim().as_bytes())?;
        // The standard calls Latin-1 what browsers read it as, which is Windows-1252.
        (encoding != REPLACEMENT).then_some(Self(encoding))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Debug for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a file's bytes show of its encoding, where that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A byte order mark says so.
    Marked(TextEncoding),
    /// The bytes look like it.
    Guessed(TextEncoding),
}

/// What the bytes show; `None` for UTF-8, with damaged places or without.
pub(crate) fn detect(mut file: impl Read) -> io::Result<Option<Shown>> {
    let mut chunk = vec![0; CHUNK];
    let mut filled = fill(&mut file, &mut chunk)?;
    let head = &chunk[..filled];
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok((encoding != UTF_8).then_some(Shown::Marked(TextEncoding(encoding))));
    }
    if let Some(encoding) = utf_16_without_mark(&head[..filled.min(UTF_16_SHOWS_IN)]) {
        return Ok(Some(Shown::Guessed(TextEncoding(encoding))));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut utf_8, mut fed) = (Utf8Count::default(), 0);
    while filled > 0 && fed < GUESSED_FROM {
        let bytes = &chunk[..filled];
        if !(bytes.is_ascii() && utf_8.carried.is_empty()) {
            utf_8.see(bytes);
            // A text that is UTF-8 so far is looked at to its end: what is not may come late.
            if utf_8.invalid > 0 {
                detector.feed(bytes, false);
                fed += filled;
            }
        }
        filled = fill(&mut file, &mut chunk)?;
    }
    let cut_off = utf_8.end();
    detector.feed(&cut_off, true);
    if utf_8.invalid == 0 || utf_8.valid >= utf_8.invalid {
        return Ok(None);
    }
    let encoding = detector.guess(None, Utf8Detection::Deny);
    Ok(Some(Shown::Guessed(TextEncoding(encoding))))
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// UTF-16 shows itself by its many zero bytes at every second place, or, in scripts that have none, by the ends
/// of its lines.
fn utf_16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.chunks_exact(2);
    let n = pairs.len();
    let zeros = |at: usize| pairs.clone().filter(|pair| pair[at] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let is_many = |zeros: usize| zeros * 5 >= n * 2;
    let is_few = |zeros: usize| zeros * 20 <= n;
    if n < 4 || first.max(second) == 0 {
        None
    } else if is_few(first) && (is_many(second) || has_lines(head, *b"\n\0", UTF_16LE)) {
        Some(UTF_16LE)
    } else if is_few(second) && (is_many(first) || has_lines(head, *b"\0\n", UTF_16BE)) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether the text has ends of lines in an encoding, hardly any other byte that could be one, and nothing that is
/// none of the encoding's.
fn has_lines(head: &[u8], end: [u8; 2], encoding: &'static Encoding) -> bool {
    let ends = head.chunks_exact(2).filter(|pair| **pair == end).count();
    let bytes = memchr::memchr_iter(b'\n', head).count();
    // Where the head is cut off, half a character may stand at its end.
    let whole = &head[..head.len() / 2 * 2];
    let is_text =
        |text: &[u8]| encoding.decode_without_bom_handling_and_without_replacement(text).is_some();
    let is_whole = || is_text(whole) || is_text(&whole[..whole.len().saturating_sub(2)]);
    ends > 0 && ends * 2 > bytes && is_whole()
}

/// Characters beyond ASCII that are valid UTF-8, and places that are not.
#[derive(Default)]
struct Utf8Count {
    valid: u64,
    invalid: u64,
    /// The beginning of a character that goes on in the next bytes.
    carried: Vec<u8>,
}

impl Utf8Count {
    fn see(&mut self, bytes: &[u8]) {
        let joined;
        let mut rest = if self.carried.is_empty() {
            bytes
        } else {
            joined = [&*std::mem::take(&mut self.carried), bytes].concat();
            &joined
        };
        loop {
            let Err(error) = std::str::from_utf8(rest) else {
                self.valid += leading_bytes(rest);
                return;
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.valid += leading_bytes(valid);
            let Some(length) = error.error_len() else {
                after.clone_into(&mut self.carried);
                return;
            };
            self.invalid += 1;
            rest = &after[length..];
        }
    }

    /// The character that the file breaks off in.
    fn end(&mut self) -> Vec<u8> {
        self.invalid += u64::from(!self.carried.is_empty());
        std::mem::take(&mut self.carried)
    }
}

/// How many characters beyond ASCII begin in valid UTF-8.
fn leading_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte >= 0xC0).count() as u64
}

/// Bytes that are none of the encoding's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes {bytes} are not {encoding}; name the file's own encoding (`dataset.encoding`)")]
pub(super) struct NotInEncoding {
    encoding: &'static str,
    bytes: String,
}

/// The text of a file in some encoding, as UTF-8 and without a byte order mark.
pub(super) struct Transcoded<R> {
    inner: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    /// The part of `input` that is not decoded yet.
    start: usize,
    end: usize,
    is_at_end: bool,
    output: Vec<u8>,
    given: usize,
    /// What is wrong behind the output.
    wrong: Option<NotInEncoding>,
    is_done: bool,
}

impl<R> Transcoded<R> {
    pub(super) fn new(inner: R, encoding: TextEncoding) -> Self {
        Self {
            inner,
            encoding: encoding.0,
            decoder: encoding.0.new_decoder_with_bom_removal(),
            input: vec![0; CHUNK],
            start: 0,
            end: 0,
            is_at_end: false,
            output: Vec::new(),
            given: 0,
            wrong: None,
            is_done: false,
        }
    }
}

impl<R: Read> Transcoded<R> {
    /// Decodes what has been read, and reads on where that is nothing.
    fn decode(&mut self) -> io::Result<()> {
        if self.start == self.end && !self.is_at_end {
            self.end = fill(&mut self.inner, &mut self.input)?;
            self.start = 0;
            self.is_at_end = self.end < self.input.len();
        }
        let input = &self.input[self.start..self.end];
        self.output.resize(CHUNK, 0);
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            input,
            &mut self.output,
            self.is_at_end,
        );
        (self.given, self.start) = (0, self.start + read);
        self.output.truncate(written);
        match result {
            DecoderResult::InputEmpty => self.is_done = self.is_at_end,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                let end = self.start.saturating_sub(usize::from(after));
                let from = end.saturating_sub(usize::from(length));
                let bytes = self.input[from..end].iter().map(|byte| format!("0x{byte:02X}"));
                let bytes = bytes.collect::<Vec<_>>().join(" ");
                self.wrong = Some(NotInEncoding { encoding: self.encoding.name(), bytes });
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() {
            if let Some(wrong) = self.wrong.clone() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
            }
            if self.is_done {
                return Ok(0);
            }
            self.decode()?;
        }
        let rest = &self.output[self.given..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.given += n;
        Ok(n)
    }
}

/// How many characters these bytes are; bytes that belong to none count as one.
pub(super) fn lossy_columns(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count() as u64
}

/// What is wrong with bytes that are not UTF-8.
pub(super) fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> String {
    match bytes.get(error.valid_up_to()) {
        Some(byte) => format!("the byte 0x{byte:02X} is not UTF-8; {DECLARE}"),
        None => format!("is not UTF-8; {DECLARE}"),
    }
}

/// What to do about a file in another encoding.
pub(super) const DECLARE: &str =
    "mend the place, or name the file's encoding (`dataset.encoding: windows-1252`)";

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "id,text\n1,Größe und Maß für Äpfel\n2,Über schöne Möhren\n";
    const JAPANESE: &str =
        "id,text\n1,注文した商品がまだ届いていません\n2,パスワードを忘れてしまいました\n";
    const RUSSIAN: &str = "id,text\n1,Где мой заказ и когда он придёт\n2,Я забыл свой пароль\n";

    fn encoded(text: &str, name: &str) -> Vec<u8> {
        match name {
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            name => TextEncoding::parse(name).expect(name).0.encode(text).0.into_owned(),
        }
    }

    #[test]
    fn what_bytes_show() {
        let check = |bytes: &[u8], expected: Option<(&str, bool)>| {
            let shown = detect(bytes).expect("memory").map(|shown| match shown {
                Shown::Marked(encoding) => (encoding.name(), true),
                Shown::Guessed(encoding) => (encoding.name(), false),
            });
            assert_eq!(shown, expected, "{}", String::from_utf8_lossy(bytes));
        };
        check(b"", None);
        check(b"id,text\n1,plain\n", None);
        check(GERMAN.as_bytes(), None);
        check(format!("\u{feff}{GERMAN}").as_bytes(), None);
        // Damaged UTF-8 is not taken for something else.
        check(&[GERMAN.as_bytes(), b"3,\xFF\n"].concat(), None);
        check(&encoded(GERMAN, "windows-1252"), Some(("windows-1252", false)));
        check(&encoded(JAPANESE, "shift_jis"), Some(("Shift_JIS", false)));
        check(&encoded(JAPANESE, "euc-jp"), Some(("EUC-JP", false)));
        check(&encoded(RUSSIAN, "windows-1251"), Some(("windows-1251", false)));
        check(&encoded(GERMAN, "UTF-16LE"), Some(("UTF-16LE", false)));
        check(&encoded(GERMAN, "UTF-16BE"), Some(("UTF-16BE", false)));
        // Scripts whose characters have no zero bytes.
        for text in [JAPANESE, RUSSIAN] {
            for name in ["UTF-16LE", "UTF-16BE"] {
                for times in [1, 300] {
                    check(&encoded(&text.repeat(times), name), Some((name, false)));
                }
            }
        }
        // Zero bytes in plain text are none of UTF-16.
        check(&[&*b"id,text\n1,plain \0 text\n".repeat(9), b"2,a\0\n"].concat(), None);
        check(&[b"\xFF\xFE", &*encoded(GERMAN, "UTF-16LE")].concat(), Some(("UTF-16LE", true)));
        // What is not UTF-8 may stand behind megabytes that are.
        let late = [&*b"text,of,ascii\n".repeat(200_000), &encoded(GERMAN, "latin1")].concat();
        check(&late, Some(("windows-1252", false)));
    }

    #[test]
    fn texts_come_out_as_they_went_in() {
        for (text, name) in [
            (GERMAN, "latin1"),
            (GERMAN, "UTF-16LE"),
            (GERMAN, "UTF-16BE"),
            (JAPANESE, "Shift_JIS"),
            (JAPANESE, "EUC-JP"),
            (RUSSIAN, "koi8-r"),
            ("", "UTF-16LE"),
        ] {
            // Longer than a chunk, so that characters lie across its end.
            for times in [1, 5_000] {
                let long = text.repeat(times);
                let encoding = TextEncoding::parse(name).expect(name);
                let mut read = String::new();
                let bytes = encoded(&long, name);
                let mut reader = Transcoded::new(&*bytes, encoding);
                reader.read_to_string(&mut read).expect(name);
                assert!(read == long, "{name}, {times} times");
            }
        }
    }

    #[test]
    fn bytes_of_no_text_are_told_behind_the_text_before_them() {
        let encoding = TextEncoding::parse("shift_jis").expect("known");
        let mut reader = Transcoded::new(&b"a,b\n1,\x81\x20\n"[..], encoding);
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).expect_err("malformed").to_string();
        assert_eq!(read, b"a,b\n1,");
        assert!(error.contains("0x81") && error.contains("Shift_JIS"), "{error}");
        assert_eq!(TextEncoding::parse("iso-2022-kr"), None);
        assert_eq!(TextEncoding::parse("klingon"), None);
    }
}
