//! `matrix:`: a model or prompt that holds placeholders becomes one for each combination of the axes
//! that it uses, before anything else looks at the suite.

mod axis;
mod combinations;
mod placeholder;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::{
    axis::{Axis, AxisValue, Matrix},
    placeholder::Piece,
};
use super::{
    document::{Document, escape},
    mistake::{Mistake, near_and_known},
    raw::RECORDED,
};

/// The lists whose entries are expanded.
const LISTS: [&str; 2] = ["models", "prompts"];
/// Pairs of a prompt and a model that a matrix may make.
const MOST_VARIANTS: usize = 1000;
/// Bytes of text that a matrix may make.
const MOST_BYTES: usize = 32 << 20;

/// One value for each axis of a list of axes, by their numbers.
type Combination<'a> = Vec<(usize, AxisValue<'a>)>;

/// Expands the suite in place, and returns what is wrong with its matrix: then the suite is as it was.
pub(super) fn expand(document: &mut Document) -> Vec<Mistake> {
    let Some(matrix) = document.value.get("matrix").cloned() else { return Vec::new() };
    let mut expansion = Expansion { document, mistakes: Vec::new(), bytes: 0 };
    let Some(matrix) = axis::read(&matrix, &mut expansion) else { return expansion.mistakes };
    let lists = expansion.lists(&matrix);
    let Expansion { document, mistakes, .. } = expansion;
    if mistakes.is_empty() {
        for (list, entries) in lists {
            let (origins, entries) = entries.into_iter().unzip();
            document.value[list] = Value::Array(entries);
            document.expanded(list, origins);
        }
    }
    mistakes
}

/// A number of things in words. Beyond what anybody counts, it says so.
pub(super) fn counted(n: usize, what: &str) -> String {
    const MOST_COUNTED: usize = 1_000_000_000;
    match n {
        1 => format!("1 {what}"),
        n if n > MOST_COUNTED => format!("more than a billion {what}s"),
        n => format!("{n} {what}s"),
    }
}

/// A suite on its way to be expanded.
struct Expansion<'a> {
    document: &'a mut Document,
    mistakes: Vec<Mistake>,
    /// Bytes of text made so far.
    bytes: usize,
}

/// The entries of a list, each with the number of the one that it was made of.
type Expanded = Vec<(usize, Value)>;

impl Expansion<'_> {
    fn complain(&mut self, pointer: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.document.position(pointer), message));
    }

    fn complain_with_hint(&mut self, pointer: &str, message: String, hint: Option<String>) {
        let mistake = Mistake::at(self.document.position(pointer), message);
        self.mistakes.push(Mistake { hint, ..mistake });
    }

    /// Both lists, expanded.
    fn lists(&mut self, matrix: &Matrix<'_>) -> Vec<(&'static str, Expanded)> {
        self.elsewhere();
        let mut uses = Vec::new();
        for list in LISTS {
            let entries = self.document.value[list].as_array().cloned().unwrap_or_default();
            for (i, entry) in entries.into_iter().enumerate() {
                let mut axes = BTreeSet::new();
                self.uses(&entry, &format!("/{list}/{i}"), matrix, &mut axes);
                uses.push((list, i, entry, axes));
            }
        }
        self.unused(matrix, uses.iter().map(|(_, _, _, used)| used));
        if !self.mistakes.is_empty() || !self.is_within_bounds(matrix, &uses) {
            return Vec::new();
        }
        let mut lists: Vec<_> = LISTS.map(|list| (list, Vec::new())).into();
        for (list, i, entry, used) in &uses {
            let expanded = self.entry(&format!("/{list}/{i}"), entry, used, matrix);
            let place = lists.iter_mut().find(|(name, _)| name == list);
            let Some((_, place)) = place else { continue };
            place.extend(expanded.into_iter().map(|entry| (*i, entry)));
        }
        lists
    }

    /// Placeholders outside of the lists, which nobody would fill.
    fn elsewhere(&mut self) {
        let suite = self.document.value.as_object().cloned().unwrap_or_default();
        for (key, value) in &suite {
            if !LISTS.contains(&key.as_str()) && key != "matrix" {
                self.refuse(value, &format!("/{}", escape(key)));
            }
        }
    }

    fn refuse(&mut self, value: &Value, pointer: &str) {
        match value {
            Value::String(text) if placeholder::stands_in(text) => {
                let message = "a placeholder of the matrix stands in `models` and `prompts` only";
                self.complain(pointer, message);
            }
            Value::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    self.refuse(value, &format!("{pointer}/{i}"));
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.refuse(value, &format!("{pointer}/{}", escape(key)));
                }
            }
            _ => {}
        }
    }

    /// The axes that a value uses.
    fn uses(
        &mut self,
        value: &Value,
        pointer: &str,
        matrix: &Matrix<'_>,
        used: &mut BTreeSet<usize>,
    ) {
        match value {
            Value::String(text) => self.uses_of_text(text, pointer, matrix, used),
            Value::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    self.uses(value, &format!("{pointer}/{i}"), matrix, used);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    let below = format!("{pointer}/{}", escape(key));
                    if placeholder::stands_in(key) {
                        let message = "a placeholder of the matrix stands in a value, not in a key";
                        self.complain(&below, message);
                    }
                    self.uses(value, &below, matrix, used);
                }
            }
            _ => {}
        }
    }

    fn uses_of_text(
        &mut self,
        text: &str,
        pointer: &str,
        matrix: &Matrix<'_>,
        used: &mut BTreeSet<usize>,
    ) {
        for piece in placeholder::pieces(text) {
            match piece {
                Piece::Text(_) => {}
                Piece::Broken => {
                    let message = "a placeholder of the matrix is written `$(matrix.AXIS)`";
                    let hint = "`$$(matrix` stands for `$(matrix`".to_owned();
                    self.complain_with_hint(pointer, message.to_owned(), Some(hint));
                }
                Piece::Axis(name) => match matrix.axis(name) {
                    Some(axis) => {
                        used.insert(axis);
                    }
                    None => self.unknown_axis(name, pointer, matrix),
                },
            }
        }
    }

    fn unknown_axis(&mut self, name: &str, pointer: &str, matrix: &Matrix<'_>) {
        let known: Vec<_> = matrix.axes.iter().map(|axis| axis.name).collect();
        let message = format!("the matrix has no axis `{}`", name.escape_debug());
        self.complain_with_hint(pointer, message, near_and_known(name, &known, "it has"));
    }

    /// Complains of axes that no entry uses.
    fn unused<'u>(
        &mut self,
        matrix: &Matrix<'_>,
        uses: impl Iterator<Item = &'u BTreeSet<usize>> + Clone,
    ) {
        for (i, axis) in matrix.axes.iter().enumerate() {
            if !uses.clone().any(|used| used.contains(&i)) {
                let message = format!("no model or prompt uses the axis `{}`", axis.name);
                let hint = format!("write `$(matrix.{})` where it varies something", axis.name);
                let pointer = format!("/matrix/{}", escape(axis.name));
                self.complain_with_hint(&pointer, message, Some(hint));
            }
        }
        let uses: Vec<_> = uses.collect();
        for (what, rules) in [("exclude", &matrix.exclude), ("include", &matrix.include)] {
            for rule in rules {
                let axes: BTreeSet<_> = rule.values.iter().map(|(axis, _)| *axis).collect();
                let is_needed = uses.iter().any(|used| match what {
                    "exclude" => axes.is_subset(used),
                    _ => axes == **used,
                });
                let message = match what {
                    "exclude" => "this excludes nothing: no model or prompt uses all of its axes",
                    _ => "this includes nothing: no model or prompt uses exactly its axes",
                };
                if !is_needed {
                    self.complain(&rule.pointer, message);
                }
            }
        }
    }

    /// Whether there are few enough combinations; complains otherwise.
    fn is_within_bounds(
        &mut self,
        matrix: &Matrix<'_>,
        uses: &[(&'static str, usize, Value, BTreeSet<usize>)],
    ) -> bool {
        let count = |wanted: &str| {
            let of_list = uses.iter().filter(|(list, ..)| *list == wanted);
            let counts = of_list.map(|(_, _, _, used)| matrix.n_combinations(used));
            counts.fold(0_usize, usize::saturating_add)
        };
        let (n_models, n_prompts) = (count("models"), count("prompts"));
        let is_within = n_models.max(1).saturating_mul(n_prompts.max(1)) <= MOST_VARIANTS;
        if !is_within {
            let message = format!(
                "the matrix makes {} and {}; prompts times models may be {MOST_VARIANTS}",
                counted(n_prompts, "prompt"),
                counted(n_models, "model"),
            );
            let hint = "leave values out, or use an axis in fewer models and prompts".to_owned();
            self.complain_with_hint("/matrix", message, Some(hint));
        }
        is_within
    }

    /// All that one entry becomes.
    fn entry(
        &mut self,
        pointer: &str,
        entry: &Value,
        used: &BTreeSet<usize>,
        matrix: &Matrix<'_>,
    ) -> Vec<Value> {
        if used.is_empty() {
            return vec![entry.clone()];
        }
        let combinations = matrix.combinations(used);
        if combinations.is_empty() {
            self.complain(pointer, "the matrix excludes every combination of this");
        }
        let mut made = Vec::with_capacity(combinations.len());
        for combination in &combinations {
            let mut value = self.fill(entry, pointer, combination, &matrix.axes);
            keep_model(&mut value, pointer);
            name(&mut value, entry, combination, &matrix.axes);
            made.push(value);
            if self.bytes > MOST_BYTES {
                let message = format!("the matrix makes more than {} MiB", MOST_BYTES >> 20);
                self.complain("/matrix", message);
                break;
            }
        }
        made
    }

    /// The value with its placeholders filled.
    fn fill(
        &mut self,
        value: &Value,
        pointer: &str,
        combination: &Combination<'_>,
        axes: &[Axis<'_>],
    ) -> Value {
        match value {
            Value::String(text) => self.fill_text(text, pointer, combination, axes),
            Value::Array(values) => {
                let filled = values.iter().enumerate();
                let fill =
                    |(i, value)| self.fill(value, &format!("{pointer}/{i}"), combination, axes);
                Value::Array(filled.map(fill).collect())
            }
            Value::Object(map) => {
                let mut filled = Map::new();
                for (key, value) in map {
                    let below = format!("{pointer}/{}", escape(key));
                    let value = self.fill(value, &below, combination, axes);
                    filled.insert(key.clone(), value);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        }
    }

    fn fill_text(
        &mut self,
        text: &str,
        pointer: &str,
        combination: &Combination<'_>,
        axes: &[Axis<'_>],
    ) -> Value {
        let value_of = |name: &str| {
            let value = combination.iter().find(|(axis, _)| axes[*axis].name == name);
            value.map(|(_, value)| value)
        };
        // A name is text, and holds what values are called.
        let is_name = pointer.matches('/').count() == 3 && pointer.ends_with("/name");
        let pieces: Vec<_> = placeholder::pieces(text).collect();
        if let [Piece::Axis(name)] = pieces.as_slice()
            && let Some(value) = value_of(name).filter(|_| !is_name)
        {
            self.bytes += value.value.as_str().map_or(0, str::len);
            return value.value.clone();
        }
        let mut filled = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Broken => {}
                Piece::Axis(name) => {
                    let Some(AxisValue { label, value, .. }) = value_of(name) else { continue };
                    match value {
                        _ if is_name => filled.push_str(label),
                        Value::String(text) => filled.push_str(text),
                        Value::Number(_) | Value::Bool(_) => filled.push_str(&value.to_string()),
                        Value::Null => {}
                        Value::Array(_) | Value::Object(_) => {
                            let message = format!(
                                "`{label}` of the axis `{name}` is not text: its placeholder stands \
                                 alone"
                            );
                            self.complain(pointer, message);
                        }
                    }
                }
            }
        }
        self.bytes += filled.len();
        filled.into()
    }
}

/// Says how a model is called at its provider where that is its name, before anything is put behind that.
fn keep_model(value: &mut Value, pointer: &str) {
    let is_asked = value.get("recorded").is_none()
        && value.get("provider").is_some_and(|provider| provider != RECORDED);
    if !(pointer.starts_with("/models/") && is_asked && value.get("model").is_none()) {
        return;
    }
    if let (Some(name), Some(fields)) = (value.get("name").cloned(), value.as_object_mut()) {
        fields.insert("model".to_owned(), name);
    }
}

/// Puts what varies behind the name, unless the name has a placeholder for it.
fn name(value: &mut Value, entry: &Value, combination: &Combination<'_>, axes: &[Axis<'_>]) {
    let Some(Value::String(name)) = value.get_mut("name") else { return };
    let own = entry["name"].as_str().unwrap_or_default();
    let named: BTreeSet<_> = placeholder::pieces(own)
        .filter_map(|piece| match piece {
            Piece::Axis(name) => Some(name),
            Piece::Text(_) | Piece::Broken => None,
        })
        .collect();
    for (axis, value) in combination {
        let varied = axes[*axis].name;
        if !named.contains(varied) {
            name.extend([" ", varied, "=", &value.label]);
        }
    }
}

/// Whether a text of another file has a placeholder, which nobody fills.
pub(super) fn has_placeholder(text: &str) -> bool {
    placeholder::stands_in(text)
}
