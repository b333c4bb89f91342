//! `evalmark plan`: what a run would ask, what it may cost, and what it could detect.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use clap::Args;
use evalmark_core::{
    figures::counted, model::Model, record::Usage, request::Message, suite::GateSpec,
};
use evalmark_runner::Host;
use evalmark_scoring::{Form, Metric, Question, Subject};
use evalmark_store::record::RunOptions;
use serde_json::{Value, json};

use crate::{
    args::{Format, SelectionArgs},
    baseline::{Baseline, Wanted},
    calibration::POWER,
    exit::Exit,
    load::{LoadedSuite, load},
    options::selected,
    power_plan::{self, DISCORDANCE, PowerEstimate, power_estimates},
    print::Printer,
    table::wrapped,
};

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Baseline to plan against, by name or folder [default: the suite's
    /// `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// The baseline that a run would be compared with: one that was asked for must exist.
fn baseline(args: &PlanArgs, loaded: &LoadedSuite) -> Result<Option<Baseline>> {
    let gate = loaded.suite.gate.as_ref();
    let own = gate.and_then(|gate| gate.baseline.as_ref());
    let Some(name) = args.baseline.as_ref().or(own) else { return Ok(None) };
    let wanted = Wanted {
        name: name.clone(),
        suite: loaded.suite.name.clone(),
        of_suite: gate.and_then(|gate| gate.baseline_suite.clone()),
        out: args.out.clone(),
        suite_file: loaded.suite.path.clone(),
    };
    match Baseline::find(&wanted)? {
        None if args.baseline.is_some() => Err(wanted.missing(None)),
        found => Ok(found),
    }
}

/// Characters to a token, where nobody counts them: the usual rule of thumb for English.
const CHARACTERS_PER_TOKEN: f64 = 4.0;
/// Answer tokens, where the suite sets no `max_tokens`.
const ANSWER_TOKENS: u64 = 256;

pub(crate) fn plan(args: &PlanArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    // Nothing is scored, so no program runs.
    let options = RunOptions { allow_exec: true, ..selected(&args.selection) };
    let loaded = load(&args.suite, &options, host)?;
    let n_items = loaded.plan.survey.n_items;
    let gate = loaded.suite.gate_or_default();
    let baseline = baseline(args, &loaded)?;
    let power_estimates = power_estimates(&loaded, &args.out, baseline.as_ref(), &gate)?;
    let warnings = power_plan::warnings(&power_estimates, n_items);
    let models = loaded.plan.candidates.iter().map(|i| estimate(&loaded, *i));
    let mut models: Vec<_> = models.collect::<Result<_>>()?;
    for metric in &loaded.metrics {
        models.extend(judge_estimates(&loaded, metric)?);
    }
    if args.format == Format::Json {
        let told = json(&loaded, &gate, &models, &power_estimates, &warnings);
        printer.json(&serde_json::to_string_pretty(&told)?);
        return Ok(Exit::Done);
    }
    let epochs = loaded.plan.epochs;
    let samples = counted(loaded.plan.n_samples(), "sample");
    printer.result(&format!("{samples} over {}", counted(n_items, "item")));
    for model in &models {
        printer.result(&wrapped("  ", &model.line()).join("\n"));
    }
    let unplanned = power_plan::unplanned(&loaded, &gate);
    if let Some(unplanned) = &unplanned {
        printer.remark(unplanned);
    }
    if power_estimates.is_empty() && unplanned.is_some() {
        return Ok(Exit::Done);
    }
    if power_estimates.is_empty() {
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
    printer.result(&format!("\n{header}\n{}", power_plan::render(&power_estimates)));
    for warning in &warnings {
        printer.warning(warning);
    }
    Ok(Exit::Done)
}

/// The plan for programs; the figures over all metrics and variants are those of the worst.
fn json(
    loaded: &LoadedSuite,
    gate: &GateSpec,
    models: &[ModelEstimate],
    power_estimates: &[PowerEstimate],
    warnings: &[String],
) -> Value {
    let margin = gate.scores().map(|(_, m)| m.margin).reduce(f64::min);
    let drops =
        power_estimates.iter().map(|power_estimate| power_estimate.resolution.detectable_drop);
    // Where some drop cannot be found at all, no number holds for all.
    let drop = drops.collect::<Option<Vec<f64>>>();
    let needed: Option<Vec<u64>> = power_estimates
        .iter()
        .map(|power_estimate| power_estimate.resolution.items_needed)
        .collect();
    json!({
        "samples": loaded.plan.n_samples(),
        "items": loaded.plan.survey.n_items,
        "epochs": loaded.plan.epochs,
        "models": models.iter().map(ModelEstimate::json).collect::<Vec<_>>(),
        "alpha": gate.alpha,
        "power": POWER,
        "margin": margin,
        "assumed_discordance": power_estimates.iter().any(PowerEstimate::is_assumed).then_some(DISCORDANCE),
        "detectable_drop": drop.and_then(|drops| drops.into_iter().reduce(f64::max)),
        "items_needed": needed.and_then(|needed| needed.into_iter().max()),
        "metrics": power_plan::as_json(power_estimates),
        "warnings": warnings,
    })
}

struct ModelEstimate {
    name: String,
    samples: u64,
    usage: Usage,
    cost_usd: Option<f64>,
}

fn estimate(loaded: &LoadedSuite, model: usize) -> Result<ModelEstimate> {
    let (mut samples, mut characters) = (0, 0);
    for sample in loaded.plan.by_item(model)? {
        samples += 1;
        characters += length(&sample?.request.messages);
    }
    let model = &loaded.plan.models[model];
    Ok(ModelEstimate::new(model, model.name.to_string(), samples, characters))
}

/// What a metric would ask of each of its models, as far as it can be known before there are
/// answers.
fn judge_estimates(loaded: &LoadedSuite, metric: &Metric) -> Result<Vec<ModelEstimate>> {
    let Some(judge) = metric.judge() else { return Ok(Vec::new()) };
    // By model: requests, characters, and whether it is asked for embeddings.
    let mut asked: BTreeMap<String, (u64, u64, bool)> = BTreeMap::new();
    for sample in loaded.plan.in_report_order() {
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
        let model = &loaded.plan.models[loaded.suite.model_index(&name)?];
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
    messages.iter().map(|message| message.text().chars().count() as u64).sum()
}

impl ModelEstimate {
    fn new(model: &Model, name: String, samples: u64, characters: u64) -> Self {
        let limit = model.max_output_tokens.unwrap_or(ANSWER_TOKENS);
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
