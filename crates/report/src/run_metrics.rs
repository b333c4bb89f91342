//! The figures of runs as families of metrics: what Prometheus scrapes, is pushed, or finds in a file.
//!
//! Labels are names of a suite: its own, its prompts, models and metrics. Their number is bounded by what a
//! [`RunMessage`] holds; names of runs and items are in none.

use jiff::Timestamp;

use crate::{
    exposition::{FamilySample, MetricFamily},
    run_message::{MessageComparison, MessageEvent, MessageScore, MessageVariant, RunMessage},
};

type Labels = Vec<(&'static str, String)>;

/// The figures of the latest run of each suite, and of alarms about production.
pub fn run_metrics(messages: &[&RunMessage]) -> Vec<MetricFamily> {
    let (runs, alarms): (Vec<_>, Vec<_>) =
        messages.iter().copied().partition(|message| message.event == MessageEvent::RunEnded);
    let messages = &runs[..];
    let mut families = of_suites(messages);
    families.extend(of_comparisons(messages));
    families.extend(of_scores(messages));
    families.extend(of_variants(messages));
    families.extend(of_alarms(&alarms));
    families
}

fn of_alarms(alarms: &[&RunMessage]) -> Vec<MetricFamily> {
    let each = |value: fn(&RunMessage, &MessageComparison) -> Option<f64>| {
        let samples = alarms.iter().filter_map(move |message| {
            let of = message.comparisons.first()?;
            let labels = vec![("suite", message.suite.clone()), ("stream", of.metric.clone())];
            Some(FamilySample::number(labels, value(message, of)?))
        });
        samples.collect::<Vec<_>>()
    };
    let began = |message: &RunMessage, _: &MessageComparison| {
        Some(message.started_at.parse::<Timestamp>().ok()?.as_second() as f64)
    };
    vec![
        MetricFamily::gauge("evalmark_drift_began_seconds", "Since when production drifts.")
            .in_unit("seconds")
            .with(each(began)),
        MetricFamily::gauge(
            "evalmark_drift_change",
            "By how much a stream of production moved: a mean, a share, or a rank.",
        )
        .with(each(|_, of| of.change_value)),
    ]
}

fn of_suites(messages: &[&RunMessage]) -> Vec<MetricFamily> {
    let suite = |message: &RunMessage| vec![("suite", message.suite.clone())];
    let each = |value: fn(&RunMessage) -> Option<f64>| {
        let samples = messages
            .iter()
            .filter_map(move |message| Some(FamilySample::number(suite(message), value(message)?)));
        samples.collect::<Vec<_>>()
    };
    let outcomes = messages.iter().flat_map(|message| {
        let of_outcome = |(outcome, n): (&str, u64)| {
            let labels = [suite(message), vec![("outcome", outcome.to_owned())]].concat();
            FamilySample::number(labels, n as f64)
        };
        message.outcomes().into_iter().map(of_outcome).collect::<Vec<_>>()
    });
    vec![
        MetricFamily::gauge(
            "evalmark_passes",
            "1 where the suite's verdict is a pass, else 0; nothing where it was not gated.",
        )
        .with(each(RunMessage::passes_as_number)),
        MetricFamily::gauge(
            "evalmark_overridden",
            "1 where the suite's verdict fails and somebody passed it over.",
        )
        .with(each(|message| message.overridden.as_ref().map(|_| 1.0))),
        MetricFamily::gauge("evalmark_run_started_seconds", "When the run began.")
            .in_unit("seconds")
            .with(each(|message| {
                let began = message.started_at.parse::<Timestamp>().ok()?;
                Some(began.as_second() as f64)
            })),
        MetricFamily::gauge("evalmark_run_samples", "Samples of the run, by how they ended.")
            .with(outcomes),
    ]
}

fn of_comparisons(messages: &[&RunMessage]) -> Vec<MetricFamily> {
    let family = |name, help, value: fn(&MessageComparison) -> Option<f64>| {
        let samples = messages.iter().flat_map(|message| {
            message.comparisons.iter().filter_map(move |one| {
                let mut labels = labels(message, &one.prompt, &one.model, Some(&one.metric));
                labels.push(("measure", one.measure.clone()));
                Some(FamilySample::number(labels, value(one)?))
            })
        });
        MetricFamily::gauge(name, help).with(samples)
    };
    vec![
        family(
            "evalmark_candidate",
            "Value of the metric in the run, over the items that are compared.",
            |one| one.candidate_value,
        ),
        family(
            "evalmark_baseline",
            "Value of the metric in the baseline, over the items that are compared.",
            |one| one.baseline_value,
        ),
        family(
            "evalmark_change",
            "Run minus baseline; where the measure is ratio, run over baseline.",
            |one| one.change_value.filter(|_| one.has_change()),
        ),
        family("evalmark_change_lower", "Lower one-sided bound on the change.", |one| {
            one.lower_value.filter(|_| one.has_change())
        }),
        family("evalmark_change_upper", "Upper one-sided bound on the change.", |one| {
            one.upper_value.filter(|_| one.has_change())
        }),
        family("evalmark_compared_items", "Items that both have a score of.", |one| {
            one.n_compared.map(|n| n as f64)
        }),
        family("evalmark_comparison_passes", "1 where the comparison passes, else 0.", |one| {
            one.passes.map(|passes| f64::from(u8::from(passes)))
        }),
    ]
}

fn of_scores(messages: &[&RunMessage]) -> Vec<MetricFamily> {
    let family = |name, help, value: fn(&MessageScore) -> Option<f64>| {
        let samples = messages.iter().flat_map(|message| {
            message.scores.iter().filter_map(move |one| {
                let labels = labels(message, &one.prompt, &one.model, Some(&one.metric));
                Some(FamilySample::number(labels, value(one)?))
            })
        });
        MetricFamily::gauge(name, help).with(samples)
    };
    vec![
        family("evalmark_score", "Score of the whole run.", |one| Some(one.value)),
        family("evalmark_score_lower", "Lower end of the score's interval.", |one| one.lower),
        family("evalmark_score_upper", "Upper end of the score's interval.", |one| one.upper),
        family("evalmark_scored_samples", "Samples with a score.", |one| Some(one.n_scored as f64)),
        family("evalmark_missing_samples", "Samples without a score.", |one| {
            Some(one.n_missing as f64)
        }),
    ]
}

fn of_variants(messages: &[&RunMessage]) -> Vec<MetricFamily> {
    let variants = || {
        messages.iter().flat_map(|message| {
            message
                .variants
                .iter()
                .map(move |one| (labels(message, &one.prompt, &one.model, None), one))
        })
    };
    let with = |labels: &Labels, name, value: &str| {
        [labels.clone(), vec![(name, value.to_owned())]].concat()
    };
    let latency = variants().flat_map(|(labels, one): (Labels, &MessageVariant)| {
        let percentiles = [("50", one.latency_p50_ms), ("95", one.latency_p95_ms)];
        let each = percentiles.into_iter().filter_map(move |(percentile, ms)| {
            Some(FamilySample::number(with(&labels, "percentile", percentile), ms? / 1_000.0))
        });
        each.collect::<Vec<_>>()
    });
    let tokens = variants().flat_map(|(labels, one)| {
        let directions = [("input", one.input_tokens), ("output", one.output_tokens)];
        let each = directions.into_iter().filter_map(move |(direction, n)| {
            Some(FamilySample::number(with(&labels, "direction", direction), n? as f64))
        });
        each.collect::<Vec<_>>()
    });
    let cost =
        variants().filter_map(|(labels, one)| Some(FamilySample::number(labels, one.cost_usd?)));
    vec![
        MetricFamily::gauge(
            "evalmark_latency_seconds",
            "Percentiles of the service time of requests.",
        )
        .in_unit("seconds")
        .with(latency),
        MetricFamily::gauge("evalmark_tokens", "Tokens of all requests, and of all answers.")
            .with(tokens),
        MetricFamily::gauge("evalmark_cost_usd", "What the answers cost, US dollars.").with(cost),
    ]
}

fn labels(message: &RunMessage, prompt: &str, model: &str, metric: Option<&str>) -> Labels {
    let of_variant = [("suite", &*message.suite), ("prompt", prompt), ("model", model)];
    let all = of_variant.into_iter().chain(metric.map(|metric| ("metric", metric)));
    all.map(|(name, value)| (name, value.to_owned())).collect()
}
