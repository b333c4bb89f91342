//! `choice`: the option that the answer chooses is the right one.

mod cue_words;
mod hits;
mod lines;
mod read;

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    fields::{Cell, Fields},
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{hits::Labels, read::read};
use crate::{
    json_compare::clip,
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    subject::Subject,
};

/// Parameters of `choice`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How many options a question has, A to D for 4; or the column that lists their texts: then an
    /// answer may also choose by text.
    #[serde(default)]
    options: Options,
    /// What the options are called, where that is not A, B, C, …; as many as there are options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    letters: Option<Vec<String>>,
}

/// What is known of the options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Options {
    /// How many there are, from 2 to 26.
    Count(usize),
    /// The column with the list of their texts.
    Column(String),
}

impl Default for Options {
    fn default() -> Self {
        Self::Count(4)
    }
}

#[derive(Debug)]
pub(crate) struct Choice {
    options: Options,
    labels: Labels,
}

impl MetricDefinition for Choice {
    const ABOUT: About = About {
        name: "choice",
        summary: "The option that the answer chooses is the target, which is a letter or an \
                  option's text. Read, in this order: `\\boxed{B}`; `the answer is B`, `Answer: **B**`, \
                  `B is correct`, `So it is B.` and their like in other languages, of which the last \
                  counts; a last or first line that is nothing but a choice; a first or last line that \
                  begins with one (`B) Mitochondria`), unless the lines list the options; a letter or \
                  text that is the only one in the answer, but for those that are denied (`not A`, `A is \
                  wrong`, `不是A`). Full-width and circled letters count, and in languages without blanks \
                  a letter may touch others (`答案是B`). No choice, or several, is invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let complain = |pointer: &str, message: String| {
            Err(ParamError { pointer: pointer.to_owned(), message })
        };
        let mut options = params.options;
        let count = match (&params.letters, &options) {
            (Some(letters), _) => letters.len(),
            (None, Options::Count(count)) => *count,
            (None, Options::Column(_)) => 26,
        };
        if !(2..=26).contains(&count) {
            let pointer = if params.letters.is_some() { "/letters" } else { "/options" };
            return complain(pointer, format!("a choice has 2 to 26 options, not {count}"));
        }
        if let Options::Count(said) = &mut options {
            *said = count;
        }
        let alphabet = || ('A'..='Z').take(count).map(String::from).collect();
        match Labels::new(params.letters.unwrap_or_else(alphabet)) {
            Ok(labels) => Ok(Backend::Text(Arc::new(Self { options, labels }))),
            Err(message) => complain("/letters", message),
        }
    }
}

impl Measure for Choice {
    fn measure(&self, Subject { answer, targets, fields, .. }: Subject<'_>) -> Measurement {
        let (count, texts) = match self.texts(fields) {
            Ok(options) => options,
            Err(reason) => return Measurement::Missing(reason),
        };
        let position = |target: &String| self.labels.position(target, &texts);
        let right: Vec<usize> =
            targets.iter().filter_map(position).filter(|at| *at < count).collect();
        if right.is_empty() {
            return match targets.first() {
                Some(_) => Measurement::Missing("the target names no option".to_owned()),
                None => Measurement::best_of(targets, |_| 0.0),
            };
        }
        match read(answer, &self.labels, count, &texts) {
            Ok(chosen) => Measurement::yes_or_no(right.contains(&chosen)),
            Err(reason) => Measurement::Invalid(reason.to_owned()),
        }
    }

    fn check_targets(&self, targets: &[String], fields: &Fields) -> Result<(), UnusableTarget> {
        let (count, texts) =
            self.texts(fields).map_err(|problem| UnusableTarget { problem, is_mistake: true })?;
        let position = |target: &String| self.labels.position(target, &texts);
        if targets.iter().filter_map(position).any(|at| at < count) {
            return Ok(());
        }
        let target = targets.first().map_or("", String::as_str);
        let problem = format!("the target names none of the {count} options: {:?}", clip(target));
        Err(UnusableTarget { problem, is_mistake: true })
    }
}

impl Choice {
    /// How many options the item has, and their texts where a column lists them.
    fn texts(&self, fields: &Fields) -> Result<(usize, Vec<String>), String> {
        let column = match &self.options {
            Options::Count(count) => return Ok((*count, Vec::new())),
            Options::Column(column) => column,
        };
        let list = fields.cell(column).and_then(|cell| cell.elements());
        let list = list.ok_or_else(|| format!("the column `{column}` is not a list"))?;
        let text = |cell: Cell<'_>| Ok(cell.text()?.map_or_else(|| "null".into(), Cow::into_owned));
        let texts = list.map(text).collect::<Result<Vec<String>, String>>()?;
        if texts.len() > self.labels.len() {
            return Err(format!("the column `{column}` lists more options than there are letters"));
        }
        Ok((texts.len(), texts))
    }
}
