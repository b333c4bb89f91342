//! Receivers of verdicts: the sections `notify` and `export` of a suite, and of `evalmark.yaml` above it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    Mistake, Mistakes, SuiteError,
    check::literal_keys,
    document::Document,
    misfits::fit,
    raw::{RawProject, RawReceiver},
    read_text,
    schema::project_schema,
};
use crate::{
    files::FileAccess,
    metric::ParamError,
    receiver::{ReceiverKind, ReceiverSection, ReceiverSpec},
    source_place::FilePlace,
};

/// The file that holds for every suite below it, within one repository.
pub const PROJECT_FILE: &str = "evalmark.yaml";

/// The sections whose items are receivers; each knows its own.
const SECTIONS_OF_RECEIVERS: [&str; 2] = ["notify", "export"];

/// The section that a key of a receiver belongs to, where it stands in the other one.
pub(super) fn other_section(schema: &Value, pointer: &str, key: &str) -> Option<&'static str> {
    let (section, item) = pointer.strip_prefix('/')?.split_once('/')?;
    let is_receiver = SECTIONS_OF_RECEIVERS.contains(&section) && !item.contains('/');
    let mut others = SECTIONS_OF_RECEIVERS.into_iter().filter(|other| *other != section);
    let knows = |other: &&str| {
        let known = schema.pointer(&format!("/properties/{other}/items/properties"));
        known.is_some_and(|known| known.get(key).is_some())
    };
    others.find(|other| is_receiver && knows(other))
}

/// Something wrong with a receiver, at a JSON pointer.
pub(super) struct ReceiverMistake {
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// The receivers of one file, with what it takes to check them.
pub(super) struct ReceiverReader<'a> {
    pub(super) kinds: &'a [ReceiverKind],
    pub(super) document: &'a Document,
    /// Whether the file has mistakes already: what does not fit the schema is not told again.
    pub(super) is_wrong: bool,
    pub(super) folder: &'a Path,
    pub(super) access: &'a FileAccess,
}

impl ReceiverSpec {
    /// The receivers of a suite's file and of the project's above it, whatever else stands in the suite; none where the file
    /// is a suite of another name.
    pub fn of_suite(
        (path, name): (&Path, &str),
        kinds: &[ReceiverKind],
        roots: &[PathBuf],
    ) -> Result<Vec<Self>, SuiteError> {
        let unreadable = |reason: String| SuiteError::Unreadable { path: path.to_owned(), reason };
        let text = read_text(path).map_err(unreadable)?;
        let access = FileAccess::of_suite(path, roots);
        let access = access.map_err(|error| unreadable(error.to_string()))?;
        let wrong = |list| Mistakes { path: path.to_owned(), list };
        let mut document = Document::parse(&text).map_err(|mistake| wrong(vec![mistake]))?;
        if document.value["name"] != name {
            return Ok(Vec::new());
        }
        if let Some(sections) = document.value.as_object_mut() {
            sections.retain(|key, _| key == "notify" || key == "export");
        }
        let own = read_file(document, path, kinds, &access).map_err(wrong)?;
        let of_project = of_project(path, kinds, &access).map_err(wrong)?;
        Ok(together(own, of_project))
    }

    /// The receivers of the project's file above a folder, where no suite is at hand.
    pub fn of_folder(
        folder: &Path,
        kinds: &[ReceiverKind],
        roots: &[PathBuf],
    ) -> Result<Vec<Self>, SuiteError> {
        let inside = folder.join(PROJECT_FILE);
        let access = FileAccess::of_suite(&inside, roots).map_err(|error| {
            SuiteError::Unreadable { path: folder.to_owned(), reason: error.to_string() }
        })?;
        let wrong = |list| Mistakes { path: folder.to_owned(), list };
        Ok(of_project(&inside, kinds, &access).map_err(wrong)?)
    }
}

/// The suite's own receivers, and those of the project that it does not name anew.
pub(super) fn together(
    mut own: Vec<ReceiverSpec>,
    of_project: Vec<ReceiverSpec>,
) -> Vec<ReceiverSpec> {
    for receiver in of_project {
        if !own.iter().any(|other| other.name == receiver.name) {
            own.push(receiver);
        }
    }
    own
}

/// The receivers of the nearest `evalmark.yaml` above a suite, within its repository; none where there is no such file.
pub(super) fn of_project(
    suite: &Path,
    kinds: &[ReceiverKind],
    access: &FileAccess,
) -> Result<Vec<ReceiverSpec>, Vec<Mistake>> {
    let Some(file) = project_file(suite, access) else { return Ok(Vec::new()) };
    let elsewhere = |mistake: Mistake| {
        let (at, name) = (mistake.position, file.display());
        let message = match at.line {
            0 => format!("{name}: {}", mistake.message),
            line => format!("{name}:{line}:{}: {}", at.column, mistake.message),
        };
        let place = FilePlace { path: file.clone(), line: at.line };
        let told = Mistake::new(message).elsewhere(Some(place));
        mistake.hint.into_iter().fold(told, Mistake::hint)
    };
    let all = |list: Vec<Mistake>| list.into_iter().map(elsewhere).collect::<Vec<_>>();
    let text = access.read_text(&file).map_err(|error| {
        let message = format!("{} {error}", file.display());
        vec![Mistake::new(message)]
    })?;
    let document = Document::parse(&text).map_err(|mistake| all(vec![mistake]))?;
    if document.value.is_null() {
        return Ok(Vec::new());
    }
    read_file(document, &file, kinds, access).map_err(all)
}

/// The nearest project file, from the suite's folder up to the root of what it may read.
fn project_file(suite: &Path, access: &FileAccess) -> Option<PathBuf> {
    let folder = suite.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let root = access.root().unwrap_or(&folder);
    let inside = folder.ancestors().take_while(|at| at.starts_with(root));
    inside.map(|at| at.join(PROJECT_FILE)).find(|file| file.is_file())
}

/// Reads a document that has nothing but the two sections.
fn read_file(
    mut document: Document,
    path: &Path,
    kinds: &[ReceiverKind],
    access: &FileAccess,
) -> Result<Vec<ReceiverSpec>, Vec<Mistake>> {
    let mut mistakes = literal_keys::find(&document);
    mistakes.extend(fit(&mut document, &project_schema(kinds)));
    let raw: RawProject = match serde_json::from_value(document.value.clone()) {
        Ok(raw) => raw,
        Err(_) if !mistakes.is_empty() => return Err(mistakes),
        Err(error) => return Err(vec![Mistake::new(error.to_string())]),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_wrong = !mistakes.is_empty();
    let reader = ReceiverReader { kinds, document: &document, is_wrong, folder, access };
    let (found, wrong) = reader.read(&raw.notify, &raw.export);
    mistakes.extend(wrong.into_iter().map(|mistake| {
        let at = Mistake::at(document.position(&mistake.pointer), mistake.message);
        mistake.hint.into_iter().fold(at, Mistake::hint)
    }));
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

impl ReceiverReader<'_> {
    /// Checks both sections.
    pub(super) fn read(
        &self,
        notify: &[RawReceiver],
        export: &[RawReceiver],
    ) -> (Vec<ReceiverSpec>, Vec<ReceiverMistake>) {
        let (mut found, mut mistakes): (Vec<ReceiverSpec>, _) = (Vec::new(), Vec::new());
        let sections = [(ReceiverSection::Notify, notify), (ReceiverSection::Export, export)];
        for (section, list) in sections {
            for (i, raw) in list.iter().enumerate() {
                let at = format!("/{section}/{i}");
                match self.receiver(section, raw, &at) {
                    Ok(Some(receiver)) => {
                        if found.iter().any(|other| other.name == receiver.name) {
                            let message = format!("two receivers are called `{}`", receiver.name);
                            let hint = "give one of them a `name` of its own";
                            mistakes.push(wrong(at, message).with_hint(hint));
                        }
                        found.push(receiver);
                    }
                    Ok(None) => {}
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        (found, mistakes)
    }

    /// One receiver; `None` where its mistake is told already.
    fn receiver(
        &self,
        section: ReceiverSection,
        raw: &RawReceiver,
        at: &str,
    ) -> Result<Option<ReceiverSpec>, ReceiverMistake> {
        if let Some(name) = &raw.name
            && (name.trim().is_empty() || name.chars().any(char::is_control) || name.len() > 100)
        {
            let message =
                "a receiver's name is one line of text, not empty, with at most 100 bytes";
            return Err(wrong(format!("{at}/name"), message.to_owned()));
        }
        let of_section = || self.kinds.iter().filter(|kind| kind.section == section);
        let named: Vec<_> = of_section().filter(|kind| raw.kinds.contains_key(kind.name)).collect();
        let kind = match *named {
            [kind] => kind,
            _ if self.document.lost(at) || self.lost_below(at) => return Ok(None),
            _ => {
                let known: Vec<_> = of_section().map(|kind| kind.name).collect();
                let message = format!("a receiver under `{section}` needs exactly one kind");
                let hint = format!("kinds: {}", known.join(", "));
                return Err(wrong(at.to_owned(), message).with_hint(&hint));
            }
        };
        let params = raw.kinds.get(kind.name).cloned().unwrap_or(Value::Null);
        let below = format!("{at}/{}", kind.name);
        let secrets = match (kind.open)(&params) {
            Ok(secrets) => secrets,
            Err(ParamError { pointer, .. }) if pointer.is_empty() && self.is_wrong => {
                return Ok(None);
            }
            Err(ParamError { pointer, message }) => return Err(wrong(below + &pointer, message)),
        };
        if let Some(on) = &raw.on {
            let wrong = |message| wrong(format!("{at}/on"), message);
            kind.check_occasions(on).map_err(wrong)?;
        }
        let template = raw.template.as_deref();
        let template = template.map(|file| self.template(kind, file, at)).transpose()?;
        Ok(Some(ReceiverSpec {
            name: raw.name.clone().unwrap_or_else(|| kind.name.to_owned()),
            kind: kind.name.to_owned(),
            params,
            hears: kind.hears,
            on: raw.on.clone().unwrap_or_else(|| kind.default_occasions()),
            template,
            secrets,
        }))
    }

    fn lost_below(&self, at: &str) -> bool {
        let begin = format!("{at}/");
        self.document.taken_out.iter().any(|pointer| pointer.starts_with(&begin))
    }

    /// The text of a template, which is known to be one.
    fn template(
        &self,
        kind: &ReceiverKind,
        file: &str,
        at: &str,
    ) -> Result<String, ReceiverMistake> {
        let wrong = |message: String| wrong(format!("{at}/template"), message);
        let Some(check) = kind.check_template else {
            return Err(wrong(format!("`{}` takes no template", kind.name)));
        };
        let text = self.access.read_text(&self.folder.join(file));
        let text = text.map_err(|error| wrong(format!("template `{file}` {error}")))?;
        check(&text).map_err(|why| wrong(format!("template `{file}`: {why}")))?;
        Ok(text)
    }
}

fn wrong(pointer: String, message: String) -> ReceiverMistake {
    ReceiverMistake { pointer, message, hint: None }
}

impl ReceiverMistake {
    fn with_hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }
}
