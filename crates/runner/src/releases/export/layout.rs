//! A folder that a program reads in ten lines: `release.json` names a file for each prompt. A file never changes under its
//! name, so that a program that reads while a new release is written sees the old one or the new one.

use std::{
    fs,
    path::{Component, Path},
};

use evalmark_store::{durable, releases::EnvironmentState};
use serde_json::{Map, Value, json};

use super::text::{ExportedFile, ExportedRelease, PromptText, ReleaseExportError};
use crate::error::{Hinted, Result};

/// The file that names the others.
const INDEX: &str = "release.json";

/// Digits of a release's digest that are part of a file's name.
const DIGITS: usize = 12;

/// The files.
pub(super) fn layout(state: &EnvironmentState, prompts: &[PromptText]) -> Vec<ExportedFile> {
    let mut files = Vec::new();
    let mut names = Map::new();
    for prompt in prompts {
        let text = format!("{:#}\n", prompt.document());
        let sha256 = evalmark_store::releases::sha256_hex(text.as_bytes());
        let digits: String = sha256.chars().take(DIGITS).collect();
        let path = format!("prompts/{}.{digits}.json", prompt.name);
        names.insert(prompt.name.clone(), json!(path));
        files.push(ExportedFile { path, text });
    }
    let index = json!({
        "format_version": 1,
        "environment": state.environment,
        "release": state.release,
        "sha256": state.sha256,
        "prompts": names,
    });
    files.push(ExportedFile { path: INDEX.to_owned(), text: format!("{index:#}\n") });
    files
}

/// Writes an export into a folder: what names the others last. Files of an earlier release that nothing names any more are
/// removed then.
pub fn write_exported(exported: &ExportedRelease, folder: &Path) -> Result<()> {
    let earlier = named_files(folder);
    let leads_out =
        |path: &str| Path::new(path).components().any(|part| !matches!(part, Component::Normal(_)));
    if let Some(file) = exported.files.iter().find(|file| leads_out(&file.path)) {
        let (name, why) = (file.path.clone(), "its name leads out of the folder".to_owned());
        return Err(ReleaseExportError::NoPrompt { name, why }.into());
    }
    for file in &exported.files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| durable::write(&path, file.text.as_bytes()))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let has = |path: &String| exported.files.iter().any(|file| file.path == *path);
    for path in earlier.into_iter().filter(|path| !has(path)) {
        let path = folder.join(path);
        durable::remove(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    Ok(())
}

/// The files that the earlier `release.json` of a folder names, as far as they lie where exports put them.
fn named_files(folder: &Path) -> Vec<String> {
    let index = fs::read(folder.join(INDEX)).ok();
    let index = index.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let prompts = index.as_ref().and_then(|index| index.get("prompts")?.as_object());
    let is_own = |path: &&str| {
        let inside = path.strip_prefix("prompts/").is_some_and(|rest| {
            rest.split('/').all(|part| evalmark_core::suite::file_name(part).is_ok())
        });
        inside && Path::new(path).extension().is_some_and(|extension| extension == "json")
    };
    let paths = prompts.into_iter().flat_map(|prompts| prompts.values());
    paths.filter_map(Value::as_str).filter(is_own).map(str::to_owned).collect()
}
