//! What an address chooses of a run's samples: filters and an order, and what of it cannot be.

use evalmark_core::{metric::Direction, record::Outcome};
use evalmark_report::sample_pages::{SampleOrder, SampleQuery, SortKey};
use evalmark_store::run_record::RunRecord;
use serde::Serialize;

use crate::render::in_address;

const OUTCOMES: [Outcome; 4] =
    [Outcome::Answered, Outcome::Refused, Outcome::Invalid, Outcome::Failed];

/// What begins the name of a score in `sort`.
const SCORE: &str = "score.";

/// What was chosen, and what there is to choose from.
#[derive(Serialize)]
pub(crate) struct SampleChoice {
    text: String,
    prompt: String,
    model: String,
    outcome: String,
    metric: String,
    at_most: String,
    sort: String,
    order: String,
    prompts: Vec<String>,
    models: Vec<String>,
    metrics: Vec<String>,
    outcomes: Vec<&'static str>,
    #[serde(skip)]
    directions: Vec<Direction>,
}

/// What samples are looked for, in which order, and what of the choice is left out.
pub(crate) struct Chosen {
    pub(crate) query: SampleQuery,
    pub(crate) order: Option<SampleOrder>,
    /// Sentences.
    pub(crate) remarks: Vec<String>,
}

/// The heading of a column that samples can be put in order by.
#[derive(Serialize)]
pub(crate) struct SortHeading {
    label: String,
    /// As `aria-sort` has it; empty where the samples are in another order.
    state: &'static str,
    /// The next order.
    address: String,
}

impl SampleChoice {
    /// The choice of an address, whose fields are found by name.
    pub(crate) fn of<'a>(
        field: impl Fn(&str) -> Option<&'a str>,
        record: &RunRecord,
        metrics: &[String],
    ) -> Self {
        let text = |name: &str| field(name).unwrap_or_default().to_owned();
        Self {
            text: text("q"),
            prompt: text("prompt"),
            model: text("model"),
            outcome: text("outcome"),
            metric: text("metric"),
            at_most: text("at_most"),
            sort: text("sort"),
            order: text("order"),
            prompts: record.prompts.iter().map(|prompt| prompt.name.clone()).collect(),
            models: record.models.clone(),
            metrics: metrics.to_vec(),
            outcomes: OUTCOMES.map(Outcome::as_str).into(),
            directions: metrics.iter().map(|name| record.scale(name).direction).collect(),
        }
    }

    /// What it comes to.
    pub(crate) fn chosen(&self) -> Chosen {
        let mut remarks = Vec::new();
        let mut known = |what: &str, value: &str, all: &[String]| {
            let is_known = all.iter().any(|one| one == value);
            if !is_known && !value.is_empty() {
                remarks.push(format!("This run has no {what} `{value}`: that filter is left out."));
            }
            is_known.then(|| value.to_owned())
        };
        let prompt = known("prompt", &self.prompt, &self.prompts);
        let model = known("model", &self.model, &self.models);
        let metric = known("metric", &self.metric, &self.metrics);
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome.as_str() == self.outcome);
        if outcome.is_none() && !self.outcome.is_empty() {
            let text = format!("No sample ends as `{}`: that filter is left out.", self.outcome);
            remarks.push(text);
        }
        let at_most = self.at_most(metric, &mut remarks);
        let order = self.order(&mut remarks);
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        Chosen { query: SampleQuery { prompt, model, outcome, text, at_most }, order, remarks }
    }

    /// The largest score that is wanted; without a number, those samples that have no score.
    fn at_most(&self, metric: Option<String>, remarks: &mut Vec<String>) -> Option<(String, f64)> {
        let most = self.at_most.trim();
        let number = most.parse::<f64>().ok().filter(|number| !number.is_nan());
        if number.is_none() && !most.is_empty() {
            remarks.push(format!("`{most}` is not a number: that filter is left out."));
            return None;
        }
        match (metric, number) {
            (None, Some(_)) if self.metric.is_empty() => {
                remarks.push(format!("Choose the score that is to be at most {most}."));
                None
            }
            (None, _) => None,
            (Some(metric), Some(number)) => Some((metric, number)),
            (Some(metric), None) => {
                remarks.push(format!("Shown are the samples that have no score of `{metric}`."));
                Some((metric, f64::NEG_INFINITY))
            }
        }
    }

    fn order(&self, remarks: &mut Vec<String>) -> Option<SampleOrder> {
        let by = match &*self.sort {
            "" => return None,
            "latency" => Some(SortKey::Latency),
            "cost" => Some(SortKey::Cost),
            name => name
                .strip_prefix(SCORE)
                .filter(|name| self.metrics.iter().any(|metric| metric == name))
                .map(|name| SortKey::Score(name.to_owned())),
        };
        if by.is_none() {
            remarks.push(format!("Samples cannot be put in order by `{}`.", self.sort));
        }
        Some(SampleOrder { by: by?, is_descending: self.order == "down" })
    }

    /// The same choice from another place on.
    pub(crate) fn address(&self, from: u64) -> String {
        self.written(&self.sort, &self.order, Some(from))
    }

    fn written(&self, sort: &str, order: &str, from: Option<u64>) -> String {
        let from = from.map(|from| from.to_string()).unwrap_or_default();
        let pairs = [
            ("q", &*self.text),
            ("prompt", &self.prompt),
            ("model", &self.model),
            ("outcome", &self.outcome),
            ("metric", &self.metric),
            ("at_most", &self.at_most),
            ("sort", sort),
            ("order", order),
            ("from", &from),
        ];
        let told = pairs.iter().filter(|(_, value)| !value.is_empty());
        let told: Vec<_> =
            told.map(|(key, value)| format!("{key}={}", in_address(value))).collect();
        format!("?{}", told.join("&"))
    }

    /// The headings of the scores, and of those of latency and cost that are wanted.
    pub(crate) fn headings(&self, has_latency: bool, has_cost: bool) -> Vec<SortHeading> {
        let scores = self.metrics.iter().zip(&self.directions).map(|(name, direction)| {
            let worst = if *direction == Direction::Lower { "down" } else { "up" };
            self.heading(name, &format!("{SCORE}{name}"), worst)
        });
        let latency = has_latency.then(|| self.heading("Latency", "latency", "down"));
        let cost = has_cost.then(|| self.heading("Cost", "cost", "down"));
        scores.chain(latency).chain(cost).collect()
    }

    /// A heading leads to its first order, then to the other, then to none.
    fn heading(&self, label: &str, sort: &str, first: &str) -> SortHeading {
        let is_down = self.order == "down";
        let second = if first == "down" { "up" } else { "down" };
        let is_first = is_down == (first == "down");
        let (state, address) = match (self.sort == sort, is_first) {
            (false, _) => ("", self.written(sort, first, None)),
            (true, true) => (aria(is_down), self.written(sort, second, None)),
            (true, false) => (aria(is_down), self.written("", "", None)),
        };
        SortHeading { label: label.to_owned(), state, address }
    }

    /// The order in words.
    pub(crate) fn order_says(order: &SampleOrder) -> String {
        let by = match &order.by {
            SortKey::Score(metric) => format!("the score of `{metric}`"),
            SortKey::Latency => "latency".to_owned(),
            SortKey::Cost => "cost".to_owned(),
        };
        let first = if order.is_descending { "highest" } else { "lowest" };
        format!("by {by}, {first} first")
    }
}

fn aria(is_down: bool) -> &'static str {
    if is_down { "descending" } else { "ascending" }
}
