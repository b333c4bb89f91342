//! What is wrong with a dataset, or looks wrong: values that its schema does not allow, repeated and nearly
//! repeated items, contradictory labels, leaks, odd texts.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use evalmark_core::plan::schema_violations;
use serde::Serialize;

use super::{
    near_duplicates::{NearPair, near_pairs, normal},
    open::{DatasetUseError, OpenedDataset, TextItem},
    options::DatasetOptions,
};
use crate::{Host, ending::Ending, error::Result, log_cases::FrozenItems};

/// How similar texts are that count as nearly the same.
pub const NEAR: f64 = 0.75;

/// How many findings of a kind are listed.
const LISTED: usize = 1_000;

/// The shortest text, in characters, whose occurrence in a prompt is no accident.
const SHORTEST_LEAK: usize = 12;

/// How a dataset is looked at.
#[derive(Clone, Debug)]
pub struct ValidateOptions {
    /// The dataset.
    pub dataset: DatasetOptions,
    /// Another one, such as training data, whose items must not be among these.
    pub against: Option<DatasetOptions>,
    /// The least similarity of texts that count as nearly the same.
    pub near: f64,
}

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlawKind {
    /// A value that is not what the suite's schema says.
    Schema,
    /// An id that another item has.
    DuplicateId,
    /// The same text, or nearly, with another right answer.
    LabelConflict,
    /// A few-shot example, or a row of the other dataset, that is among the items.
    Leak,
    /// No right answer, or one of white space alone.
    EmptyTarget,
    /// An item that was frozen from production logs, and that the dataset has no longer.
    FrozenGone,
    /// The same text as another item's.
    Duplicate,
    /// Nearly the same text as another item's.
    NearDuplicate,
    /// Right answers that differ in case or spaces alone.
    TargetSpelling,
    /// A right answer that only one item has, where others have theirs often.
    RareClass,
    /// Control characters, or characters that stand for damaged ones.
    OddCharacters,
}

impl FlawKind {
    /// Whether a verdict over such a dataset says less than it seems.
    pub fn is_error(self) -> bool {
        matches!(
            self,
            Self::Schema
                | Self::DuplicateId
                | Self::LabelConflict
                | Self::Leak
                | Self::EmptyTarget
                | Self::FrozenGone
        )
    }
}

/// Something that is wrong, or looks so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetFlaw {
    /// Of what kind.
    pub kind: FlawKind,
    /// Where: a row, of a file where there are several.
    pub place: String,
    /// The item's id.
    pub id: String,
    /// The other item, where two do not go together.
    pub other_id: Option<String>,
    /// How similar they are.
    pub similarity: Option<f64>,
    /// What is wrong.
    pub message: String,
}

/// All that is wrong with a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetFlaws {
    /// The file, folder or pattern.
    pub dataset: String,
    /// How many items there are.
    pub n_items: u64,
    /// The first flaws of each kind, in the order of their kinds.
    pub flaws: Vec<DatasetFlaw>,
    /// How many there are of each kind.
    pub counts: BTreeMap<FlawKind, u64>,
    /// What could not be looked at, and why.
    pub not_checked: Vec<String>,
}

impl DatasetFlaws {
    /// A dataset with errors cannot be used as it is; `is_strict` counts what only looks wrong as well.
    pub fn ending(&self, is_strict: bool) -> Ending {
        let is_wrong = self.counts.keys().any(|kind| is_strict || kind.is_error());
        if is_wrong { Ending::Usage } else { Ending::Done }
    }

    fn add(&mut self, flaw: DatasetFlaw) {
        let count = self.counts.entry(flaw.kind).or_default();
        *count += 1;
        if *count <= LISTED as u64 {
            self.flaws.push(flaw);
        }
    }
}

/// Looks at a dataset; asks nobody.
pub fn validate_dataset(options: &ValidateOptions, host: &Host<'_>) -> Result<DatasetFlaws> {
    let opened = OpenedDataset::open(&options.dataset, host)?;
    let items = opened.texts()?;
    let mut flaws = DatasetFlaws {
        dataset: opened.spec.file.origin.display().to_string(),
        n_items: items.len() as u64,
        flaws: Vec::new(),
        counts: BTreeMap::new(),
        not_checked: Vec::new(),
    };
    against_schema(&opened, &mut flaws)?;
    ids(&items, &mut flaws);
    targets(&items, !opened.spec.targets.is_empty(), &mut flaws);
    odd_characters(&items, &mut flaws);
    if !opened.prompts.is_empty() {
        frozen(&options.dataset.of, &opened, &mut flaws)?;
    }
    let pairs = near_pairs(items.iter().map(|item| item.text.as_str()), options.near);
    let pairs = pairs.unwrap_or_else(|error| {
        flaws.not_checked.push(format!(
            "near duplicates: {error}; name the column to compare (`--text`), or raise `--near`"
        ));
        error.found
    });
    for pair in &pairs {
        of_pair(&items, pair, &mut flaws);
    }
    let examples = examples(&opened);
    leaks(&items, &examples, options.near, &mut flaws);
    in_prompts(&items, &opened, &mut flaws);
    if let Some(other) = &options.against {
        let is_own = other.text.is_empty();
        let mut other = OpenedDataset::open(other, host)?;
        let shared: Vec<_> =
            opened.text.iter().filter(|column| other.text.contains(column)).cloned().collect();
        if is_own && !shared.is_empty() {
            other.text = shared;
        }
        let other = other.texts()?;
        leaks(&items, &other, options.near, &mut flaws);
    }
    flaws.flaws.sort_by_key(|flaw| flaw.kind);
    Ok(flaws)
}

fn flaw(kind: FlawKind, item: &TextItem, message: String) -> DatasetFlaw {
    let (place, id) = (item.place.clone(), item.id.clone());
    DatasetFlaw { kind, place, id, other_id: None, similarity: None, message }
}

fn against_schema(opened: &OpenedDataset, flaws: &mut DatasetFlaws) -> Result<(), DatasetUseError> {
    let Some(found) = schema_violations(&opened.spec)? else { return Ok(()) };
    for absent in &found.absent {
        flaws.add(DatasetFlaw {
            kind: FlawKind::Schema,
            place: "every row".to_owned(),
            id: String::new(),
            other_id: None,
            similarity: None,
            message: absent.clone(),
        });
    }
    for one in &found.first {
        flaws.add(DatasetFlaw {
            kind: FlawKind::Schema,
            place: format!("row {}", one.row),
            id: String::new(),
            other_id: None,
            similarity: None,
            message: format!("`{}`: {}", one.column, one.message),
        });
    }
    let more = found.count - found.first.len() as u64;
    if more > 0 {
        *flaws.counts.entry(FlawKind::Schema).or_default() += more;
    }
    Ok(())
}

/// Items that were frozen are in the dataset for good.
fn frozen(suite: &Path, opened: &OpenedDataset, flaws: &mut DatasetFlaws) -> Result<()> {
    let mut frozen = FrozenItems::of_suite(suite)?;
    if frozen.is_empty() {
        return Ok(());
    }
    let ids = opened.keys()?;
    frozen.settle(&ids);
    for item in frozen.items.iter().filter(|item| !ids.contains(&item.item_id)) {
        flaws.add(DatasetFlaw {
            kind: FlawKind::FrozenGone,
            place: "nowhere".to_owned(),
            id: item.item_id.clone(),
            other_id: None,
            similarity: None,
            message: format!(
                "was frozen on {} ({}), and is gone: bring it back, or remove its line from {}",
                item.frozen_at.get(..10).unwrap_or(&item.frozen_at),
                item.why,
                frozen.path().display()
            ),
        });
    }
    Ok(())
}

fn ids(items: &[TextItem], flaws: &mut DatasetFlaws) {
    let mut first: HashMap<&str, &TextItem> = HashMap::new();
    for item in items {
        if let Some(other) = first.get(item.id.as_str()) {
            let message = format!("the id is already that of {}", other.place);
            let found = flaw(FlawKind::DuplicateId, item, message);
            flaws.add(DatasetFlaw { other_id: Some(other.id.clone()), ..found });
        } else {
            first.insert(&item.id, item);
        }
    }
}

fn targets(items: &[TextItem], has_targets: bool, flaws: &mut DatasetFlaws) {
    if !has_targets {
        return;
    }
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut spellings: HashMap<String, &str> = HashMap::new();
    for item in items {
        let target = item.target.as_deref().unwrap_or_default();
        if target.trim().is_empty() {
            flaws.add(flaw(FlawKind::EmptyTarget, item, "has no right answer".to_owned()));
            continue;
        }
        *counts.entry(target).or_default() += 1;
        let usual = spellings.entry(target.trim().to_lowercase()).or_insert(target);
        if *usual != target {
            let message = format!(
                "the right answer `{}` is `{}` elsewhere: they differ in case or spaces alone",
                short(target),
                short(usual)
            );
            flaws.add(flaw(FlawKind::TargetSpelling, item, message));
        }
    }
    // Where answers repeat, they are classes.
    let is_classes = counts.len() > 1 && items.len() >= counts.len() * 5;
    for item in items.iter().filter(|_| is_classes) {
        if item.target.as_deref().is_some_and(|target| counts.get(target) == Some(&1)) {
            let target = item.target.as_deref().unwrap_or_default();
            let message = format!("is the only one with the right answer `{}`", short(target));
            flaws.add(flaw(FlawKind::RareClass, item, message));
        }
    }
}

fn odd_characters(items: &[TextItem], flaws: &mut DatasetFlaws) {
    let is_odd = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{fffd}' | '\u{200b}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for item in items {
        let texts = [
            ("the text", item.text.as_str()),
            ("the right answer", item.target.as_deref().unwrap_or_default()),
        ];
        for (what, text) in texts {
            let Some(odd) = text.chars().find(is_odd) else { continue };
            let why = if odd == '\u{fffd}' {
                ", which stands where a character could not be read"
            } else {
                ", which nobody sees"
            };
            let message = format!("{what} holds the character U+{:04X}{why}", u32::from(odd));
            flaws.add(flaw(FlawKind::OddCharacters, item, message));
        }
    }
}

/// Two items with nearly the same text.
fn of_pair(items: &[TextItem], pair: &NearPair, flaws: &mut DatasetFlaws) {
    let (first, second) = (&items[pair.first], &items[pair.second]);
    let same = |item: &TextItem| item.target.as_deref().map(|target| target.trim().to_lowercase());
    let is_same = pair.similarity >= 1.0 && normal(&first.text) == normal(&second.text);
    let likeness = if is_same { "the same text as" } else { "nearly the same text as" };
    let (kind, message) = if same(first) == same(second) {
        let kind = if is_same { FlawKind::Duplicate } else { FlawKind::NearDuplicate };
        (kind, format!("has {likeness} {}", first.place))
    } else {
        let targets = [first, second].map(|item| short(item.target.as_deref().unwrap_or_default()));
        let message = format!(
            "has {likeness} {} with another right answer: `{}` there, `{}` here",
            first.place, targets[0], targets[1]
        );
        (FlawKind::LabelConflict, message)
    };
    flaws.add(DatasetFlaw {
        other_id: Some(first.id.clone()),
        similarity: Some(pair.similarity),
        ..flaw(kind, second, message)
    });
}

/// The rows of files that prompts show as examples, as far as they have the compared columns.
fn examples(opened: &OpenedDataset) -> Vec<TextItem> {
    let mut examples = Vec::new();
    for prompt in &opened.prompts {
        for (origin, row, fields) in prompt.example_rows() {
            let text = |column: &String| {
                let cells = fields.find(column).ok()?;
                cells.first()?.text().ok().flatten().map(std::borrow::Cow::into_owned)
            };
            let text = opened.text.iter().filter_map(text).collect::<Vec<_>>().join("\n");
            let place = format!(
                "the example in {}, row {row}, of prompt `{}`",
                origin.display(),
                prompt.name
            );
            let id = format!("example {row}");
            examples.push(TextItem { place, id, text, target: None, cluster: None });
        }
    }
    examples
}

/// Items that are nearly the same as a row that no item may be.
fn leaks(items: &[TextItem], others: &[TextItem], near: f64, flaws: &mut DatasetFlaws) {
    if others.is_empty() {
        return;
    }
    let texts = others.iter().chain(items).map(|item| item.text.as_str());
    let pairs = near_pairs(texts, near).unwrap_or_else(|error| {
        flaws.not_checked.push(format!(
            "leaks: {error}; name the column to compare (`--text`), or raise `--near`"
        ));
        error.found
    });
    // Of the same texts, the first alone is paired with all others.
    let mut first_of: HashMap<String, usize> = HashMap::new();
    for (at, item) in others.iter().chain(items).enumerate() {
        first_of.entry(normal(&item.text)).or_insert(at);
    }
    let mut is_told = vec![false; items.len()];
    let mut leaked: HashMap<usize, NearPair> = HashMap::new();
    for pair in pairs {
        if pair.first < others.len() && pair.second >= others.len() {
            leaked.entry(pair.second).or_insert(pair);
        }
    }
    for (at, item) in items.iter().enumerate() {
        let first = first_of.get(&normal(&item.text)).copied().unwrap_or(others.len() + at);
        let pair = leaked.get(&(others.len() + at)).or_else(|| leaked.get(&first));
        let Some(pair) = pair.filter(|_| !std::mem::replace(&mut is_told[at], true)) else {
            continue;
        };
        let other = &others[pair.first];
        let likeness = if pair.similarity >= 1.0 { "the same" } else { "nearly the same" };
        flaws.add(DatasetFlaw {
            other_id: Some(other.id.clone()),
            similarity: Some(pair.similarity),
            ..flaw(FlawKind::Leak, item, format!("has {likeness} text as {}", other.place))
        });
    }
}

/// Items whose text a prompt's own text holds.
fn in_prompts(items: &[TextItem], opened: &OpenedDataset, flaws: &mut DatasetFlaws) {
    let prompts = opened.prompts.iter().map(|prompt| (&prompt.name, normal(&prompt.own_text())));
    let prompts: Vec<_> = prompts.filter(|(_, text)| text.len() >= SHORTEST_LEAK).collect();
    for item in items.iter().filter(|_| !prompts.is_empty()) {
        let text = normal(&item.text);
        if text.chars().count() < SHORTEST_LEAK || !text.contains(' ') {
            continue;
        }
        if let Some((name, _)) = prompts.iter().find(|(_, prompt)| prompt.contains(&text)) {
            let message = format!("its text stands in the prompt `{name}`");
            flaws.add(flaw(FlawKind::Leak, item, message));
        }
    }
}

/// A value as it can be told on a line.
fn short(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}
