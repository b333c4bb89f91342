//! Prompts of a library at commits. What two commits share is read once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use evalmark_core::{
    files::{MAX_TEXT, decoded},
    prompt_library::{
        PROMPTS_FOLDER, PromptContent, PromptDocument, default_name, is_fragment_name,
        is_prompt_name,
    },
};
use evalmark_store::git::{CommitId, ContentId, FileKind, GitError, GitFile, GitRepository};

/// The library of a repository, at any of its commits.
pub(super) struct LibraryHistory<'a> {
    pub(super) git: &'a GitRepository,
    /// The library's folder in the repository.
    folder: String,
    texts: RefCell<HashMap<ContentId, Option<Arc<str>>>>,
    documents: HashMap<ContentId, Option<Arc<PromptDocument>>>,
    prompts: HashMap<(ContentId, String), Option<PromptAt>>,
}

/// A prompt at a commit.
#[derive(Clone, Debug)]
pub(super) struct PromptAt {
    /// Its name there.
    pub(super) name: String,
    /// The hash of what it says.
    pub(super) hash: Arc<str>,
    /// Its file and the files that it includes, by their paths in the repository.
    pub(super) files: BTreeMap<String, ContentId>,
}

impl<'a> LibraryHistory<'a> {
    pub(super) fn new(git: &'a GitRepository, library: &Path) -> Result<Self, GitError> {
        Ok(Self {
            folder: git.relative(library)?,
            git,
            texts: RefCell::default(),
            documents: HashMap::new(),
            prompts: HashMap::new(),
        })
    }

    /// The prompt in a file of a commit; `None` where there is no such file, or it is no prompt.
    pub(super) fn at(
        &mut self,
        commit: CommitId,
        path: &str,
    ) -> Result<Option<PromptAt>, GitError> {
        let folder = self.folder_of(path);
        let Some(library) = self.git.find(commit, &folder)? else { return Ok(None) };
        let key = (library.content, path.to_owned());
        if let Some(known) = self.prompts.get(&key) {
            return Ok(known.clone());
        }
        let prompt = self.read(commit, path, &folder)?;
        self.prompts.insert(key, prompt.clone());
        Ok(prompt)
    }

    fn read(
        &mut self,
        commit: CommitId,
        path: &str,
        folder: &str,
    ) -> Result<Option<PromptAt>, GitError> {
        let Some(file) = self.git.find(commit, path)? else { return Ok(None) };
        let Some(document) = self.document(&file) else { return Ok(None) };
        let mut files = BTreeMap::from([(file.path.clone(), file.content)]);
        let included = RefCell::new(Vec::new());
        let content = PromptContent::of(&document.messages, &|name| {
            let name = Some(name).filter(|name| is_fragment_name(name))?;
            let file = self.git.find(commit, &joined(folder, name)).ok()??;
            let text = self.text(&file)?;
            included.borrow_mut().push((file.path, file.content));
            Some(text.to_string())
        });
        files.extend(included.into_inner());
        let name = document.front_matter.name.clone();
        let name = name.unwrap_or_else(|| default_name(Path::new(folder), Path::new(path)));
        Ok(Some(PromptAt { name, hash: content.hash(), files }))
    }

    /// The path of a prompt at a commit.
    pub(super) fn path_of(
        &mut self,
        commit: CommitId,
        name: &str,
    ) -> Result<Option<String>, GitError> {
        let folder = self.folder.clone();
        for file in self.git.files_below(commit, &folder)? {
            let below = file.path.strip_prefix(&folder).unwrap_or(&file.path);
            let is_hidden = below.split('/').any(|part| part.starts_with('.'));
            if is_hidden || !is_prompt_name(Path::new(&file.path)) {
                continue;
            }
            let own = self.document(&file).map(|document| document.front_matter.name.clone());
            let default = || default_name(Path::new(&folder), Path::new(&file.path));
            if own.is_some_and(|own| own.unwrap_or_else(default) == name) {
                return Ok(Some(file.path));
            }
        }
        Ok(None)
    }

    /// The library that a file is in: the one that is asked about, or, before it was moved, the nearest of that name.
    pub(super) fn folder_of(&self, path: &str) -> String {
        let is_in = |folder: &str| {
            folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        if is_in(&self.folder) {
            return self.folder.clone();
        }
        let parent = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut above = Path::new(parent).ancestors();
        let library = above.find(|folder| folder.ends_with(PROMPTS_FOLDER));
        library.map_or(parent.to_owned(), |folder| folder.to_string_lossy().into_owned())
    }

    fn document(&mut self, file: &GitFile) -> Option<Arc<PromptDocument>> {
        if let Some(known) = self.documents.get(&file.content) {
            return known.clone();
        }
        let text = self.text(file).filter(|text| PromptDocument::is_one(text));
        let document = text.and_then(|text| PromptDocument::parse(&text).ok()).map(Arc::new);
        self.documents.insert(file.content, document.clone());
        document
    }

    /// The text of a file; `None` where it is none, or too large for a prompt.
    fn text(&self, file: &GitFile) -> Option<Arc<str>> {
        let mut texts = self.texts.borrow_mut();
        let read = || {
            let bytes =
                (file.kind == FileKind::File).then(|| self.git.read(file, MAX_TEXT).ok())??;
            Some(decoded(bytes).ok()?.into())
        };
        texts.entry(file.content).or_insert_with(read).clone()
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
