//! Which files of a repository are a split of a dataset: those that the front matter of its `README.md`
//! names, or else those whose names and folders say so, as the `datasets` library reads them.

use std::{collections::BTreeMap, sync::LazyLock};

use evalmark_core::{dataset::Format, suite::yaml};
use glob::{MatchOptions, Pattern};
use regex::Regex;
use serde_json::Value;

use super::labels::LabelNames;
use crate::sources::unpack::unpacked_name;

/// Files that describe others.
const NO_DATA: [&str; 5] =
    ["README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"];

/// Words in names of files and folders that tell a split.
const WORDS: [(&str, &[&str]); 3] = [
    ("train", &["train", "training"]),
    ("validation", &["validation", "valid", "dev", "val"]),
    ("test", &["test", "testing", "eval", "evaluation"]),
];

/// How parts of a split are called that the library itself writes.
static SHARDED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^data/(\w+(?:\.\w+)*)-[0-9]{5}-of-[0-9]{5}[^/]*\.[^/]*$").ok());

/// The files of a split, and the names of labels in them.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) files: Vec<String>,
    pub(super) labels: LabelNames,
}

/// Splits with their files, in the order of the repository.
type Splits = BTreeMap<String, Vec<String>>;

/// The files of one split.
pub(super) fn choose(
    readme: Option<&str>,
    files: &[String],
    config: Option<&str>,
    split: Option<&str>,
) -> Result<Choice, String> {
    let front =
        readme.and_then(front_matter).map(|text| yaml(text).map_err(|mistake| mistake.message));
    let front = match front {
        Some(Err(why)) => return Err(format!("the front matter of README.md is no YAML: {why}")),
        Some(Ok(front)) => front,
        None => Value::Null,
    };
    let config = configuration(&front, config)?;
    let name = config.and_then(|config| config["config_name"].as_str());
    let data: Vec<&String> = files.iter().filter(|file| is_data(file)).collect();
    let below = config.and_then(|config| config["data_dir"].as_str()).unwrap_or("");
    let below = below.trim_matches('/');
    let splits = match config.map(|config| &config["data_files"]) {
        Some(named) if !named.is_null() => declared(named, below, &data)?,
        _ => by_name(below, &data),
    };
    let files = one_split(splits, split)?;
    Ok(Choice { files: same_format(files)?, labels: LabelNames::of_readme(&front, name) })
}

/// The YAML between the first two lines of `---`.
fn front_matter(readme: &str) -> Option<&str> {
    let rest = readme.trim_start_matches('\u{feff}').strip_prefix("---")?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let end = rest.find("\n---")?;
    Some(&rest[..=end])
}

/// The configuration of this name, or the one that is meant without any.
fn configuration<'a>(front: &'a Value, name: Option<&str>) -> Result<Option<&'a Value>, String> {
    let all = front["configs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let called = |config: &Value| config["config_name"].as_str().unwrap_or("default").to_owned();
    let names: Vec<_> = all.iter().map(called).collect();
    let found = match name {
        Some(name) => all.iter().find(|config| called(config) == name),
        None if all.len() == 1 => all.first(),
        None => all
            .iter()
            .find(|config| config["default"] == true)
            .or_else(|| all.iter().find(|config| called(config) == "default")),
    };
    match (found, name) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(name)) if !all.is_empty() => {
            Err(format!("has no configuration `{name}`; there are: {}", names.join(", ")))
        }
        (None, None) if all.len() > 1 => {
            Err(format!("has several configurations; name one in `config`: {}", names.join(", ")))
        }
        (None, Some(name)) if name != "default" => {
            Err(format!("has no configuration `{name}`: its README.md names none"))
        }
        _ => Ok(None),
    }
}

fn is_data(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    !NO_DATA.contains(&name)
        && !file.split('/').any(|part| part.starts_with(['.']) || part.starts_with("__"))
}

/// The splits that the front matter declares.
fn declared(named: &Value, below: &str, data: &[&String]) -> Result<Splits, String> {
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        all.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut patterns: Vec<(String, Vec<String>)> = Vec::new();
    match named {
        Value::Object(splits) => {
            patterns.extend(splits.iter().map(|(split, files)| (split.clone(), texts(files))));
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for entry in entries {
                let Some(split) = entry["split"].as_str() else {
                    return Err("an entry of `data_files` in README.md has no `split`".to_owned());
                };
                patterns.push((split.to_owned(), texts(&entry["path"])));
            }
        }
        other => patterns.push(("train".to_owned(), texts(other))),
    }
    let mut splits = Splits::new();
    for (split, patterns) in patterns {
        let mut files = Vec::new();
        for pattern in patterns {
            let full = [below, pattern.trim_start_matches("./")];
            let full: Vec<_> = full.into_iter().filter(|part| !part.is_empty()).collect();
            files.extend(matching(&full.join("/"), data)?);
        }
        splits.insert(split, files);
    }
    Ok(splits)
}

fn matching(pattern: &str, data: &[&String]) -> Result<Vec<String>, String> {
    const OPTIONS: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let compiled = Pattern::new(pattern)
        .map_err(|error| format!("`{pattern}` is not a pattern: {}", error.msg))?;
    let matches =
        |file: &&&String| file.as_str() == pattern || compiled.matches_with(file, OPTIONS);
    Ok(data.iter().filter(matches).map(|file| (*file).clone()).collect())
}

/// The splits that names tell; all is `train` where none does.
fn by_name(below: &str, data: &[&String]) -> Splits {
    let within: Vec<(&String, &str)> = data
        .iter()
        .filter_map(|file| {
            let rest = if below.is_empty() {
                file.as_str()
            } else {
                file.strip_prefix(below)?.strip_prefix('/')?
            };
            Some((*file, rest))
        })
        .collect();
    let mut splits = Splits::new();
    for (file, rest) in &within {
        let split = SHARDED.as_ref().and_then(|regex| regex.captures(rest)?.get(1));
        if let Some(split) = split {
            splits.entry(split.as_str().to_owned()).or_default().push((*file).clone());
        }
    }
    let in_folders = |rest: &str| {
        let (folders, _) = rest.rsplit_once('/').unwrap_or_default();
        folders.split('/').rev().find_map(split_of)
    };
    let in_name = |rest: &str| split_of(rest.rsplit('/').next().unwrap_or(rest));
    for told in [&in_folders as &dyn Fn(&str) -> Option<&'static str>, &in_name] {
        if !splits.is_empty() {
            return splits;
        }
        for (file, rest) in &within {
            if let Some(split) = told(rest) {
                splits.entry(split.to_owned()).or_default().push((*file).clone());
            }
        }
    }
    if splits.is_empty() {
        let all = within.iter().map(|(file, _)| (*file).clone()).collect();
        splits.insert("train".to_owned(), all);
    }
    splits
}

/// The split whose word stands in a name, between what separates words.
fn split_of(name: &str) -> Option<&'static str> {
    let is_between = |c: char| matches!(c, '-' | '.' | '_' | ' ') || c.is_ascii_digit();
    let words: Vec<&str> = name.split(is_between).collect();
    let found = WORDS.iter().find(|(_, known)| words.iter().any(|word| known.contains(word)));
    found.map(|(split, _)| *split)
}

fn one_split(mut splits: Splits, split: Option<&str>) -> Result<Vec<String>, String> {
    let names = splits.keys().cloned().collect::<Vec<_>>().join(", ");
    let files = match split {
        Some(split) => splits
            .remove(split)
            .ok_or_else(|| format!("has no split `{split}`; there are: {names}"))?,
        None if splits.len() == 1 => splits.into_values().next().unwrap_or_default(),
        None => return Err(format!("has several splits; name one in `split`: {names}")),
    };
    if files.is_empty() {
        return Err("has no files in that split".to_owned());
    }
    Ok(files)
}

/// The files of the format that most of them have; others lie beside.
fn same_format(files: Vec<String>) -> Result<Vec<String>, String> {
    let format = |file: &String| Format::of(unpacked_name(file).as_ref());
    let mut counted: Vec<(Format, usize)> = Vec::new();
    for found in files.iter().filter_map(format) {
        match counted.iter_mut().find(|(known, _)| *known == found) {
            Some((_, n)) => *n += 1,
            None => counted.push((found, 1)),
        }
    }
    let Some((most, _)) = counted.into_iter().max_by_key(|(_, n)| *n) else {
        return Err(format!("consists of files that evalmark cannot read, such as {}", files[0]));
    };
    Ok(files.into_iter().filter(|file| format(file) == Some(most)).collect())
}
