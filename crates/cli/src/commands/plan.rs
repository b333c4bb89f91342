//! `evalmark plan`: what a run would ask, what it may cost, and what it could detect.

use std::collections::BTreeMap;

use anyhow::Result;
use evalmark_core::{
    figures::counted, model::Model, record::Usage, request::Message, suite::GateSpec,
};
use evalmark_scoring::{Form, Metric, Question, Subject};
use serde_json::{Value, json};

use crate::{
    args::{Format, PlanArgs},
    baseline::{Baseline, Wanted},
    calibration::POWER,
    exit::Exit,
    open::{Opened, open},
    outlook::{self, DISCORDANCE, Outlook, outlooks},
    print::Printer,
    run_folder::Options,
    table::wrapped,
};

/// The baseline that a run would be compared with: one that was asked for must exist.
fn baseline(args: &PlanArgs, opened: &Opened) -> Result<Option<Baseline>> {
    let gate = opened.suite.gate.as_ref();
    let own = gate.and_then(|gate| gate.baseline.as_ref());
    let Some(name) = args.baseline.as_ref().or(own) else { return Ok(None) };
    let wanted = Wanted {
        name: name.clone(),
        suite: opened.suite.name.clone(),
        of_suite: gate.and_then(|gate| gate.baseline_suite.clone()),
        out: args.out.clone(),
        suite_file: opened.suite.path.clone(),
    };
    match Baseline::find(&wanted)? {
        None if args.baseline.is_some() => Err(wanted.missing()),
        found => Ok(found),
    }
}

/// Characters to a token, where nobody counts them: the usual rule of thumb for English.
const CHARACTERS_PER_TOKEN: f64 = 4.0;
/// Answer tokens, where the suite sets no `max_tokens`.
const ANSWER_TOKENS: u64 = 256;

pub(crate) fn plan(args: &PlanArgs, printer: Printer) -> Result<Exit> {
    // Nothing is scored, so no program runs.
    let options = Options { allow_exec: true, ..Options::from(&args.selection) };
    let opened = open(&args.suite, &options, printer)?;
    let n_items = opened.plan.survey.n_items;
    let gate = opened.suite.gate_or_default();
    let baseline = baseline(args, &opened)?;
    let outlooks = outlooks(&opened, &args.out, baseline.as_ref(), &gate)?;
    let warnings = outlook::warnings(&outlooks, n_items);
    let models = opened.plan.candidates.iter().map(|i| estimate(&opened, *i));
    let mut models: Vec<_> = models.collect::<Result<_>>()?;
    for metric in &opened.metrics {
        models.extend(judge_estimates(&opened, metric)?);
    }
    if args.format == Format::Json {
        let told = json(&opened, &gate, &models, &outlooks, &warnings);
        printer.json(&serde_json::to_string_pretty(&told)?);
        return Ok(Exit::Done);
    }
    let epochs = opened.plan.epochs;
    let samples = counted(opened.plan.n_samples(), "sample");
    printer.result(&format!("{samples} over {}", counted(n_items, "item")));
    for model in &models {
        printer.result(&wrapped("  ", &model.line()).join("\n"));
    }
    let unplanned = outlook::unplanned(&opened, &gate);
    if let Some(unplanned) = &unplanned {
        printer.remark(unplanned);
    }
    if outlooks.is_empty() && unplanned.is_some() {
        return Ok(Exit::Done);
    }
    if outlooks.is_empty() {
        printer
            .result("\nthe gate compares no score with a baseline, so there is no drop to detect");
        return Ok(Exit::Done);
    }
    let header = format!(
        "what {} and {} can detect with {:.0} % power at alpha {}, in percentage points:",
        counted(n_items, "item"),
        counted(epochs.into(), "epoch"),
        100.0 * POWER,
        gate.alpha,
    );
    let header = wrapped("", &header).join("\n");
    printer.result(&format!("\n{header}\n{}", outlook::render(&outlooks)));
    for warning in &warnings {
        printer.warning(warning);
    }
    Ok(Exit::Done)
}

/// The plan for programs; the figures over all metrics and variants are those of the worst.
fn json(
    opened: &Opened,
    gate: &GateSpec,
    models: &[ModelEstimate],
    outlooks: &[Outlook],
    warnings: &[String],
) -> Value {
    let margin = gate.scores().map(|(_, m)| m.margin).reduce(f64::min);
    let drops = outlooks.iter().map(|outlook| outlook.resolution.detectable_drop);
    // Where some drop cannot be found at all, no number holds for all.
    let drop = drops.collect::<Option<Vec<f64>>>();
    let needed: Option<Vec<u64>> =
        outlooks.iter().map(|outlook| outlook.resolution.items_needed).collect();
    json!({
        "samples": opened.plan.n_samples(),
        "items": opened.plan.survey.n_items,
        "epochs": opened.plan.epochs,
        "models": models.iter().map(ModelEstimate::json).collect::<Vec<_>>(),
        "alpha": gate.alpha,
        "power": POWER,
        "margin": margin,
        "assumed_discordance": outlooks.iter().any(Outlook::is_assumed).then_some(DISCORDANCE),
        "detectable_drop": drop.and_then(|drops| drops.into_iter().reduce(f64::max)),
        "items_needed": needed.and_then(|needed| needed.into_iter().max()),
        "metrics": outlook::as_json(outlooks),
        "warnings": warnings,
    })
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

/// What a metric would ask of each of its models, as far as it can be known before there are
/// answers.
fn judge_estimates(opened: &Opened, metric: &Metric) -> Result<Vec<ModelEstimate>> {
    let Some(judge) = metric.judge() else { return Ok(Vec::new()) };
    // By model: requests, characters, and whether it is asked for embeddings.
    let mut asked: BTreeMap<String, (u64, u64, bool)> = BTreeMap::new();
    for sample in opened.plan.in_report_order() {
        let sample = sample?;
        let item = &sample.item;
        let subject = Subject { fields: &item.fields, ..Subject::of_texts("?", &item.targets) };
        // An item that cannot be asked about costs nothing.
        let questions = judge.questions(subject, &sample.request.messages).unwrap_or_default();
        for Question { model, form } in questions {
            let (requests, characters, embeds) = asked.entry(model).or_default();
            *requests += 1;
            match form {
                Form::Chat { messages, .. } => *characters += length(&messages),
                Form::Embedding(text) => {
                    *characters += text.chars().count() as u64;
                    *embeds = true;
                }
            }
        }
    }
    let estimate = |(name, (requests, characters, embeds)): (String, _)| {
        let model = &opened.plan.models[opened.suite.model_index(&name)?];
        let estimate = if embeds {
            ModelEstimate::of_texts(model, format!("{name} (embeddings)"), requests, characters)
        } else {
            ModelEstimate::new(model, format!("{name} (judge)"), requests, characters)
        };
        Some(estimate)
    };
    Ok(asked.into_iter().filter_map(estimate).collect())
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
        Self::of(model, name, samples, characters, samples * limit)
    }

    /// Texts for embeddings, which come back as no text.
    fn of_texts(model: &Model, name: String, samples: u64, characters: u64) -> Self {
        Self::of(model, name, samples, characters, 0)
    }

    fn of(model: &Model, name: String, samples: u64, characters: u64, output: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let input = (characters as f64 / CHARACTERS_PER_TOKEN).ceil() as u64;
        let usage = Usage { input_tokens: Some(input), output_tokens: Some(output) };
        Self { name, samples, usage, cost_usd: model.cost_usd(usage) }
    }

    fn line(&self) -> String {
        let cost =
            self.cost_usd.map_or(String::new(), |cost| format!(", at most about ${cost:.4}"));
        format!(
            "{}: {}, about {} tokens in, at most {} out{cost}",
            self.name,
            counted(self.samples, "request"),
            self.usage.input_tokens.unwrap_or_default(),
            self.usage.output_tokens.unwrap_or_default(),
        )
    }

    fn json(&self) -> Value {
        json!({
            "model": self.name,
            "samples": self.samples,
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cost_usd": self.cost_usd,
        })
    }
}
