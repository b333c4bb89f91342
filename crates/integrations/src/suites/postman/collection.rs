//! The requests of a collection, with what they inherit from its folders.

use serde_json::Value;

use super::variables::Variables;
use crate::suites::{
    definition::{SuiteImportError, SuiteRequest},
    draft::Losses,
    node::{Files, Node},
};

/// How deep folders may lie in folders.
const DEEPEST: usize = 32;

/// A request of a collection.
#[derive(Debug)]
pub(super) struct Item {
    /// Its name behind those of its folders: `Folder / Request`.
    pub(super) name: String,
    pub(super) node: Node,
    pub(super) request: Node,
    /// Its own, or that of the nearest folder.
    pub(super) auth: Option<Node>,
    /// Scripts of the collection, of the folders, and its own, in the order in which they are run.
    pub(super) tests: Vec<Script>,
}

/// A script with tests.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// Whose it is: the collection, a folder or a request.
    pub(super) owner: String,
    pub(super) event: Node,
}

/// What a file holds.
pub(super) struct Collection {
    pub(super) root: Node,
    pub(super) name: String,
    pub(super) items: Vec<Item>,
    pub(super) variables: Variables,
    pub(super) losses: Losses,
}

/// What a folder hands down.
#[derive(Clone, Default)]
struct Inherited {
    folders: Vec<String>,
    auth: Option<Node>,
    tests: Vec<Script>,
}

pub(super) fn read(request: &SuiteRequest<'_>) -> Result<Collection, SuiteImportError> {
    let files = Files::beside(request.file, request.access);
    let document = files.document(request.file)?;
    let root = document.get("collection").unwrap_or(document);
    let is_v2 = root.get("item").is_some_and(|items| items.value().is_array());
    if root.get("info").is_none() || !is_v2 {
        return Err(other_file(&root));
    }
    let name = root.get("info").and_then(|info| info.text("name"));
    let name = name.unwrap_or_else(|| "collection".to_owned());
    let mut variables = Variables::default();
    if let Some(list) = root.get("variable") {
        variables.add(&list);
    }
    if let Some(path) = request.environment {
        variables.add(&environment(path)?);
    }
    let mut collection = Collection {
        root: root.clone(),
        name,
        items: Vec::new(),
        variables,
        losses: Losses::default(),
    };
    collection.walk(&root, Inherited::default(), 0);
    Ok(collection)
}

/// What a file is that is no collection of version 2.
fn other_file(root: &Node) -> SuiteImportError {
    let (problem, hint) = if root.get("requests").is_some() {
        ("this is a collection of version 1", "export it as version 2.1 in Postman")
    } else if root.get("values").is_some() {
        ("this is an environment, not a collection", "name it with `--environment FILE`")
    } else {
        (
            "a collection has `info` and a list `item`",
            "export the collection as version 2.1 in Postman",
        )
    };
    SuiteImportError { hint: Some(hint.to_owned()), ..SuiteImportError::new(root.place(), problem) }
}

/// The values of an environment, or of globals: the user names that file, so it is read wherever it lies.
fn environment(path: &std::path::Path) -> Result<Node, SuiteImportError> {
    let access = evalmark_core::files::FileAccess::unlimited();
    let document = Files::beside(path, &access).document(path)?;
    let document = document.get("environment").unwrap_or(document);
    document.get("values").filter(|values| values.value().is_array()).ok_or_else(|| {
        SuiteImportError::new(document.place(), "an environment of Postman has a list `values`")
    })
}

impl Collection {
    /// Takes in the items of a collection or folder.
    fn walk(&mut self, folder: &Node, inherited: Inherited, depth: usize) {
        let mut inherited = inherited;
        inherited.take(folder, &mut self.losses);
        for node in folder.get("item").map(|items| items.elements()).unwrap_or_default() {
            let name = node.text("name").unwrap_or_else(|| "request".to_owned());
            if node.get("item").is_some() {
                if depth >= DEEPEST {
                    self.losses.push(
                        &node,
                        format!("the folder `{name}`"),
                        format!("folders lie more than {DEEPEST} deep"),
                    );
                    continue;
                }
                let mut within = inherited.clone();
                within.folders.push(name);
                if let Some(variables) = node.get("variable") {
                    let why = "Postman reads variables of the collection and of environments alone";
                    self.losses.push(&variables, "`variable` of a folder", why);
                }
                self.walk(&node, within, depth + 1);
            } else if let Some(request) = node.get("request") {
                let mut own = inherited.clone();
                own.folders.push(name);
                own.take(&node, &mut self.losses);
                let auth = request.get("auth").or(own.auth);
                let name = own.folders.join(" / ");
                self.items.push(Item { name, node, request, auth, tests: own.tests });
            } else {
                self.losses.push(
                    &node,
                    format!("the item `{name}`"),
                    "it has neither `request` nor `item`",
                );
            }
        }
    }
}

impl Inherited {
    /// Takes in what stands beside the items of a folder, or beside a request.
    fn take(&mut self, node: &Node, losses: &mut Losses) {
        let owner = if self.folders.is_empty() {
            "the collection".to_owned()
        } else {
            format!("`{}`", self.folders.join(" / "))
        };
        self.auth = node.get("auth").or(self.auth.take());
        for event in node.get("event").map(|events| events.elements()).unwrap_or_default() {
            let is_empty = lines(&event).iter().all(|(line, _)| line.trim().is_empty());
            if is_empty
                || event.get("disabled").is_some_and(|off| off.value() == &Value::Bool(true))
            {
                continue;
            }
            match event.text("listen").as_deref() {
                Some("test") => self.tests.push(Script { owner: owner.clone(), event }),
                Some("prerequest") => {
                    let why = "it is code that runs before a request, and an import runs none";
                    losses.push(&event, format!("the pre-request script of {owner}"), why);
                }
                _ => losses.push(&event, "an event", "it is neither `test` nor `prerequest`"),
            }
        }
    }
}

/// The lines of an event's script, each with its place in the file.
pub(super) fn lines(event: &Node) -> Vec<(String, String)> {
    let Some(exec) = event.get("script").and_then(|script| script.get("exec")) else {
        return Vec::new();
    };
    let elements = exec.elements();
    let of = |node: &Node| {
        let place = node.place();
        let text = node.as_text().unwrap_or_default();
        text.split('\n')
            .map(|line| (line.trim_end_matches('\r').to_owned(), place.clone()))
            .collect::<Vec<_>>()
    };
    elements.iter().flat_map(of).collect()
}
