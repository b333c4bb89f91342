//! The audit log for people: its entries as a table, and what is wrong with it.

use evalmark_core::number_format::count;
use evalmark_report::safe_text::printable_line;
use evalmark_runner::VerifiedAudit;
use evalmark_store::audit::{AuditEntry, AuditFork};

use crate::{Screen, Tone, grid::Grid};

/// Entries as a table, in the log's order, and what was overridden, below it, in full.
pub fn entries(entries: &[(u64, AuditEntry)], screen: Screen) -> String {
    if entries.is_empty() {
        return "no entries".to_owned();
    }
    let header = ["line", "time (UTC)", "action", "about", "who", "evidence"];
    let grid = Grid {
        header: header.map(str::to_owned).to_vec(),
        rows: entries.iter().map(|(line, entry)| row(*line, entry)).collect(),
        n_names: 3,
        ruled: false,
    };
    let mut lines = vec![grid.render(screen.columns)];
    for (line, entry) in entries {
        if let Some(reason) = entry.evidence.get("reason") {
            let told = format!("line {line}: {} because: {}", entry.action, printable_line(reason));
            lines.extend(screen.wrap("", &told));
        }
    }
    lines.join("\n")
}

fn row(line: u64, entry: &AuditEntry) -> Vec<String> {
    vec![
        line.to_string(),
        entry.time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        entry.action.to_string(),
        printable_line(&about(entry)).into_owned(),
        printable_line(&entry.who.told()).into_owned(),
        printable_line(&evidence(entry)).into_owned(),
    ]
}

fn about(entry: &AuditEntry) -> String {
    let subject = &entry.subject;
    let prompts = (!subject.prompts.is_empty()).then(|| subject.prompts.join(", "));
    let run = match (&subject.suite, &subject.run) {
        (Some(suite), Some(run)) => Some(format!("{suite}/{run}")),
        (suite, run) => suite.clone().or_else(|| run.clone()),
    };
    let parts = [subject.environment.clone(), run, subject.dataset.clone(), subject.cache.clone()];
    let parts: Vec<_> = parts.into_iter().flatten().chain(prompts).collect();
    if parts.is_empty() { "the log".to_owned() } else { parts.join(" · ") }
}

/// What is short enough for a table: words, no digests.
fn evidence(entry: &AuditEntry) -> String {
    let is_short = |(name, value): &(&String, &String)| {
        value.len() <= 48 && name.as_str() != "reason" && name.as_str() != "says"
    };
    let shown = entry.evidence.iter().filter(is_short);
    shown.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// What is known of the whole log.
pub fn verified(verified: &VerifiedAudit, screen: Screen) -> String {
    let report = &verified.report;
    let mut lines = Vec::new();
    let (tone, word) = match (report.is_intact(), report.is_joined()) {
        (false, _) => (Tone::Bad, "NOT INTACT"),
        (true, false) => (Tone::Unsure, "intact, with branches that nothing joins"),
        (true, true) => (Tone::Good, "intact"),
    };
    lines.push(format!("{}: {}", screen.paint(tone, word), n_entries(report.entries)));
    for finding in &report.findings {
        lines.extend(screen.wrap("  ", &printable_line(&finding.to_string())));
    }
    for fork in &report.forks {
        lines.extend(screen.wrap("  ", &told_fork(fork)));
    }
    if !report.is_joined() {
        let ends: Vec<_> = report.ends.iter().map(u64::to_string).collect();
        let told = format!(
            "nothing follows lines {}: the next entry joins them, as a merge leaves it; a line that no branch brought was \
             inserted",
            ends.join(" and ")
        );
        lines.extend(screen.wrap("  ", &told));
    }
    if let Some(held) = held_by(verified) {
        lines.extend(screen.wrap("", &held));
    }
    for path in &verified.checkpoints {
        lines.push(format!("checkpoint {}: its signature is right", path.display()));
    }
    lines.join("\n")
}

/// What a cut-off end is found by, beside checkpoints.
fn held_by(verified: &VerifiedAudit) -> Option<String> {
    let releases: Vec<_> = verified.releases.iter().map(|hold| &*hold.name).collect();
    if !releases.is_empty() {
        return Some(format!("held against {}", printable_line(&releases.join(" and "))));
    }
    verified.checkpoints.is_empty().then(|| {
        "no signed checkpoint and no release holds the log's end, so that a cut-off end would not be found".to_owned()
    })
}

fn n_entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{} entries", count(n)) }
}

fn told_fork(fork: &AuditFork) -> String {
    let AuditFork { line, beside, follows } = fork;
    match follows {
        Some(follows) => {
            format!("lines {beside} and {line} both follow line {follows}: the log branches there")
        }
        None => format!("lines {beside} and {line} both begin a log"),
    }
}
