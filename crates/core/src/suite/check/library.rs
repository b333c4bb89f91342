//! Prompts that a suite uses by their names in the library.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Checker,
    prompt_sources::{MessageSource, PartSource},
};
use crate::{
    files::FileAccess,
    item::Item,
    prompt_library::{LibraryError, LibraryPrompt, PROMPTS_FOLDER, PromptLibrary},
    source_place::FilePlace,
    suite::{matrix, misfits::type_of, mistake::Mistake, raw::RawPrompt},
};

/// A prompt of a library, with the folder that it includes files of.
pub(super) struct UsedPrompt {
    folder: PathBuf,
    prompt: LibraryPrompt,
}

impl UsedPrompt {
    /// Its messages, as the suite at `pointer` uses them.
    pub(super) fn sources(&self, pointer: &str) -> Vec<MessageSource> {
        let source = |message: &crate::prompt_library::PromptMessage| MessageSource {
            role: message.role.to_owned(),
            is_text: true,
            parts: vec![PartSource {
                kind: None,
                text: message.text.clone(),
                folder: self.folder.clone(),
                file: Some(self.prompt.path.clone()),
                first_line: message.line,
                pointer: pointer.to_owned(),
            }],
        };
        self.prompt.file.messages.iter().map(source).collect()
    }
}

impl Checker<'_> {
    /// The prompt of this name, in the nearest library that has one.
    pub(super) fn library_prompt(&mut self, i: usize, name: &str) -> Option<UsedPrompt> {
        let pointer = format!("/prompts/{i}/use");
        let mut unknown = None;
        for library in &*self.libraries() {
            match library.find(name) {
                Ok(prompt) => {
                    let folder = library.folder.clone();
                    self.no_placeholder(&pointer, prompt);
                    return Some(UsedPrompt { folder, prompt: prompt.clone() });
                }
                Err(LibraryError::Wrong(wrong)) => {
                    let at = self.document.position(&pointer);
                    let told = wrong.list.into_iter().map(|mistake| {
                        let line = mistake.position.line.max(1);
                        let place = FilePlace { path: wrong.path.clone(), line };
                        let message =
                            format!("{}:{line}: {}", wrong.path.display(), mistake.message);
                        Mistake { message, ..mistake.moved(at) }.elsewhere(Some(place))
                    });
                    self.mistakes.extend(told);
                    return None;
                }
                Err(error) => unknown = unknown.or(Some(error.to_string())),
            }
        }
        if let Some(unknown) = unknown {
            self.complain(&pointer, unknown);
            return None;
        }
        let message = format!("the prompt `{name}` is in no library");
        let hint = format!(
            "a library is a folder `{PROMPTS_FOLDER}`, beside the suite or above it, with files that begin with front \
             matter; `evalmark prompts new {name}` writes one"
        );
        self.complain_with_hint(&pointer, message, hint);
        None
    }

    /// What a prompt of the library includes, by name.
    pub(super) fn included_by_library(&mut self, raw: &RawPrompt) -> Vec<(String, Value)> {
        let used = raw.used.as_deref().and_then(|name| self.used_prompt(name));
        let included = used.map(|prompt| prompt.content.included).unwrap_or_default();
        included.into_iter().map(|(name, text)| (name, text.into())).collect()
    }

    /// Holds the first item's columns to what a prompt of the library declares.
    pub(super) fn declared_variables(&mut self, i: usize, raw: &RawPrompt, first: Option<&Item>) {
        let (Some(name), Some(first)) = (&raw.used, first) else { return };
        let Some(prompt) = self.used_prompt(name) else { return };
        for (variable, declared) in &prompt.file.front_matter.variables {
            let value = first.fields.get(variable).filter(|value| !value.is_null());
            let Some(value) = value.filter(|value| !declared.kind.fits(value)) else { continue };
            let (kind, found) = (declared.kind.as_str(), type_of(value));
            let message = format!(
                "prompt `{name}` declares `{variable}` as {kind}, but in the first item it is {found}"
            );
            let line = prompt.file.line_of_variable(variable);
            let place = FilePlace { path: prompt.path.clone(), line };
            let at = self.document.position(&format!("/prompts/{i}/use"));
            self.mistakes.push(Mistake::at(at, message).elsewhere(Some(place)));
        }
    }

    /// A matrix fills placeholders in the suite only.
    fn no_placeholder(&mut self, pointer: &str, prompt: &LibraryPrompt) {
        let mut texts = prompt.file.messages.iter().map(|message| &message.text);
        let has_matrix = self.document.value.get("matrix").is_some();
        if has_matrix && texts.any(|text| matrix::has_placeholder(text)) {
            let message = format!(
                "the prompt file {} has a placeholder of the matrix, which is filled in the suite only",
                prompt.path.display()
            );
            let hint = "vary the prompt: `use: support-$(matrix.AXIS)`".to_owned();
            self.complain_with_hint(pointer, message, hint);
        }
    }

    fn used_prompt(&mut self, name: &str) -> Option<LibraryPrompt> {
        self.libraries().iter().find_map(|library| library.find(name).ok()).cloned()
    }

    /// Every library that the suite may use, the nearest first.
    fn libraries(&mut self) -> Arc<[PromptLibrary]> {
        if let Some(read) = &self.libraries {
            return read.clone();
        }
        let mut read = Vec::new();
        for folder in folders(&self.folder, &self.prompt_access) {
            match PromptLibrary::read(&folder, &self.prompt_access) {
                Ok(library) if library.prompts.is_empty() && library.mistakes.is_empty() => {}
                Ok(library) => read.push(library),
                Err(error) => self.complain("/prompts", error.to_string()),
            }
        }
        let read: Arc<[_]> = read.into();
        self.libraries = Some(read.clone());
        read
    }
}

/// The folders `prompts` beside a suite's folder and above it, up to its root.
fn folders(suite: &Path, access: &FileAccess) -> Vec<PathBuf> {
    let root = access.root();
    let here = if suite.as_os_str().is_empty() { Path::new(".") } else { suite };
    let mut folders = Vec::new();
    let mut at = here.to_owned();
    while let Ok(real) = fs::canonicalize(&at) {
        if root.is_some_and(|root| !real.starts_with(root)) {
            break;
        }
        let folder =
            if at == Path::new(".") { PROMPTS_FOLDER.into() } else { at.join(PROMPTS_FOLDER) };
        if access.is_folder(&folder) {
            folders.push(folder);
        }
        if root.is_none() || real.parent().is_none() {
            break;
        }
        at = above(&at);
    }
    folders
}

/// The folder above, in the words that the folder itself was named with.
fn above(folder: &Path) -> PathBuf {
    let is_named = folder.file_name().is_some();
    match folder.parent() {
        Some(parent) if is_named && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_named => parent.to_owned(),
        _ if folder == Path::new(".") => PathBuf::from(".."),
        _ => folder.join(".."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_are_named_as_people_name_them() {
        let check = |folder: &str, expected: &str| {
            assert_eq!(above(Path::new(folder)), Path::new(expected));
        };
        check("suites", ".");
        check("a/suites", "a");
        check(".", "..");
        check("..", "../..");
        check("/repo/suites", "/repo");
    }
}
