//! Whether a change reaches one suite, and through what.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
};

use evalmark_core::{
    files::FileAccess,
    prompt_library::{PROMPTS_FOLDER, PromptLibrary, default_name},
    suite::NamedTexts,
};
use evalmark_store::git::ChangedFile;

use super::{
    AffectedReason,
    changed_files::{ChangedFiles, joined},
    template_files::{TemplateFiles, Templates},
};

/// Texts that are longer name no file.
const LONGEST_PATH: usize = 1_000;

/// Reasons that are kept for one suite.
const MOST_REASONS: usize = 100;

/// Keys under which a folder is named.
const FOLDER_KEYS: [&str; 4] = ["path", "file", "folder", "files"];

/// How files end that prompts show, and whose names are columns of a dataset.
const MEDIA: [&str; 14] = [
    "png", "jpg", "jpeg", "gif", "webp", "bmp", "pdf", "wav", "mp3", "m4a", "ogg", "flac", "mp4",
    "webm",
];

/// Characters that make a path a pattern.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Looks for changed files among what suites name. Prompts that several suites use are read once.
pub(super) struct Reach<'a> {
    changed: &'a ChangedFiles,
    /// Folders below which suites may read, besides their own repository.
    roots: &'a [PathBuf],
    libraries: BTreeMap<String, Option<Rc<PromptLibrary>>>,
    templates: Templates,
}

/// The reasons of one suite.
#[derive(Default)]
struct Reasons(BTreeSet<AffectedReason>);

impl Reasons {
    fn add(&mut self, files: impl IntoIterator<Item = ChangedFile>, through: &str) {
        for file in files {
            if self.0.len() < MOST_REASONS {
                self.0.insert(AffectedReason { file: Some(file), through: through.to_owned() });
            }
        }
    }
}

impl<'a> Reach<'a> {
    pub(super) fn new(changed: &'a ChangedFiles, roots: &'a [PathBuf]) -> Self {
        let (libraries, templates) = (BTreeMap::new(), Templates::default());
        Self { changed, roots, libraries, templates }
    }

    /// Why a change reaches a suite; `None` where the file is no suite.
    pub(super) fn reasons(&mut self, name: &str, path: &Path) -> Option<Vec<AffectedReason>> {
        let mut reasons = Reasons::default();
        match NamedTexts::of_suite(path) {
            NamedTexts::NoSuite => return None,
            NamedTexts::Unreadable(why) => {
                let through = format!("it cannot be read: {why}");
                return Some(vec![AffectedReason { file: self.changed.at(name), through }]);
            }
            NamedTexts::Suite(_) if self.changed.is_empty() => {}
            NamedTexts::Suite(texts) => {
                reasons.add(self.changed.at(name), "the suite itself");
                for (pointer, text) in &texts {
                    self.text(folder_of(name), pointer, text, &mut reasons);
                }
            }
        }
        Some(reasons.0.into_iter().collect())
    }

    /// Whether a text of a suite, or of a file that it names, names a file that changed.
    fn text(&mut self, folder: &str, pointer: &str, text: &str, reasons: &mut Reasons) {
        let place = pointer.trim_start_matches('/').replace('/', ".");
        let key = pointer.rsplit('/').find(|part| part.parse::<u32>().is_err()).unwrap_or_default();
        let is_prompt = pointer.starts_with("/prompts/");
        if is_prompt && key == "use" {
            return self.used(folder, text, reasons);
        }
        if text.contains("{%") {
            let found = self.templates.of(text, folder, self.changed);
            self.included(&found, folder, &place, reasons);
        }
        if text.is_empty() || text.len() > LONGEST_PATH || text.contains('\n') {
            return;
        }
        if text.contains(WILDCARDS) {
            let may_be_path = FOLDER_KEYS.contains(&key) || ["image", "audio"].contains(&key);
            if may_be_path {
                self.pattern(folder, &place, text, reasons);
            }
            return;
        }
        let Some(path) = joined(folder, text) else { return };
        reasons.add(self.changed.at(&path), &place);
        if FOLDER_KEYS.contains(&key) && !path.is_empty() {
            reasons.add(self.changed.below(&path), &place);
        }
        if is_prompt && key == "file" {
            self.prompt_file(&path, pointer, reasons);
        }
    }

    /// A path with parts that are not known yet: any file that changed in the folder that is known reaches the suite.
    fn pattern(&self, folder: &str, place: &str, text: &str, reasons: &mut Reasons) {
        let known = &text[..text.find(WILDCARDS).unwrap_or(text.len())];
        let known = known.rsplit_once('/').map(|(folder, _)| folder);
        let Some(below) = joined(folder, known.unwrap_or(".")) else { return };
        let end = text.rsplit_once('.').map(|(_, end)| end);
        let end = end.filter(|end| !end.contains(['*', '?', '[', ']', '{', '}', '/']));
        let fits = |path: &str| {
            let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
            match end {
                Some(end) => extension == end,
                // Whose name is a column of the dataset is no suite, and no prompt.
                None => known.is_some() || MEDIA.contains(&extension.to_ascii_lowercase().as_str()),
            }
        };
        reasons.add(self.changed.below(&below).filter(|file| fits(&file.path)), place);
    }

    /// A file of a prompt: a template, or messages that name files of their own.
    fn prompt_file(&mut self, path: &str, pointer: &str, reasons: &mut Reasons) {
        let Ok(text) = FileAccess::unlimited().read_text(&self.changed.root.join(path)) else {
            return;
        };
        let (folder, place) = (folder_of(path), pointer.trim_start_matches('/').replace('/', "."));
        let found = self.templates.of(&text, folder, self.changed);
        self.included(&found, folder, &place, reasons);
        // A file of messages names no file of messages.
        let is_chat = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
        if is_chat && pointer.matches("/file").count() == 1 {
            for (below, text) in NamedTexts::of_document(&text) {
                self.text(folder, &format!("{pointer}{below}"), &text, reasons);
            }
        }
    }

    fn included(&self, found: &TemplateFiles, folder: &str, place: &str, reasons: &mut Reasons) {
        let through = format!("{place} includes it");
        reasons.add(found.paths.iter().filter_map(|path| self.changed.at(path)), &through);
        if found.are_computed {
            let through = format!("{place} may include it, by a name that it computes");
            reasons.add(self.changed.below(folder), &through);
        }
    }

    /// A prompt of the nearest library that has it.
    fn used(&mut self, folder: &str, name: &str, reasons: &mut Reasons) {
        let above = Path::new(folder).ancestors().map(|above| above.to_string_lossy().into_owned());
        let folders: Vec<_> = above.filter_map(|above| joined(&above, PROMPTS_FOLDER)).collect();
        if !folders.iter().any(|folder| self.changed.below(folder).next().is_some()) {
            return;
        }
        let through = format!("the prompt `{name}`");
        for folder in folders {
            // A file that is gone, or has mistakes, is found by its name.
            let is_it = |file: &ChangedFile| {
                default_name(Path::new(&folder), Path::new(&file.path)) == name
            };
            reasons.add(self.changed.below(&folder).filter(is_it), &through);
            let Some(library) = self.library(&folder) else { continue };
            let Ok(prompt) = library.find(name) else { continue };
            let below = |path: &Path| path.strip_prefix(&self.changed.root).ok().map(slashed);
            reasons.add(below(&prompt.path).and_then(|path| self.changed.at(&path)), &through);
            let content = &prompt.content;
            let names = content.included.keys().chain(&content.missing);
            let found = TemplateFiles {
                paths: names.filter_map(|name| joined(&folder, name)).collect(),
                are_computed: content.are_computed,
            };
            self.included(&found, &folder, &through, reasons);
            return;
        }
    }

    fn library(&mut self, folder: &str) -> Option<Rc<PromptLibrary>> {
        let (roots, path) = (self.roots, self.changed.root.join(folder));
        let read = || {
            let access = FileAccess::of_suite(&path.join("library"), roots).ok()?;
            PromptLibrary::read(&path, &access).ok().map(Rc::new)
        };
        self.libraries.entry(folder.to_owned()).or_insert_with(read).clone()
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn slashed(path: &Path) -> String {
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}
