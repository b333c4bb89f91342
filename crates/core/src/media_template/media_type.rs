//! What a file is: by its first bytes, and by its name where those do not tell.

use std::path::Path;

/// A kind of part that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Image,
    Audio,
    File,
}

impl MediaKind {
    /// Its word in a suite.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
        }
    }

    /// What there is of it.
    pub(super) fn known(self) -> &'static str {
        match self {
            Self::Image => "PNG, JPEG, GIF, WebP",
            Self::Audio => "WAV, MP3, FLAC, Ogg, M4A",
            Self::File => "PDF, or text in UTF-8",
        }
    }

    /// The type of one about which nothing is known.
    pub(super) fn any(self) -> &'static str {
        match self {
            Self::Image => "image/jpeg",
            Self::Audio => "audio/mpeg",
            Self::File => "application/pdf",
        }
    }
}

/// Type by ending.
const ENDINGS: [(&str, &str); 20] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("m4a", "audio/mp4"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("xml", "text/xml"),
    ("json", "application/json"),
    ("yaml", "text/yaml"),
];

/// The type that a file's ending stands for.
pub(super) fn of_name(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

/// The type of a file of this kind; `None` where it is no such file.
pub(super) fn of_bytes(kind: MediaKind, bytes: &[u8], path: Option<&Path>) -> Option<&'static str> {
    match kind {
        MediaKind::Image => picture(bytes),
        MediaKind::Audio => sound(bytes),
        MediaKind::File if bytes.starts_with(b"%PDF-") => Some("application/pdf"),
        MediaKind::File => {
            let is_text = !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok();
            let by_name = path.and_then(of_name);
            let is_right = |name: &&str| name.starts_with("text/") || *name == "application/json";
            is_text.then(|| by_name.filter(is_right).unwrap_or("text/plain"))
        }
    }
}

fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        _ if is_riff(bytes, b"WEBP") => Some("image/webp"),
        _ => None,
    }
}

fn sound(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        _ if is_riff(bytes, b"WAVE") => Some("audio/wav"),
        [b'I', b'D', b'3', ..] => Some("audio/mpeg"),
        // A frame's first eleven bits, and a layer that exists.
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Some("audio/mpeg"),
        [b'f', b'L', b'a', b'C', ..] => Some("audio/flac"),
        [b'O', b'g', b'g', b'S', ..] => Some("audio/ogg"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("audio/mp4"),
        _ => None,
    }
}

fn is_riff(bytes: &[u8], kind: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(kind)
}

#[cfg(test)]
mod tests {
    use super::{
        MediaKind::{Audio, File, Image},
        *,
    };

    #[test]
    fn a_type_follows_from_what_a_file_holds() {
        let check = |kind, bytes: &[u8], name: &str, expected| {
            assert_eq!(of_bytes(kind, bytes, Some(Path::new(name))), expected, "{name}");
        };
        check(Image, b"\x89PNG\r\n\x1a\n...", "a.jpg", Some("image/png"));
        check(Image, b"\xff\xd8\xff\xe0", "a", Some("image/jpeg"));
        check(Image, b"GIF89a", "a.gif", Some("image/gif"));
        check(Image, b"RIFF\0\0\0\0WEBPVP8", "a.webp", Some("image/webp"));
        check(Image, b"<svg/>", "a.png", None);
        check(Image, b"", "a.png", None);
        check(Audio, b"RIFF\0\0\0\0WAVE", "a", Some("audio/wav"));
        check(Audio, b"ID3\x04", "a.wav", Some("audio/mpeg"));
        check(Audio, b"\xff\xfb\x90", "a.mp3", Some("audio/mpeg"));
        check(Audio, b"hello", "a.mp3", None);
        check(File, b"%PDF-1.7", "a", Some("application/pdf"));
        check(File, "größer".as_bytes(), "a.CSV", Some("text/csv"));
        check(File, b"a", "a.png", Some("text/plain"));
        check(File, b"\0a", "a.txt", None);
        check(File, b"\xff", "a.txt", None);
    }
}
