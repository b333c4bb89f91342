//! A judge beside people, for people.

use evalmark_core::number_format::{count, counted, decimal, or_none, quantity};
use evalmark_report::safe_text::printable;
use evalmark_runner::{Corrected, ENOUGH_LABELS as ENOUGH, JudgeFinding as Finding};
use evalmark_verdict::{Figure, Leaning};

use crate::{Screen, variant_tables::figures};

/// The finding as text.
pub fn render(finding: &Finding, screen: Screen) -> String {
    let check = &finding.check;
    let metric = printable(&finding.metric);
    let mut head = format!(
        "`{metric}` compared with human labels: {} to {}, of {}",
        counted(check.n, "labelled answer"),
        counted(check.units, "item"),
        counted(finding.answers, "answer")
    );
    if finding.unscored > 0 {
        let more = format!("; {} more have a label but no score", finding.unscored);
        head.push_str(&more);
    }
    let parts = [
        head,
        agreement(finding, screen),
        leanings(finding, screen),
        corrections(&finding.variants, screen),
        meaning(finding).join("\n"),
    ];
    parts.join("\n\n")
}

fn agreement(finding: &Finding, screen: Screen) -> String {
    let check = &finding.check;
    let kappa = if finding.has_ties() {
        "Cohen's kappa, a tie counts as half an agreement"
    } else {
        "Cohen's kappa, pass or fail"
    };
    let agreement = vec![
        row(kappa, check.kappa.as_ref()),
        row("Krippendorff's alpha, scores", check.alpha.as_ref()),
    ];
    [
        figures(&["agreement", "value", "95 % interval"], 1, &[(String::new(), agreement)], screen),
        confusion(finding, screen),
    ]
    .map(|table| table.trim().to_owned())
    .join("\n\n")
}

/// What people say down, what the judge says across; a tie apart, where there may be one.
fn confusion(finding: &Finding, screen: Screen) -> String {
    let [fail, tie, pass] = [0, 1, 2];
    let table = finding.check.with_ties;
    let of = |said: usize, columns: &[usize]| -> Vec<String> {
        columns.iter().map(|column| count(table[said][*column])).collect()
    };
    let line = |name: &str, said: usize, columns: &[usize]| {
        let mut line = vec![name.to_owned()];
        line.extend(of(said, columns));
        line
    };
    if finding.has_ties() {
        let columns = [pass, tie, fail];
        let lines = vec![
            line("human: better", pass, &columns),
            line("human: tie", tie, &columns),
            line("human: worse", fail, &columns),
        ];
        let header = ["", "judge: better", "judge: tie", "judge: worse"];
        return figures(&header, 1, &[(String::new(), lines)], screen);
    }
    let columns = [pass, fail];
    let lines = vec![line("human: pass", pass, &columns), line("human: fail", fail, &columns)];
    let threshold = format!("passes from {}", finding.threshold);
    let header = [threshold.as_str(), "judge: pass", "judge: fail"];
    figures(&header, 1, &[(String::new(), lines)], screen)
}

fn leanings(finding: &Finding, screen: Screen) -> String {
    let check = &finding.check;
    let mut rows = vec![row("all answers", Some(&check.bias))];
    if check.by_group.len() > 1 {
        rows.extend(check.by_group.iter().map(|one| {
            let name = format!("prompt `{}` ({})", printable(&one.group), one.n);
            row(&name, Some(&one.bias))
        }));
    }
    rows.push(row("rank correlation with length", check.by_length.as_ref()));
    let header = ["judge minus human", "value", "95 % interval"];
    figures(&header, 1, &[(String::new(), rows)], screen).trim().to_owned()
}

fn row(name: &str, figure: Option<&Figure>) -> Vec<String> {
    let value = or_none(figure.map(|figure| decimal(figure.estimate)));
    vec![name.to_owned(), value, interval(figure)]
}

fn interval(figure: Option<&Figure>) -> String {
    let interval = figure.and_then(|figure| figure.interval);
    or_none(
        interval.map(|interval| format!("{} to {}", decimal(interval.low), decimal(interval.high))),
    )
}

fn corrections(variants: &[Corrected], screen: Screen) -> String {
    let row = |variant: &Corrected| {
        let number = |value: Option<f64>| or_none(value.map(decimal));
        vec![
            format!("{} x {}", variant.prompt, variant.model),
            count(variant.labelled),
            number(variant.judge_mean),
            number(variant.label_mean),
            number(variant.mean.as_ref().map(|figure| figure.estimate)),
            interval(variant.mean.as_ref()),
            or_none(variant.gain.map(|gain| quantity(gain * variant.labelled as f64))),
        ]
    };
    let header =
        ["mean", "labels", "judge", "human", "corrected", "95 % interval", "worth (labels)"];
    figures(&header, 1, &[(String::new(), variants.iter().map(row).collect())], screen)
        .trim()
        .to_owned()
}

/// What this means for a verdict, a line for each thing.
fn meaning(finding: &Finding) -> Vec<String> {
    let check = &finding.check;
    let mut lines = vec![if finding.is_corrected {
        "Verdicts on this metric are corrected by the suite's labels (PPI++), so that the judge's \
         bias \
         does not shift them."
            .to_owned()
    } else {
        "Verdicts on this metric compare the judge's scores alone, and say so. With `labels:` in \
         the suite they are corrected by human labels (PPI++): the `corrected` means above."
            .to_owned()
    }];
    if check.n < ENOUGH {
        lines.push(format!(
            "{} labels are only advisory: a corrected verdict is firm from {ENOUGH} labels on.",
            check.n
        ));
    }
    lines.extend(uneven(&check.by_group));
    if let Some(by_length) = &check.by_length
        && let Some(interval) = by_length.interval
        && (interval.low > 0.0 || interval.high < 0.0)
    {
        let liked = if by_length.estimate > 0.0 { "longer" } else { "shorter" };
        lines.push(format!("The judge favours {liked} answers, compared with human labels."));
    }
    lines
}

/// Where the judge leans differently between prompts, beyond chance.
fn uneven(by_prompt: &[Leaning]) -> Option<String> {
    let order = |a: &&Leaning, b: &&Leaning| a.bias.estimate.total_cmp(&b.bias.estimate);
    let (low, high) = (by_prompt.iter().min_by(order)?, by_prompt.iter().max_by(order)?);
    let apart = low.bias.interval?.high < high.bias.interval?.low;
    apart.then(|| {
        format!(
            "The judge leans towards `{}` and against `{}`: their uncorrected difference is off by \
             about {}.",
            printable(&high.group),
            printable(&low.group),
            decimal(high.bias.estimate - low.bias.estimate)
        )
    })
}
