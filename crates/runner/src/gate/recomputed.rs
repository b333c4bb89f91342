//! A kept verdict, held against the scores of its run: the gate decides again, and nothing is told or kept of it.

use evalmark_core::verdict::{Answer, Comparison, Verdict};
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    run_folder::RunFolder,
    run_record::RunRecord,
};

use super::{
    ended_run::{GateOptions, decide, gate_spec},
    gate_first, gate_minima,
};
use crate::{Host, Notices, error::Result};

/// What a run's scores say of its kept verdict.
pub(crate) enum RecomputedVerdict {
    /// They come to it; this is what they come to.
    Same(Box<Verdict>),
    /// They come to something else.
    Other(String),
    /// What it was compared with is not there any more.
    NotThere(String),
}

/// Decides again what a run's kept verdict decided.
pub(crate) fn recompute(
    folder: &RunFolder,
    record: &RunRecord,
    kept: &Verdict,
    host: &Host<'_>,
) -> Result<RecomputedVerdict> {
    let host = &Host { notices: Notices::new(&|_| {}), ..*host };
    let Some(digest) = &kept.baseline_digest else { return uncompared(folder, record, kept, host) };
    let spec = gate_spec(folder, record, host)?;
    let wanted =
        WantedBaseline::of_run(&kept.baseline, spec.baseline_suite.as_deref(), folder, record);
    let found = Baseline::find(&wanted)?.map(|baseline| baseline.digest);
    if found.as_ref() != Some(digest) {
        let why = match found {
            None => wanted.summary(),
            Some(_) => format!("the baseline `{}` is another now", kept.baseline),
        };
        return Ok(RecomputedVerdict::NotThere(why));
    }
    let options = GateOptions { baseline: kept.baseline.clone(), ..GateOptions::default() };
    Ok(held_against(kept, decide(&options, folder, record, host)?.verdict))
}

/// The same of a verdict that compared the run with nothing.
fn uncompared(
    folder: &RunFolder,
    record: &RunRecord,
    kept: &Verdict,
    host: &Host<'_>,
) -> Result<RecomputedVerdict> {
    let spec = gate_spec(folder, record, host)?;
    let wanted =
        WantedBaseline::of_run(&kept.baseline, spec.baseline_suite.as_deref(), folder, record);
    if let Some(baseline) = Baseline::find(&wanted)?
        && baseline.record.run_id != record.run_id
        && baseline.record.started_at <= record.started_at
    {
        let name = &kept.baseline;
        let why = format!("it compares nothing, and there is an earlier baseline `{name}`");
        return Ok(RecomputedVerdict::Other(why));
    }
    let minima = gate_minima(folder, record, &spec)?;
    let decided = minima.filter(|outcome| outcome.verdict.baseline == kept.baseline);
    let decided = match decided {
        Some(outcome) => outcome,
        None => gate_first(folder, record, &wanted, &spec)?,
    };
    Ok(held_against(kept, decided.verdict))
}

fn held_against(kept: &Verdict, now: Verdict) -> RecomputedVerdict {
    let other = || {
        if kept.answer != now.answer {
            return Some(format!(
                "it says {}, and the scores of the run come to {}: {}",
                kept.answer, now.answer, now.says
            ));
        }
        if kept.comparisons.len() != now.comparisons.len() {
            let (n, then) = (now.comparisons.len(), kept.comparisons.len());
            return Some(format!("it has {then} comparisons, and the gate makes {n}"));
        }
        let mut pairs = kept.comparisons.iter().zip(&now.comparisons);
        let (_, now) = pairs.find(|(kept, now)| !is_same(kept, now))?;
        let Comparison { prompt, model, metric, .. } = now;
        Some(format!(
            "its figures of {prompt} · {model} · {metric} are not those that the scores and the gate come to"
        ))
    };
    match other() {
        Some(why) => RecomputedVerdict::Other(why),
        None => RecomputedVerdict::Same(Box::new(now)),
    }
}

/// Whether two comparisons are of the same variants, at the same margin, with the same answer and figures.
fn is_same(one: &Comparison, other: &Comparison) -> bool {
    type Named<'a> = [&'a str; 3];
    fn figures(of: &Comparison) -> (Named<'_>, Answer, [Option<f64>; 9]) {
        let figures = [
            Some(of.margin),
            of.minimum,
            of.maximum,
            Some(of.alpha),
            of.baseline_mean,
            of.candidate_mean,
            of.estimate,
            of.lower,
            of.upper,
        ];
        ([&of.prompt, &of.model, &of.metric], of.answer, figures)
    }
    figures(one) == figures(other) && (one.measure, &one.counts) == (other.measure, &other.counts)
}
