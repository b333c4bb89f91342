//! The tests of a configuration: files, defaults and scenarios merged, and a case for each combination of
//! variables that are lists.

use serde_json::{Map, Value};

use super::{Import, csv_rows};
use crate::suites::{
    node::{Files, Node},
    template_words::Converted,
};

/// The most cases that lists of variables may make.
const MOST_CASES: usize = 1_000_000;

/// How often variables within variables are filled in.
const DEEPEST: usize = 5;

/// A test with one value for each variable.
pub(super) struct Case {
    pub(super) description: Option<String>,
    pub(super) vars: Map<String, Value>,
    pub(super) metadata: Map<String, Value>,
    /// Its assertions, those of `defaultTest` first.
    pub(super) asserts: Vec<Node>,
    /// Its options; the first that has one counts.
    options: Vec<Node>,
    /// The answer that it holds itself.
    pub(super) answer: Option<Value>,
}

impl Case {
    /// An option of the test, or of `defaultTest`.
    pub(super) fn option(&self, name: &str) -> Option<Node> {
        self.options.iter().find_map(|options| options.get(name))
    }
}

/// A test and what it inherits: its own part last.
struct Layers {
    layers: Vec<Node>,
}

pub(super) struct Cases;

impl Cases {
    pub(super) fn read(import: &mut Import<'_>) -> Vec<Case> {
        let default = import.root.get("defaultTest").and_then(|node| import.object(node));
        let mut tests: Vec<Layers> = Vec::new();
        let own = import.root.get("tests").map(|node| import.tests(&node)).unwrap_or_default();
        tests.extend(own.into_iter().map(|test| Layers { layers: vec![test] }));
        tests.extend(import.scenarios());
        if tests.is_empty() {
            tests.push(Layers { layers: Vec::new() });
        }
        let mut cases = Vec::new();
        for test in &mut tests {
            test.layers.splice(0..0, default.clone());
            import.cases_of(test, &mut cases);
            if cases.len() > MOST_CASES {
                let why = format!("lists of variables make more than {MOST_CASES} cases of it");
                let root = import.root.clone();
                import.draft.lose(&root, "further tests", why);
                break;
            }
        }
        cases
    }
}

impl Import<'_> {
    /// A mapping, or the one in the file that is named instead.
    fn object(&mut self, node: Node) -> Option<Node> {
        let Some(name) = node.as_text() else { return Some(node) };
        let path = self.files.path(name);
        match self.files.document(&path) {
            Ok(document) => Some(document),
            Err(error) => {
                self.draft.lose(&node, format!("`{name}`"), error.to_string());
                None
            }
        }
    }

    /// Tests in a list, or in the files that are named.
    pub(super) fn tests(&mut self, node: &Node) -> Vec<Node> {
        let mut tests = Vec::new();
        for one in node.elements() {
            match one.as_text() {
                Some(name) => {
                    let name = name.to_owned();
                    tests.extend(self.test_files(&one, &name));
                }
                None => match one.get("path") {
                    Some(path) if one.get("vars").is_none() => {
                        let name = path.as_text().unwrap_or_default().to_owned();
                        tests.extend(self.test_files(&one, &name));
                    }
                    _ => tests.push(one),
                },
            }
        }
        tests
    }

    fn test_files(&mut self, at: &Node, name: &str) -> Vec<Node> {
        let what = format!("tests of `{name}`");
        if name.starts_with("http://")
            || name.starts_with("https://")
            || name.starts_with("huggingface://")
        {
            let why = "an import fetches nothing; save the rows as a file, or name it as the dataset's source";
            self.draft.lose(at, what, why);
            return Vec::new();
        }
        let paths = match self.files.expand(name) {
            Ok(paths) => paths,
            Err(why) => {
                self.draft.lose(at, what, why);
                return Vec::new();
            }
        };
        let mut tests = Vec::new();
        for path in paths {
            match self.test_file(&path) {
                Ok(more) => tests.extend(more),
                Err(why) => self.draft.lose(at, format!("tests of `{}`", path.display()), why),
            }
        }
        tests
    }

    fn test_file(&mut self, path: &std::path::Path) -> Result<Vec<Node>, String> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "csv" => {
                let (rows, lost) = csv_rows::tests(&self.files.text(path)?)?;
                for (line, what) in lost {
                    let place = format!("{}:{line}", path.display());
                    self.draft.losses().at(place, what, "the importer does not know it");
                }
                Ok(Files::rows(path, rows).elements())
            }
            "jsonl" => {
                let text = self.files.text(path)?;
                let mut rows = Vec::new();
                for (at, line) in
                    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
                {
                    let row = serde_json::from_str(line);
                    rows.push((
                        at as u64 + 1,
                        row.map_err(|error| format!("line {}: {error}", at + 1))?,
                    ));
                }
                Ok(Files::rows(path, rows).elements())
            }
            "yaml" | "yml" | "json" => {
                let document = self.files.document(path).map_err(|error| error.to_string())?;
                Ok(self.tests(&document))
            }
            "js" | "cjs" | "mjs" | "ts" | "py" => {
                Err("it is code, and an import runs none".to_owned())
            }
            _ => Err("the importer does not read such files; save it as CSV or JSONL".to_owned()),
        }
    }

    /// Every row of each scenario with each of its tests.
    fn scenarios(&mut self) -> Vec<Layers> {
        let mut all = Vec::new();
        let Some(scenarios) = self.root.get("scenarios") else { return all };
        for scenario in scenarios.elements() {
            let Some(scenario) = self.object(scenario) else { continue };
            for scenario in scenario.elements() {
                let data = scenario.get("config").map(|node| self.tests(&node)).unwrap_or_default();
                let tests = scenario.get("tests").map(|node| self.tests(&node)).unwrap_or_default();
                for data in data {
                    if tests.is_empty() {
                        all.push(Layers { layers: vec![data.clone()] });
                    }
                    all.extend(
                        tests
                            .iter()
                            .map(|test| Layers { layers: vec![data.clone(), test.clone()] }),
                    );
                }
            }
        }
        all
    }

    fn cases_of(&mut self, test: &Layers, cases: &mut Vec<Case>) {
        let node = test.layers.last().cloned().unwrap_or_else(|| self.root.clone());
        let last = |key: &str| test.layers.iter().rev().find_map(|layer| layer.text(key));
        let own = test.layers.iter().rev().find_map(|layer| layer.get("options"));
        let no_default = own.and_then(|own| own.get("disableDefaultAsserts"));
        let no_default = no_default.is_some_and(|node| node.value() == &Value::Bool(true));
        let skipped = usize::from(no_default && test.layers.len() > 1);
        let mut asserts = Vec::new();
        for layer in test.layers.iter().skip(skipped) {
            asserts.extend(
                layer.get("assert").map(|node| self.assert_list(&node)).unwrap_or_default(),
            );
        }
        let (mut vars, mut metadata) = (Map::new(), Map::new());
        for layer in &test.layers {
            if let Some(node) = layer.get("vars") {
                vars.extend(self.vars(&node));
            }
            let more = layer.get("metadata").and_then(|node| node.value().as_object().cloned());
            metadata.extend(more.unwrap_or_default());
        }
        self.other_keys_of(&test.layers);
        let answer = test.layers.iter().rev().find_map(|layer| layer.get("providerOutput"));
        let answer = answer.map(|node| match node.value() {
            Value::String(said) => Value::from(said.as_str()),
            other => other.to_string().into(),
        });
        let options: Vec<_> =
            test.layers.iter().rev().filter_map(|layer| layer.get("options")).collect();
        self.other_options_of(&options);
        let expands = !options.iter().any(|options| options.get("disableVarExpansion").is_some());
        for vars in self.combinations(&node, vars, expands) {
            let vars = self.filled(&node, vars);
            cases.push(Case {
                description: last("description"),
                vars,
                metadata: metadata.clone(),
                asserts: asserts.clone(),
                options: options.clone(),
                answer: answer.clone(),
            });
        }
    }

    /// Assertions in a list; one may be a file with more.
    fn assert_list(&mut self, node: &Node) -> Vec<Node> {
        let mut asserts = Vec::new();
        for one in node.elements() {
            match one.as_text() {
                Some(_) => {
                    let more = self.object(one).map(|document| document.elements());
                    asserts.extend(more.unwrap_or_default());
                }
                None => asserts.push(one),
            }
        }
        asserts
    }

    /// The variables in a mapping, or in the files that are named instead.
    fn vars(&mut self, node: &Node) -> Map<String, Value> {
        if let Some(map) = node.value().as_object() {
            return map.clone();
        }
        let mut vars = Map::new();
        let files = self.files.beside_value(node);
        for one in node.elements() {
            let name = one.as_text().unwrap_or_default().to_owned();
            let paths = files.expand(&name).unwrap_or_else(|why| {
                self.draft.lose(&one, format!("`vars` of `{name}`"), why);
                Vec::new()
            });
            for path in paths {
                match files.document(&path) {
                    Ok(document) => {
                        vars.extend(document.value().as_object().cloned().unwrap_or_default());
                    }
                    Err(error) => {
                        self.draft.lose(&one, format!("`vars` of `{name}`"), error.to_string());
                    }
                }
            }
        }
        vars
    }

    /// A case for each value of each variable that is a list of texts.
    fn combinations(
        &mut self,
        at: &Node,
        vars: Map<String, Value>,
        expands: bool,
    ) -> Vec<Map<String, Value>> {
        let mut all = vec![Map::new()];
        for (name, value) in vars {
            let values = match value {
                Value::Array(list) if expands && list.first().is_some_and(Value::is_string) => list,
                Value::String(text) if expands && text.starts_with("file://") => {
                    self.var_files(at, &text)
                }
                other => vec![other],
            };
            if all.len().saturating_mul(values.len()) > MOST_CASES {
                self.draft.lose(
                    at,
                    format!("the values of `{name}`"),
                    "there are too many combinations",
                );
                continue;
            }
            let with = |one: &Map<String, Value>, value: &Value| {
                let mut one = one.clone();
                one.insert(name.clone(), value.clone());
                one
            };
            all = all
                .iter()
                .flat_map(|one| values.iter().map(move |value| with(one, value)))
                .collect();
        }
        all
    }

    fn var_files(&mut self, at: &Node, name: &str) -> Vec<Value> {
        match self.files.expand(name) {
            Ok(paths) => {
                paths.iter().map(|path| format!("file://{}", path.display()).into()).collect()
            }
            Err(why) => {
                self.draft.lose(at, format!("`{name}`"), why);
                vec!["".into()]
            }
        }
    }

    /// The variables with files and other variables in them filled in.
    fn filled(&mut self, at: &Node, mut vars: Map<String, Value>) -> Map<String, Value> {
        for value in vars.values_mut() {
            match value {
                Value::String(text) if text.starts_with("file://") => {
                    let name = text.clone();
                    *value = self.var_file(at, &name).into();
                }
                Value::String(text) => {
                    if let Some(short) = text.strip_suffix('\n') {
                        *text = short.to_owned();
                    }
                }
                Value::Null => *value = "".into(),
                _ => {}
            }
        }
        for _ in 0..DEEPEST {
            let known = vars.clone();
            let mut changed = false;
            for value in vars.values_mut() {
                let Some(text) = value.as_str().filter(|text| text.contains("{{")) else {
                    continue;
                };
                let Ok(template) = Converted::of_nunjucks(text) else { continue };
                let is_known = |name: &String| known.contains_key(name);
                if !template.variables.iter().all(is_known) {
                    continue;
                }
                if let Ok(filled) = template.render(&known)
                    && filled != text
                {
                    *value = filled.into();
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        vars
    }

    fn var_file(&mut self, at: &Node, name: &str) -> String {
        const CODE: [&str; 6] = ["js", "cjs", "mjs", "ts", "py", "rb"];
        const MEDIA: [&str; 12] =
            ["png", "jpg", "jpeg", "gif", "webp", "svg", "pdf", "mp3", "wav", "mp4", "bmp", "ogg"];
        let shown = name.strip_prefix("file://").unwrap_or(name);
        let path = if std::path::Path::new(shown).is_absolute() {
            shown.into()
        } else {
            // What a pattern stood for is relative to the working folder already.
            let as_is = std::path::PathBuf::from(shown);
            if as_is.exists() { as_is } else { self.files.path(name) }
        };
        let ending =
            path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        let why = match ending.as_str() {
            ending if CODE.contains(&ending) => "it is code, and an import runs none".to_owned(),
            ending if MEDIA.contains(&ending) => {
                "it is no text; name its path in an `image`, `audio` or `file` part of a message"
                    .to_owned()
            }
            "yaml" | "yml" => match self.files.document(&path) {
                Ok(document) => return document.value().to_string(),
                Err(error) => error.to_string(),
            },
            _ => match self.files.text(&path) {
                Ok(text) => return text.trim().to_owned(),
                Err(why) => why,
            },
        };
        self.draft.lose(at, format!("the variable's file `{shown}`"), why);
        String::new()
    }
}
