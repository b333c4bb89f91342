//! `evalmark plan`: what a run would ask, what it may cost, and what it could detect.

use anyhow::Result;
use evalmark_core::{model::Model, record::Usage, request::Message};
use evalmark_scoring::Metric;
use evalmark_verdict::{Level, paired_proportions_drop, paired_proportions_n};
use serde_json::json;

use crate::{
    args::{Format, PlanArgs},
    exit::Exit,
    open::{Opened, open},
    print::Printer,
    run_folder::Options,
    table::percent,
};

/// Share of items whose score differs between two runs, where no baseline tells.
const DISCORDANCE: f64 = 0.2;
const POWER: f64 = 0.8;
/// Characters to a token, where nobody counts them: the usual rule of thumb for English.
const CHARACTERS_PER_TOKEN: f64 = 4.0;
/// Answer tokens, where the suite sets no `max_tokens`.
const ANSWER_TOKENS: u64 = 256;

pub(crate) fn plan(args: &PlanArgs, printer: Printer) -> Result<Exit> {
    let opened = open(&args.suite, &Options::from(&args.selection), printer)?;
    let n_items = opened.plan.survey.n_items;
    let gate = opened.suite.gate_or_default();
    let margin = gate.metrics.values().map(|m| m.margin).fold(f64::INFINITY, f64::min);
    let level = Level::one_sided(gate.alpha);
    let drop = paired_proportions_drop(n_items, DISCORDANCE, level, POWER);
    let needed = paired_proportions_n(DISCORDANCE, margin, level, POWER).ceil();
    let models = opened.plan.candidates.iter().map(|i| estimate(&opened, *i));
    let mut models: Vec<_> = models.collect::<Result<_>>()?;
    for metric in &opened.metrics {
        models.extend(judge_estimate(&opened, metric)?);
    }
    if args.format == Format::Json {
        let models = models.iter().map(ModelEstimate::json);
        printer.result(&serde_json::to_string_pretty(&json!({
            "samples": opened.plan.n_samples(),
            "items": n_items,
            "models": models.collect::<Vec<_>>(),
            "alpha": gate.alpha,
            "margin": margin,
            "assumed_discordance": DISCORDANCE,
            "detectable_drop": drop,
            "items_needed": needed,
        }))?);
        return Ok(Exit::Done);
    }
    printer.result(&format!("{} samples over {n_items} items", opened.plan.n_samples()));
    for model in &models {
        printer.result(&model.line());
    }
    printer.result(&detectable(drop, needed, margin));
    Ok(Exit::Done)
}

fn detectable(drop: Option<f64>, needed: f64, margin: f64) -> String {
    let drop = drop.map_or_else(
        || "no drop at all".to_owned(),
        |drop| format!("a drop of {} points or more", percent(drop).trim_end_matches(" %")),
    );
    format!(
        "with 80 % power it can detect {drop} on a right-or-wrong metric, if {} of the items change \
         their score; the margin of {} needs {needed} items",
        percent(DISCORDANCE),
        percent(margin),
    )
}

struct ModelEstimate {
    name: String,
    samples: u64,
    usage: Usage,
    cost_usd: Option<f64>,
}

fn estimate(opened: &Opened, model: usize) -> Result<ModelEstimate> {
    let (mut samples, mut characters) = (0, 0);
    for sample in opened.plan.by_item(model)? {
        samples += 1;
        characters += length(&sample?.request.messages);
    }
    let model = &opened.plan.models[model];
    Ok(ModelEstimate::new(model, model.name.to_string(), samples, characters))
}

/// What a metric's judge would be asked, as far as it can be known before there are answers.
fn judge_estimate(opened: &Opened, metric: &Metric) -> Result<Option<ModelEstimate>> {
    let Some(judge) = metric.judge() else { return Ok(None) };
    let Some(model) = opened.suite.model_index(judge.model()) else { return Ok(None) };
    let model = &opened.plan.models[model];
    let (mut samples, mut characters) = (0, 0);
    for sample in opened.plan.in_report_order() {
        let sample = sample?;
        let (item, question) = (&sample.item, &sample.request.messages);
        samples += 1;
        characters += length(&judge.request(question, "", &item.targets, &item.fields)?);
    }
    Ok(Some(ModelEstimate::new(model, format!("{} (judge)", model.name), samples, characters)))
}

fn length(messages: &[Message]) -> u64 {
    messages.iter().map(|message| message.content.chars().count() as u64).sum()
}

impl ModelEstimate {
    fn new(model: &Model, name: String, samples: u64, characters: u64) -> Self {
        let limit = ["max_tokens", "max_completion_tokens"]
            .iter()
            .find_map(|name| model.params.get(*name)?.as_u64())
            .unwrap_or(ANSWER_TOKENS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let input = (characters as f64 / CHARACTERS_PER_TOKEN).ceil() as u64;
        let usage = Usage { input_tokens: Some(input), output_tokens: Some(samples * limit) };
        Self { name, samples, usage, cost_usd: model.cost_usd(usage) }
    }

    fn line(&self) -> String {
        let cost =
            self.cost_usd.map_or(String::new(), |cost| format!(", at most about ${cost:.4}"));
        format!(
            "  {}: {} requests, about {} tokens in, at most {} out{cost}",
            self.name,
            self.samples,
            self.usage.input_tokens.unwrap_or_default(),
            self.usage.output_tokens.unwrap_or_default(),
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "model": self.name,
            "samples": self.samples,
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cost_usd": self.cost_usd,
        })
    }
}
