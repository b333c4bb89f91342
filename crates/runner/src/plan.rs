//! What a run would ask, what it may cost, and what it could detect; asks nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_core::{model::Model, record::Usage, request::Message, suite::GateSpec};
use evalmark_scoring::{Form, Metric, Question, Subject};
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline},
    run_record::RunOptions,
};
use serde_json::{Value, json};

use crate::{
    Host,
    error::Result,
    load::{LoadedSuite, load},
    planned_comparisons::{NamedBaseline, PlannedBaseline, PlannedComparison, planned_comparisons},
    power_plan::{DISCORDANCE, PowerEstimate, json_of, power_estimates, unplanned, warnings},
    resolvable_margins::POWER,
    token_estimate::CHARACTERS_PER_TOKEN,
};

/// What is planned.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The folder of run folders and baselines.
    pub out: PathBuf,
    /// The baseline to plan against, where that is not the suite's own.
    pub baseline: Option<String>,
    /// What would be run of the suite, and how.
    pub options: RunOptions,
}

/// What a run would be like.
pub struct RunPlan {
    /// The suite with its plan.
    pub loaded: LoadedSuite,
    /// Its gate, or the default one.
    pub gate: GateSpec,
    /// What each model would be asked; judges last.
    pub models: Vec<ModelEstimate>,
    /// What could be detected, metric by metric and variant by variant.
    pub power_estimates: Vec<PowerEstimate>,
    /// Margins that the planned items cannot resolve, one sentence for each metric.
    pub warnings: Vec<String>,
    /// Gated metrics that planning has no estimate for.
    pub unplanned: Vec<String>,
    /// The baseline; `None` where the gate names none.
    pub baseline: Option<NamedBaseline>,
    /// What the gate is going to compare, in the order of the verdict.
    pub comparisons: Vec<PlannedComparison>,
}

/// Plans a run.
pub fn plan(suite: &Path, of: &PlanOptions, host: &Host<'_>) -> Result<RunPlan> {
    // Nothing is scored, so no program runs.
    let loaded = load(suite, &of.options, &Host { allow_exec: true, ..*host })?;
    let gate = loaded.suite.gate_or_default();
    let wanted = wanted_baseline(of, &loaded);
    let baseline = wanted.as_ref().map(|wanted| found(wanted, of)).transpose()?.flatten();
    let power_estimates = power_estimates(&loaded, &of.out, baseline.as_ref(), &gate)?;
    let compared_with = match (&wanted, &baseline) {
        (None, _) => PlannedBaseline::Unnamed,
        (Some(_), None) => PlannedBaseline::Missing,
        (Some(_), Some(baseline)) => PlannedBaseline::Found(baseline),
    };
    let comparisons = planned_comparisons(&loaded, of, compared_with, &gate)?;
    let baseline = wanted.map(|wanted| NamedBaseline {
        name: wanted.name,
        is_missing: baseline.is_none(),
        is_optional: gate.baseline_optional,
    });
    let models = loaded.plan.candidates.iter().map(|i| estimate(&loaded, *i));
    let mut models: Vec<_> = models.collect::<Result<_>>()?;
    for metric in &loaded.metrics {
        models.extend(judge_estimates(&loaded, metric)?);
    }
    let unplanned = unplanned(&loaded, &gate).into_iter().map(str::to_owned).collect();
    let warnings = warnings(&power_estimates, loaded.plan.profile.n_items);
    Ok(RunPlan {
        loaded,
        gate,
        models,
        power_estimates,
        warnings,
        unplanned,
        baseline,
        comparisons,
    })
}

/// The baseline that a run would be compared with.
fn wanted_baseline(of: &PlanOptions, loaded: &LoadedSuite) -> Option<WantedBaseline> {
    let gate = loaded.suite.gate.as_ref();
    let own = gate.and_then(|gate| gate.baseline.as_ref());
    Some(WantedBaseline {
        name: of.baseline.as_ref().or(own)?.clone(),
        suite: loaded.suite.name.clone(),
        of_suite: gate.and_then(|gate| gate.baseline_suite.clone()),
        out: of.out.clone(),
        suite_file: loaded.suite.path.clone(),
        dataset_hash: loaded.plan.profile.hash.clone(),
        metrics: loaded.metrics.iter().map(|metric| metric.name().to_owned()).collect(),
    })
}

/// That baseline, where it is there: one that was asked for must be.
fn found(wanted: &WantedBaseline, of: &PlanOptions) -> Result<Option<Baseline>> {
    match Baseline::find(wanted)? {
        None if of.baseline.is_some() => Err(StoreError::from(wanted.missing(None)).into()),
        found => Ok(found),
    }
}

/// Answer tokens, where the suite sets no `max_tokens`.
const ANSWER_TOKENS: u64 = 256;

/// What a model would be asked, about.
pub struct ModelEstimate {
    /// The model's name, with its part where it does not answer.
    pub name: String,
    /// Requests.
    pub samples: u64,
    /// Tokens; those of answers at most.
    pub usage: Usage,
    /// US dollars at most; `None` where the price is not known.
    pub cost_usd: Option<f64>,
}

fn estimate(loaded: &LoadedSuite, model: usize) -> Result<ModelEstimate> {
    let (mut samples, mut characters) = (0, 0);
    for sample in loaded.plan.by_item(model)? {
        samples += 1;
        characters += sample?.request.estimated_characters();
    }
    let model = &loaded.plan.models[model];
    Ok(ModelEstimate::new(model, model.name.to_string(), samples, characters))
}

/// What a metric would ask of each of its models, as far as it can be known before there are
/// answers.
fn judge_estimates(loaded: &LoadedSuite, metric: &Metric) -> Result<Vec<ModelEstimate>> {
    if metric.judge().is_none() {
        return Ok(Vec::new());
    }
    // By model: requests, characters, and whether it is asked for embeddings.
    let mut asked: BTreeMap<String, (u64, u64, bool)> = BTreeMap::new();
    for sample in loaded.plan.in_report_order() {
        let sample = sample?;
        let item = &sample.item;
        let subject = Subject { fields: &item.fields, ..Subject::of_texts("?", &item.targets) };
        // An item that cannot be asked about costs nothing.
        let questions = metric.questions(subject, &sample.request.messages);
        let questions = questions.and_then(Result::ok).unwrap_or_default();
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
        let input = (characters as f64 / f64::from(CHARACTERS_PER_TOKEN)).ceil() as u64;
        let usage = Usage { input_tokens: Some(input), output_tokens: Some(output) };
        Self { name, samples, usage, cost_usd: model.most_usd(usage) }
    }
}

impl RunPlan {
    /// The plan for programs; the figures over all metrics and variants are those of the worst.
    pub fn json(&self) -> Value {
        let Self { loaded, gate, models, power_estimates, warnings, baseline, comparisons, .. } =
            self;
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
            "items": loaded.plan.profile.n_items,
            "epochs": loaded.plan.epochs,
            "models": models.iter().map(model_json).collect::<Vec<_>>(),
            "alpha": gate.alpha,
            "power": POWER,
            "margin": margin,
            "assumed_discordance": power_estimates.iter().any(PowerEstimate::is_assumed).then_some(DISCORDANCE),
            "detectable_drop": drop.and_then(|drops| drops.into_iter().reduce(f64::max)),
            "items_needed": needed.and_then(|needed| needed.into_iter().max()),
            "metrics": power_estimates.iter().map(json_of).collect::<Vec<_>>(),
            "warnings": warnings,
            "suite": loaded.suite.name,
            "baseline": baseline,
            "comparisons": comparisons,
        })
    }
}

fn model_json(model: &ModelEstimate) -> Value {
    json!({
        "model": model.name,
        "samples": model.samples,
        "input_tokens": model.usage.input_tokens,
        "output_tokens": model.usage.output_tokens,
        "cost_usd": model.cost_usd,
    })
}
