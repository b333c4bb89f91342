//! How far judges agree, for a terminal.

use std::collections::BTreeMap;

use evalmark_store::record::JudgeAgreement;

/// What the judges agree on, a line for each thing; empty where there is nothing to tell.
pub(crate) fn render(judging: &BTreeMap<String, JudgeAgreement>) -> String {
    let lines: Vec<_> = judging.iter().flat_map(|(metric, found)| lines(metric, found)).collect();
    lines.join("\n")
}

fn lines(metric: &str, found: &JudgeAgreement) -> Vec<String> {
    let JudgeAgreement { judges, graded, pairs, .. } = found;
    let mut lines = Vec::new();
    if *judges > 1 {
        let alpha = found.alpha.map_or("no alpha: their grades do not vary".to_owned(), |alpha| {
            format!("Krippendorff's alpha {alpha:.3}")
        });
        lines.push(format!("`{metric}`: {judges} judges over {graded} answers, {alpha}"));
    }
    if let Some(rate) = found.flip_rate {
        let rate = 100.0 * rate;
        lines.push(format!(
            "`{metric}`: the order of the answers decided {rate:.1} % of {pairs} comparisons; \
             these count as ties"
        ));
    }
    if let Some(sd) = found.repeat_sd {
        lines.push(format!(
            "`{metric}`: a judge's repeated grades of the same answer have a standard deviation of {sd:.3}"
        ));
    }
    lines
}
