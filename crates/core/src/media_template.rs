//! Pictures, sound and documents of a prompt: a template says where one is, and it is read for each item.

mod media_type;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};

pub(crate) use self::media_type::MediaKind;
use crate::{
    fields::Fields,
    files::{FileAccess, FileError},
    message::{Media, MediaSource, Part},
    template::{Template, TemplateError},
};

/// Bytes that a file may have: what the largest providers take.
const MAX_BYTES: u64 = 20 << 20;

/// A part of a message that is no text.
#[derive(Clone, Debug)]
pub struct MediaTemplate {
    pub(crate) kind: MediaKind,
    /// Renders to a path or an address.
    pub(crate) source: Template,
    /// What messages call its prompt.
    pub(crate) prompt: String,
    /// Where paths begin.
    pub(crate) folder: PathBuf,
    pub(crate) access: FileAccess,
    /// The provider of a model that fetches nothing from addresses, where the prompt is asked of one.
    pub(crate) fetches_nothing: Option<String>,
}

impl MediaTemplate {
    /// The part for an item.
    pub(crate) fn render(
        &self,
        fields: &Fields,
        examples: Option<&[Fields]>,
    ) -> Result<Part, TemplateError> {
        let source = self.source.render_with(fields, examples)?;
        let media = self.read(source.trim()).map_err(|problem| TemplateError {
            message: format!("{}: the {} {problem}", self.prompt, self.kind.as_str()),
            line: None,
        })?;
        Ok(match self.kind {
            MediaKind::Image => Part::Image(media),
            MediaKind::Audio => Part::Audio(media),
            MediaKind::File => Part::File(media),
        })
    }

    fn read(&self, source: &str) -> Result<Media, String> {
        if source.is_empty() {
            return Err("has neither path nor address: its template renders to nothing".to_owned());
        }
        if let Some(data) = source.strip_prefix("data:") {
            return self.of_data(data);
        }
        match source.split_once("://") {
            Some(("http" | "https", _)) => self.at_address(source),
            Some((scheme, _)) => {
                Err(format!("is at a `{}:` address; use `https:`", scheme.escape_debug()))
            }
            None => self.of_file(source),
        }
    }

    /// What the provider fetches itself.
    fn at_address(&self, address: &str) -> Result<Media, String> {
        if let Some(provider) = &self.fetches_nothing {
            return Err(format!(
                "is at an address, and `provider: {provider}` fetches none; download it, and name its \
                 path"
            ));
        }
        let url = url::Url::parse(address).map_err(|_| "has no valid address".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has an address with a user name or password".to_owned());
        }
        let name = url.path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
        let name = name.filter(|name| !name.is_empty());
        let by_name = name.as_deref().and_then(|name| media_type::of_name(Path::new(name)));
        let media_type = by_name.unwrap_or(self.kind.any()).to_owned();
        Ok(Media { media_type, name, source: MediaSource::Url(address.to_owned()) })
    }

    /// What stands in a `data:` address.
    fn of_data(&self, data: &str) -> Result<Media, String> {
        let wrong = || "is not a `data:TYPE;base64,…` address".to_owned();
        let (_, data) = data.split_once(";base64,").ok_or_else(wrong)?;
        if data.len() as u64 > MAX_BYTES / 3 * 4 {
            return Err(too_large());
        }
        let bytes = BASE64_STANDARD.decode(data).map_err(|_| wrong())?;
        self.of_bytes(&bytes, None)
    }

    fn of_file(&self, path: &str) -> Result<Media, String> {
        let path = self.folder.join(path);
        let told = |error: FileError| format!("{} {error}", path.display());
        let mut bytes = Vec::new();
        let file = self.access.open(&path).map_err(told)?;
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| told(FileError::Unreadable(error)))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large());
        }
        self.of_bytes(&bytes, Some(&path))
    }

    fn of_bytes(&self, bytes: &[u8], path: Option<&Path>) -> Result<Media, String> {
        let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let media_type = media_type::of_bytes(self.kind, bytes, path).ok_or_else(|| {
            let name = name.as_deref().unwrap_or_default().escape_debug();
            format!("`{name}` is none that models take: {}", self.kind.known())
        })?;
        let source = MediaSource::Base64(BASE64_STANDARD.encode(bytes));
        Ok(Media { media_type: media_type.to_owned(), name, source })
    }
}

fn too_large() -> String {
    format!("has more than {} MiB", MAX_BYTES >> 20)
}
