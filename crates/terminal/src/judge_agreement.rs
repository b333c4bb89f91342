//! How far judges agree, for a terminal.

use std::collections::BTreeMap;

use evalmark_core::number_format::{count, decimal, percent};
use evalmark_store::run_record::JudgeAgreement;

/// What the judges agree on, a line for each thing; empty where there is nothing to tell.
pub fn render(judging: &BTreeMap<String, JudgeAgreement>) -> String {
    let lines: Vec<_> = judging.iter().flat_map(|(metric, found)| lines(metric, found)).collect();
    lines.join("\n")
}

fn lines(metric: &str, found: &JudgeAgreement) -> Vec<String> {
    let JudgeAgreement { judges, graded, pairs, .. } = found;
    let mut lines = Vec::new();
    if *judges > 1 {
        let alpha = found.alpha.map_or("no alpha: their grades do not vary".to_owned(), |alpha| {
            format!("Krippendorff's alpha {}", decimal(alpha))
        });
        lines.push(format!("`{metric}`: {judges} judges over {} answers, {alpha}", count(*graded)));
    }
    if let Some(rate) = found.flip_rate {
        lines.push(format!(
            "`{metric}`: the order of the answers decided {} of {} comparisons; \
             these count as ties",
            percent(rate),
            count(*pairs)
        ));
    }
    if let Some(sd) = found.repeat_sd {
        lines.push(format!(
            "`{metric}`: a judge's repeated grades of the same answer have a standard deviation of {}",
            decimal(sd)
        ));
    }
    lines
}
