//! Which column is what: right answers, ids, groups, slices, what is asked, what a model answered.

use evalmark_core::{number_format::counted, suite::near_and_known};

use super::{
    column_profile::{ColumnProfile, DatasetColumns},
    column_words::{
        input_rank, names_group, names_id, names_option, names_recorded, names_remarks, target_rank,
    },
    error::FirstSuiteError,
    guess::{Guess, all_quoted, quoted},
    target_shape::TargetShape,
    yaml_text::variable,
};

/// Slices at most, and values of one.
const MOST_SLICES: usize = 4;
const MOST_SLICE_VALUES: u64 = 12;

/// Which column is what.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnRoles {
    pub(super) target: String,
    pub(super) id: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) slices: Vec<String>,
    /// Options of a question, a column each, where the right answers are their letters.
    pub(super) options: Vec<String>,
    /// What the prompt shows, in the dataset's order.
    pub(super) inputs: Vec<String>,
    /// Of those, the conversation.
    pub(super) chat: Option<String>,
    /// A model's answers.
    pub(super) recorded: Option<String>,
}

/// The column of right answers, or the way to them, and why it is taken for that.
pub(super) fn guess_target(
    columns: &DatasetColumns,
    wanted: Option<&str>,
) -> Result<Guess, FirstSuiteError> {
    let change = "`--target COLUMN` names another; several are a list under `target`";
    if let Some(name) = wanted {
        return match columns.column(name) {
            Some(_) => Ok(Guess::new("target", name, "you named it", change)),
            None => way_into(columns, name)
                .map(|because| Guess::new("target", name, because, change))
                .ok_or_else(|| no_column(columns, name)),
        };
    }
    let all = || columns.columns.iter().filter(|column| column.n_values > 0 && !column.is_chats());
    let mut named: Vec<_> =
        all().filter_map(|column| Some((target_rank(&column.name)?, column))).collect();
    named.sort_by_key(|(rank, column)| (column.n_empty > 0, *rank));
    if let Some((_, column)) = named.first() {
        let others = named.iter().skip(1).map(|(_, column)| column.name.as_str());
        let others = all_quoted(others);
        let others = if others.is_empty() { others } else { format!("; also possible: {others}") };
        let because = format!("its name says so{others}");
        return Ok(Guess::new("target", &column.name, because, change));
    }
    if let Some(guess) = last_message(columns) {
        return Ok(guess);
    }
    let mut rest: Vec<_> =
        all().filter(|column| input_rank(&column.name).is_none() && !is_id(column)).collect();
    // Remarks, such as a split, are right answers only where nothing else is.
    rest.sort_by_key(|column| !names_remarks(&column.name));
    let classes = rest.iter().rev().find_map(|column| match TargetShape::of(column) {
        TargetShape::Classes(classes) => Some((column, classes.len())),
        _ => None,
    });
    if let Some((column, n)) = classes {
        let because = format!("it repeats {} over {}", counted(n as u64, "value"), rows(columns));
        return Ok(Guess::new("target", &column.name, because, change));
    }
    match (rest.last(), columns.columns.len()) {
        (Some(last), 2..) => Ok(Guess::new(
            "target",
            &last.name,
            "it is the last column that no prompt would ask",
            change,
        )),
        _ => Err(FirstSuiteError::NoTarget { advice: no_target(columns) }),
    }
}

/// The assistant's last message, where every conversation ends with one at the same place.
fn last_message(columns: &DatasetColumns) -> Option<Guess> {
    let column = columns.columns.iter().find(|column| column.is_chats())?;
    let chat = &column.chat;
    let (keys, roles) = (chat.keys?, chat.roles.as_ref()?);
    let last = roles.len().checked_sub(1).filter(|last| *last > 0 && chat.ends_with_answer)?;
    Some(Guess::new(
        "target",
        format!("{}.{last}.{}", column.name, keys.content),
        "every conversation ends with the assistant's message, which is taken for the right answer",
        "`--target COLUMN` names another column",
    ))
}

/// Why a name that is no column's leads to values within one.
fn way_into(columns: &DatasetColumns, name: &str) -> Option<String> {
    let column = |(dot, _)| columns.column(&name[..dot]);
    let column = name.match_indices('.').find_map(column)?;
    let holds = column.n_objects > 0 || column.is_chats() || column.n_lists > 0;
    holds.then(|| format!("you named it; it leads into {}", quoted(&column.name)))
}

/// The error where there is no such column.
pub(super) fn no_column(columns: &DatasetColumns, name: &str) -> FirstSuiteError {
    let known: Vec<_> = columns.columns.iter().map(|column| column.name.as_str()).collect();
    let advice = near_and_known(name, &known, "its columns are");
    FirstSuiteError::NoColumn { name: name.to_owned(), advice }
}

fn no_target(columns: &DatasetColumns) -> String {
    let names = all_quoted(columns.columns.iter().map(|column| column.name.as_str()));
    let one = match columns.columns.as_slice() {
        [column] if column.is_chats() => {
            "its conversations do not all end with an answer of the assistant at the same place; "
        }
        [_] => "it has one column, which cannot be question and answer at once; ",
        _ => "",
    };
    format!("{one}`--target COLUMN` names the right answers; the columns are: {names}")
}

fn rows(columns: &DatasetColumns) -> String {
    counted(columns.n_rows, "row")
}

fn is_id(column: &ColumnProfile) -> bool {
    names_id(&column.name) && is_single(column) && column.is_unique() && column.n_empty == 0
}

/// Whether a row has one plain value.
fn is_single(column: &ColumnProfile) -> bool {
    column.n_lists == 0 && column.n_objects == 0 && column.chat.n_chats == 0
}

/// The options of a question, where each has a column and the right answers are letters.
fn options(columns: &DatasetColumns, target: &str) -> Vec<String> {
    let shape = columns.column(target).map(TargetShape::of);
    let is_option = |one: &&ColumnProfile| {
        one.name != target && names_option(&one.name) && is_single(one) && one.n_values > 0
    };
    let options: Vec<_> =
        columns.columns.iter().filter(is_option).map(|one| one.name.clone()).collect();
    let is_so = matches!(shape, Some(TargetShape::Letter(_))) && options.len() > 1;
    if is_so { options } else { Vec::new() }
}

impl ColumnRoles {
    /// What every other column is, once the right answers are known.
    pub(super) fn guess(columns: &DatasetColumns, target: &str) -> Self {
        let mut roles = Self { target: target.to_owned(), ..Self::default() };
        roles.options = options(columns, target);
        let n_rows = columns.n_rows;
        let ids = || {
            columns
                .columns
                .iter()
                .filter(|one| is_id(one) && one.name != target && one.is_full(n_rows))
        };
        let id = ids().find(|one| !names_group(&one.name)).or_else(|| ids().next());
        roles.id = id.map(|one| one.name.clone());
        let is_single_everywhere = |one: &ColumnProfile| is_single(one) && one.n_present == n_rows;
        roles.recorded =
            roles.first_free(columns, |one| names_recorded(&one.name) && is_single_everywhere(one));
        roles.cluster = roles.first_free(columns, |one| {
            let is_short = one.mean_chars() <= 40.0 && is_single_everywhere(one);
            let repeats = (2..one.n_values).contains(&one.n_distinct());
            names_group(&one.name) && is_short && repeats
        });
        let slice = |one: &&ColumnProfile| {
            let n = one.n_distinct();
            let few = (2..=MOST_SLICE_VALUES).contains(&n) && one.n_values >= 4 * n;
            let is_short = one.most_chars <= 40 && is_single_everywhere(one);
            few && is_short && input_rank(&one.name).is_none()
        };
        let slices = roles.free(columns).filter(slice).take(MOST_SLICES);
        let slices = slices.map(|one| one.name.clone()).collect();
        roles.slices = slices;
        roles.chat = roles.first_free(columns, ColumnProfile::is_chats);
        roles.inputs = roles.guess_inputs(columns);
        roles
    }

    /// The first column that is nothing so far, and this.
    fn first_free(
        &self,
        columns: &DatasetColumns,
        is_it: impl Fn(&ColumnProfile) -> bool,
    ) -> Option<String> {
        self.free(columns).find(|one| is_it(one)).map(|one| one.name.clone())
    }

    /// Columns that are nothing so far.
    fn free<'a>(&'a self, columns: &'a DatasetColumns) -> impl Iterator<Item = &'a ColumnProfile> {
        let taken = [&self.id, &self.recorded, &self.cluster];
        columns.columns.iter().filter(move |one| {
            let is_taken = taken.iter().any(|name| name.as_deref() == Some(&*one.name));
            let is_slice = self.slices.contains(&one.name);
            let is_option = self.options.contains(&one.name);
            !is_taken && !is_slice && !is_option && one.name != self.target && one.n_values > 0
        })
    }

    fn guess_inputs(&self, columns: &DatasetColumns) -> Vec<String> {
        if let Some(chat) = &self.chat {
            return vec![chat.clone()];
        }
        // A path into a column does not make the rest of that column a question.
        let root = |one: &&ColumnProfile| !self.target.starts_with(&format!("{}.", one.name));
        // A column that is called `item` hides the row, by which templates name odd columns.
        let hides = columns.column("item").is_some();
        let can_be_shown =
            |one: &&ColumnProfile| !hides || !variable(&one.name).starts_with("item[");
        let free = || {
            self.free(columns)
                .filter(root)
                .filter(|one| !names_remarks(&one.name))
                .filter(can_be_shown)
        };
        let names = |chosen: Vec<&ColumnProfile>| {
            let is_chosen = |name: &String| chosen.iter().any(|one| one.name == *name);
            let all = columns.columns.iter().map(|one| &one.name);
            all.filter(|name| is_chosen(name) || self.options.contains(name))
                .cloned()
                .collect::<Vec<_>>()
        };
        let is_text = |one: &&ColumnProfile| one.mean_chars() >= 20.0 && !one.is_numbers();
        let is_named = |one: &ColumnProfile| input_rank(&one.name).is_some();
        if free().any(is_named) {
            return names(free().filter(|one| is_named(one) || is_text(one)).collect());
        }
        if free().any(|one| is_text(&one)) {
            return names(free().filter(is_text).collect());
        }
        let is_slice = |one: &&ColumnProfile| self.slices.contains(&one.name);
        let all = columns
            .columns
            .iter()
            .filter(|one| is_slice(one) || free().any(|other| other.name == one.name));
        names(all.collect())
    }

    /// Columns that are nothing, and that the prompt does not show.
    pub(super) fn unused(&self, columns: &DatasetColumns) -> Vec<String> {
        let is_unused = |one: &&ColumnProfile| {
            !self.inputs.contains(&one.name) && !self.target.starts_with(&one.name)
        };
        self.free(columns).filter(is_unused).map(|one| one.name.clone()).collect()
    }

    /// What was guessed beside the right answers, in words.
    pub(super) fn guesses(&self, columns: &DatasetColumns, is_asked: bool) -> Vec<Guess> {
        let mut guesses = Vec::new();
        guesses.push(match &self.id {
            Some(id) => Guess::new("id", id, "its name says so, and no value occurs twice", "`dataset.id`"),
            None => Guess::new(
                "id",
                "none",
                "no column is named like one and different in every row: an item is known by its content",
                "name a column under `dataset.id`, so that an item stays the same when its text is mended",
            ),
        });
        let shown = match &self.chat {
            Some(_) => "it holds messages, each with who speaks and what",
            None => "names and lengths of the columns say that this is what is asked",
        };
        let unused = self.unused(columns);
        let because = if unused.is_empty() {
            shown.to_owned()
        } else {
            let unused = all_quoted(unused.iter().map(String::as_str));
            format!("{shown}; the prompt does not show {unused}")
        };
        let inputs = self.inputs.join(", ");
        guesses.push(Guess::new(
            "prompt",
            inputs,
            because,
            "the prompt file; every column is a variable",
        ));
        if let Some(cluster) = &self.cluster {
            guesses.push(Guess::new(
                "cluster",
                cluster,
                "its name is a group's, and values repeat: items of one group may fail together",
                "remove `dataset.cluster` if items are independent nevertheless",
            ));
        }
        if !self.slices.is_empty() {
            guesses.push(Guess::new(
                "slices",
                self.slices.join(", "),
                "few values, each of which occurs often: results are broken down by them",
                "`dataset.slices`",
            ));
        }
        if let Some(recorded) = self.recorded.as_ref().filter(|_| is_asked) {
            guesses.push(Guess::new(
                "ignore",
                recorded,
                "it looks like a model's answers, which are no part of a question",
                "`dataset.ignore`; `--provider recorded` scores these answers and asks nobody",
            ));
        }
        guesses
    }
}
