//! promptfoo's configuration: prompts, providers, tests and their assertions.
//!
//! What each means is promptfoo 0.121's; where evalmark scores otherwise, `differences` says so.

mod assertions;
mod cases;
mod checked_text;
mod csv_rows;
mod http_provider;
mod prompts;
mod provider_defaults;
mod providers;
mod unread_keys;
mod values;

use std::{collections::HashSet, path::Path};

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value};

use self::{
    assertions::Assertions,
    cases::{Case, Cases},
    values::of_javascript,
};
use super::{
    checks::make_metrics,
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::{SuiteDraft, free},
    node::{Files, Node},
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "promptfoo",
    summary: "promptfoo's configuration (promptfooconfig.yaml, or JSON), with the files that it names",
    read,
};

/// Keys that the importer reads, and what says which format it is.
const READ: [&str; 11] = [
    "description",
    "prompts",
    "providers",
    "targets",
    "tests",
    "defaultTest",
    "scenarios",
    "evaluateOptions",
    "commandLineOptions",
    "assertionTemplates",
    "$schema",
];

/// What is read while a configuration is carried over.
struct Import<'a> {
    files: Files<'a>,
    root: Node,
    draft: SuiteDraft,
}

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let files = Files::beside(request.file, request.access);
    let root = files.document(request.file)?;
    if !root.value().is_object() {
        return Err(SuiteImportError::new(
            root.place(),
            "a configuration of promptfoo is a mapping",
        ));
    }
    let draft = SuiteDraft::new(&suite_name(request, &root));
    let mut import = Import { files, root, draft };
    import.other_keys();
    import.draft.description = import.root.text("description").map(|text| text.trim().to_owned());
    let mut cases = Cases::read(&mut import);
    import.rows(&mut cases);
    let answers = cases.iter().any(|case| case.answer.is_some());
    import.prompts(&cases);
    import.providers(answers);
    import.options();
    let mut assertions = Assertions::default();
    let checks: Vec<_> = cases.iter().map(|case| assertions.of_case(&mut import, case)).collect();
    make_metrics(&mut import.draft, checks);
    import.without_checks();
    Ok(vec![import.draft.finish()])
}

/// The name that the user gives, or the file's; `promptfooconfig` says nothing, but its folder does.
fn suite_name(request: &SuiteRequest<'_>, root: &Node) -> String {
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let file = stem(request.file).unwrap_or_default();
    let folder = std::path::absolute(request.file).ok();
    let folder = folder.and_then(|path| stem(path.parent()?));
    match (request.name, file.strip_prefix("promptfooconfig")) {
        (Some(name), _) => name.to_owned(),
        (None, None) => file,
        (None, Some(more)) => {
            let base = folder.or_else(|| root.text("description")).unwrap_or(file.clone());
            format!("{base}{more}").replace('.', "-")
        }
    }
}

impl Import<'_> {
    fn other_keys(&mut self) {
        for (key, node) in self.root.entries() {
            let why = match key.as_str() {
                key if READ.contains(&key) => continue,
                "redteam" => "red teaming has no counterpart",
                "derivedMetrics" => "a formula over metrics of a run has no counterpart",
                "extensions" | "nunjucksFilters" => "it is code, and an import runs none",
                "tracing" => "traces have no counterpart",
                "env" => "variables are set where evalmark is run",
                "sharing" => "evalmark shares nothing; a run is a folder of files",
                "outputPath" | "writeLatestResults" => "a run writes to the folder of `--out`",
                "tags" | "metadata" => "a suite has no counterpart",
                _ => "the importer does not know it",
            };
            self.draft.lose(&node, format!("`{key}`"), why);
        }
    }

    /// Settings of an evaluation; those of the command line come first where both are there.
    fn options(&mut self) {
        for section in ["evaluateOptions", "commandLineOptions"] {
            let entries = self.root.get(section).map(|options| options.entries());
            for (key, node) in entries.unwrap_or_default() {
                match (key.as_str(), node.value().as_u64()) {
                    ("repeat", Some(n)) => self.draft.epochs = Some(n),
                    ("maxConcurrency", Some(n)) => {
                        for model in &mut self.draft.models {
                            model["limits"]["concurrency"] = n.into();
                        }
                    }
                    _ => {
                        let why = match key.as_str() {
                            "cache" => "answers are kept per run; see `evalmark cache`",
                            "delay" | "maxConcurrency" => "see `limits` of a model",
                            _ => "it has no counterpart",
                        };
                        self.draft.lose(&node, format!("`{section}.{key}`"), why);
                    }
                }
            }
        }
    }

    /// One row per case: its variables, what it is called, and its recorded answer.
    fn rows(&mut self, cases: &mut [Case]) {
        let names: HashSet<String> =
            cases.iter().flat_map(|case| case.vars.keys().cloned()).collect();
        let column = |name: &str| free(name, |name| names.contains(name));
        let (id, answer) = (column("id"), column("answer"));
        let mut ids = HashSet::new();
        let described = cases.iter().all(|case| case.description.is_some());
        let has_answers = cases.iter().any(|case| case.answer.is_some());
        for (number, case) in cases.iter().enumerate() {
            let name = case.description.clone().filter(|_| described);
            let name =
                free(&name.unwrap_or_else(|| (number + 1).to_string()), |id| ids.contains(id));
            ids.insert(name.clone());
            let mut row = Map::from_iter([(id.clone(), Value::from(name))]);
            if let Some(description) = case.description.as_ref().filter(|_| !described) {
                row.insert(column("description"), description.as_str().into());
            }
            row.extend(case.vars.iter().map(|(name, value)| (name.clone(), of_javascript(value))));
            if has_answers {
                row.insert(answer.clone(), case.answer.clone().unwrap_or_else(|| "".into()));
            }
            if !case.metadata.is_empty() && !names.contains("metadata") {
                row.insert("metadata".to_owned(), Value::Object(case.metadata.clone()));
            }
            self.draft.rows.push(row);
        }
        // Every row has every variable: where promptfoo finds none, it shows nothing.
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        for row in &mut self.draft.rows {
            for name in &names {
                row.entry(name.clone()).or_insert_with(|| "".into());
            }
        }
        self.draft.id = Some(id);
    }

    /// A suite has a metric, even where nothing was checked.
    fn without_checks(&mut self) {
        if self.draft.metrics.is_empty() {
            let why = "no assertion could be carried over; the suite measures the answers' length instead";
            let root = self.root.clone();
            self.draft.lose(&root, "assertions", why);
            let length = serde_json::json!({ "length": {} });
            self.draft.metric("length", length.as_object().cloned().unwrap_or_default());
        }
    }
}
