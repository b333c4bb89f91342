//! A suite's page in Confluence's storage format.

use std::fmt::Write;

use evalmark_report::run_message::RunMessage;

use super::history::PastRun;
use crate::receivers::history_picture::WIDTH;

/// The name of the picture that is attached to a page.
pub(super) const PICTURE: &str = "evalmark-history.png";

/// The page in Confluence's storage format. Every text in it is escaped: none is markup or a macro.
pub(super) fn page_body(message: &RunMessage, history: &[PastRun], has_picture: bool) -> String {
    let mut out = String::new();
    let head = format!("{} {}", message.mark(), message.answer);
    let _ = write!(out, "<h2>{}</h2><p>{}</p>", escaped(&head), escaped(&message.says));
    let facts: Vec<_> = message.facts().into_iter().filter(|(name, _)| *name != "More").collect();
    for (name, value) in facts {
        let _ = write!(out, "<p>{}: {}</p>", escaped(name), escaped(&value));
    }
    if let Some(link) = &message.link {
        let _ = write!(out, "<p><a href=\"{}\">More</a></p>", escaped(link));
    }
    let compared = message.comparisons.iter().map(|one| {
        [
            one.metric.clone(),
            one.prompt.clone(),
            one.model.clone(),
            one.answer.clone(),
            one.values(),
        ]
    });
    let head = ["Metric", "Prompt", "Model", "Verdict", "Change"];
    table(&mut out, "Comparisons", head, compared.collect());
    let scores = message.scores.iter().map(|one| {
        let counts = format!("{} scored, {} missing", one.n_scored, one.n_missing);
        [one.metric.clone(), one.prompt.clone(), one.model.clone(), one.text.clone(), counts]
    });
    table(&mut out, "Scores", ["Metric", "Prompt", "Model", "Score", "Samples"], scores.collect());
    if has_picture {
        let _ = write!(
            out,
            "<h3>Scores so far</h3><p><ac:image ac:width=\"{WIDTH}\" ac:alt=\"The first scores of the runs below, with their intervals\">\
             <ri:attachment ri:filename=\"{PICTURE}\" /></ac:image></p>"
        );
    }
    let runs = history.iter().map(|run| {
        [run.started_at.clone(), run.run_id.clone(), run.answer.clone(), run.scores.clone()]
    });
    table(&mut out, "History", ["Began (UTC)", "Run", "Verdict", "Scores"], runs.collect());
    out.push_str(
        "<p><em>evalmark writes this page; what is changed here by hand is replaced.</em></p>",
    );
    out
}

fn table<const N: usize>(out: &mut String, title: &str, head: [&str; N], rows: Vec<[String; N]>) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(out, "<h3>{title}</h3><table><tbody><tr>");
    for cell in head {
        let _ = write!(out, "<th>{cell}</th>");
    }
    out.push_str("</tr>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escaped(&cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
}

/// A text in which XML finds no markup.
fn escaped(text: &str) -> String {
    let escape = |mut out: String, c: char| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No XML has these, whatever way they are written.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    };
    text.chars().fold(String::new(), escape)
}
