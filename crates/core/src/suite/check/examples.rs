//! Checking a prompt's `examples`: their rows are read, and become turns, before anything is asked.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::Value;

use super::{Checker, suggest};
use crate::{
    dataset::{DatasetError, DatasetSpec, FileSpec, Format, SelectedRows, content_hash, sniff},
    examples::{
        AnswerTemplate, Choose, ExampleRow, Examples, Likeness, Looks, TurnTemplates, each_once,
        groups,
    },
    fields::Fields,
    item::Item,
    prompt::{PartTemplate, Prompt},
    suite::{
        mistake::Mistake,
        raw::{RawChoose, RawExamples},
    },
    template::Template,
};

/// The most rows that examples are chosen from; of more, those with the lowest hashes are taken.
const MAX_ROWS: usize = 10_000;

/// The variable that holds examples.
const VARIABLE: &str = "examples";

/// The rows that a prompt's examples are chosen from.
pub(super) struct ExamplePool {
    file: FileSpec,
    rows: Vec<ExampleRow>,
    choose: Choose,
    /// Whether they are the items themselves.
    is_dataset: bool,
}

impl ExamplePool {
    /// Some of the rows, to try a template on.
    pub(super) fn tried(&self, count: u32) -> Vec<Fields> {
        self.rows.iter().take(count as usize).map(|row| row.fields.clone()).collect()
    }

    /// What tells it from other pools.
    fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark example rows v1");
        for row in &self.rows {
            hasher.update(&row.hash.0);
            hasher.update(row.id.as_deref().unwrap_or_default().as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Puts what stands in the file into the prompt as it is kept.
    pub(super) fn inline(&self, prompt: &mut Value) {
        if !self.is_dataset {
            prompt["examples"]["rows"] = self.hash().into();
        }
    }
}

impl Checker<'_> {
    /// The rows that the examples of the prompt at `at` are chosen from.
    pub(super) fn example_pool(
        &mut self,
        at: &str,
        raw: &RawExamples,
        dataset: &DatasetSpec,
    ) -> Option<ExamplePool> {
        let at = format!("{at}/examples");
        let spec = match &raw.path {
            None => dataset.clone(),
            Some(path) => {
                let file = self.example_file(&format!("{at}/path"), Path::new(path), raw.format)?;
                DatasetSpec { file, ignored: Vec::new(), selection: None, ..dataset.clone() }
            }
        };
        let choose = match raw.choose {
            None | Some(RawChoose::PerItem) => Choose::PerItem,
            Some(RawChoose::Once) => Choose::Once,
            Some(RawChoose::First) => Choose::First,
        };
        let rows = match example_rows(&spec, raw.balance.as_deref(), choose) {
            Ok(rows) => rows,
            // A dataset that cannot be read has its mistake already.
            Err(_) if raw.path.is_none() && !self.mistakes.is_empty() => return None,
            Err(error) => {
                let key = if raw.path.is_some() { "/path" } else { "" };
                self.complain(&format!("{at}{key}"), format!("examples {error}"));
                return None;
            }
        };
        if let (Some(column), Some(first)) = (&raw.balance, rows.first())
            && let Err(missing) = first.fields.find(column)
        {
            let known: Vec<_> = missing.known.iter().map(String::as_str).collect();
            let message = format!("the examples have no column `{column}`");
            let hint = suggest(&missing.name, &known, "their columns");
            self.complain_with_hint(&format!("{at}/balance"), message, hint);
        }
        Some(ExamplePool { file: spec.file, rows, choose, is_dataset: raw.path.is_none() })
    }

    /// The file of examples, which is looked for when it is opened.
    fn example_file(&mut self, at: &str, path: &Path, format: Option<Format>) -> Option<FileSpec> {
        let full = self.folder.join(path);
        let Some(format) = format.or_else(|| Format::of(&full)).filter(|_| !full.is_dir()) else {
            let (message, hint) = sniff::by_name(&full, &path.display().to_string());
            self.complain_with_hint(at, message, hint);
            return None;
        };
        let mut file =
            FileSpec { access: self.prompt_access.clone(), ..self.file_spec(full, format) };
        self.found_quietly(&mut file);
        Some(file)
    }

    /// The examples of a prompt whose messages are compiled.
    pub(super) fn examples(
        &mut self,
        at: &str,
        (raw, pool): (&RawExamples, ExamplePool),
        prompt: &Prompt,
        (dataset, first): (&DatasetSpec, &Item),
    ) -> Option<Arc<Examples>> {
        let at = format!("{at}/examples");
        let is_placed = prompt.templates().any(|template| template.names(VARIABLE));
        if is_placed && first.fields.contains_key(VARIABLE) {
            let message = "the dataset has a column `examples`, which the prompt's examples hide";
            self.complain(&at, message);
        }
        let turns = if raw.turns.unwrap_or(!is_placed) {
            Some(self.turn_templates(&at, raw, prompt, dataset)?)
        } else {
            self.idle_templates(&at, raw);
            None
        };
        let names = |column: &&String| {
            let own = turns.iter().filter_map(|turns| turns.user.as_ref());
            prompt.templates().chain(own).any(|template| template.names(column))
        };
        let shared = shared_columns(&pool, dataset, first);
        let shown: Vec<_> = shared.iter().filter(names).cloned().collect();
        let is_content = |column: &String| !dataset.ignored.contains(column);
        let identity =
            if shown.is_empty() { shared.into_iter().filter(is_content).collect() } else { shown };
        let mut rows = pool.rows;
        let likeness = Likeness::new(
            identity.clone(),
            (&prompt.messages, prompt.question().map(|at| &prompt.messages[at])),
            turns.as_ref().and_then(|turns| turns.user.as_ref()),
            rows.first().map(|row| &row.fields),
        );
        for row in &mut rows {
            row.looks = likeness.looks(&row.fields);
        }
        let rows = each_once(rows, &identity, pool.choose);
        let mut examples = Examples {
            origin: pool.file.origin,
            is_dataset: pool.is_dataset,
            groups: groups(&rows, raw.balance.is_some()),
            rows,
            count: raw.count as usize,
            seed: raw.seed.unwrap_or_default(),
            choose: pool.choose,
            likeness,
            turns,
        };
        let n = examples.rows.len().saturating_sub(usize::from(pool.is_dataset));
        if n < examples.count {
            self.complain(&format!("{at}/count"), examples.too_few(n));
            return None;
        }
        self.render_turns(&at, &mut examples, prompt)?;
        Some(Arc::new(examples))
    }

    /// How a row becomes two messages.
    fn turn_templates(
        &mut self,
        at: &str,
        raw: &RawExamples,
        prompt: &Prompt,
        dataset: &DatasetSpec,
    ) -> Option<TurnTemplates> {
        let user = match &raw.user {
            Some(text) => Some(self.turn_template(&format!("{at}/user"), &prompt.name, text)?),
            None => None,
        };
        if prompt.question().is_none() {
            let message = "examples stand before the last user message, and the prompt has none";
            self.complain(at, message);
            return None;
        }
        let assistant = match &raw.assistant {
            Some(text) => {
                let at = format!("{at}/assistant");
                AnswerTemplate::Template(self.turn_template(&at, &prompt.name, text)?)
            }
            None if dataset.targets.is_empty() => {
                let message = "`examples` lacks `assistant`, the template of an answer: the dataset \
                               names no `target` to take answers from";
                self.complain(at, message);
                return None;
            }
            None => AnswerTemplate::Target(dataset.targets.clone()),
        };
        Some(TurnTemplates { user, assistant })
    }

    fn turn_template(&mut self, at: &str, prompt: &str, text: &str) -> Option<Template> {
        let name = format!("prompt `{prompt}`");
        match Template::compile(&name, text, &self.folder, &self.prompt_access) {
            Ok(template) => Some(template),
            Err(error) => {
                self.complain(at, error.message);
                None
            }
        }
    }

    /// Complains of templates that nothing uses.
    fn idle_templates(&mut self, at: &str, raw: &RawExamples) {
        let why = match raw.turns {
            Some(_) => "`turns` is false",
            None => "the prompt names the variable `examples`",
        };
        for (key, text) in [("user", &raw.user), ("assistant", &raw.assistant)] {
            if text.is_some() {
                let message = format!("`{key}` is part of a turn, and there are none: {why}");
                let hint = "remove it, or set `turns: true`".to_owned();
                self.complain_with_hint(&format!("{at}/{key}"), message, hint);
            }
        }
    }

    /// Renders every row's turn once, and keeps those that are texts.
    fn render_turns(&mut self, at: &str, examples: &mut Examples, prompt: &Prompt) -> Option<()> {
        let question = prompt.question().and_then(|at| prompt.messages.get(at));
        let (Some(templates), Some(question)) = (&examples.turns, question) else {
            return Some(());
        };
        let is_text = |part: &PartTemplate| matches!(part, PartTemplate::Text(_));
        if templates.user.is_none() && !question.parts.iter().all(is_text) {
            // Pictures are read when they are shown.
            return Some(());
        }
        let (mut turns, mut wrong) = (Vec::new(), None);
        for row in &examples.rows {
            match examples.turn(templates, row, question) {
                Ok(turn) => turns.push(turn),
                Err(error) => match &wrong {
                    Some((first, _)) if *first < row.row => {}
                    _ => wrong = Some((row.row, error)),
                },
            }
        }
        match wrong {
            None => {
                for (row, turn) in examples.rows.iter_mut().zip(turns) {
                    row.turn = Some(turn);
                }
                Some(())
            }
            Some((_, error)) => {
                let known = examples.rows.first().map(|row| {
                    let names: Vec<_> = row.fields.keys().map(String::as_str).collect();
                    format!("the examples' columns: {}", names.join(", "))
                });
                let hint = known.filter(|_| error.message.contains("undefined variable"));
                let place = self.document.position(at);
                self.mistakes.push(Mistake { hint, ..Mistake::at(place, error.message) });
                None
            }
        }
    }
}

/// The columns that the examples share with the items, apart from those that say who an item is or what
/// its answer is.
fn shared_columns(pool: &ExamplePool, dataset: &DatasetSpec, first: &Item) -> Vec<String> {
    let Some(example) = pool.rows.first() else { return Vec::new() };
    let is_target = |column: &String| {
        dataset.targets.iter().any(|target| {
            let rest = target.strip_prefix(column.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let columns = first.fields.keys().filter(|column| example.fields.contains_key(column));
    let is_id = |column: &String| dataset.id.as_ref() == Some(column);
    columns.filter(|column| !is_id(column) && !is_target(column)).cloned().collect()
}

/// The rows of a file: all, or as many as are held.
fn example_rows(
    spec: &DatasetSpec,
    balance: Option<&str>,
    choose: Choose,
) -> Result<Vec<ExampleRow>, DatasetError> {
    // By hash; where the first are chosen, by place.
    let mut kept = BTreeMap::new();
    for selected in SelectedRows::open(&Arc::new(spec.clone()))? {
        let (row, fields) = selected?;
        let text = |column: &str| {
            let cells = fields.find(column).ok()?;
            cells.first()?.text().ok().flatten().map(std::borrow::Cow::into_owned)
        };
        let id = spec.id.as_deref().and_then(text);
        let hash = content_hash(spec, &fields);
        let label = balance.and_then(text);
        let order = match choose {
            Choose::First => ([0; 16], None, row),
            Choose::PerItem | Choose::Once => (hash.0, id.clone(), row),
        };
        kept.insert(
            order,
            ExampleRow { row, id, hash, label, fields, looks: Looks::default(), turn: None },
        );
        if kept.len() > MAX_ROWS {
            kept.pop_last();
            if choose == Choose::First {
                break;
            }
        }
    }
    Ok(kept.into_values().collect())
}
