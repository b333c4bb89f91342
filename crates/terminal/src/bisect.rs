//! The commit that made a suite's scores worse, and the commits that were looked at.

use evalmark_core::number_format::counted;
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{BisectStatus, Bisected};

use crate::{Screen, Tone};

/// What was found, below what was looked at.
pub fn found(found: &Bisected, screen: Screen) -> String {
    let mut lines = Vec::new();
    let good = &found.good;
    lines.push(format!(
        "{}  {}  {}",
        good.id.short(),
        padded("good", Tone::Good, screen),
        line(&good.subject)
    ));
    for look in &found.looks {
        let tone = match look.status {
            BisectStatus::Good => Tone::Good,
            BisectStatus::Bad => Tone::Bad,
            BisectStatus::Inconclusive | BisectStatus::Unusable => Tone::Unsure,
        };
        let status = padded(look.status.as_str(), tone, screen);
        let reused =
            if look.is_reused { "  (not run: it asks what another commit asked)" } else { "" };
        let commit = &look.commit;
        lines.push(format!("{}  {status}  {}{reused}", commit.id.short(), line(&commit.subject)));
        lines.extend(screen.wrap("    ", &line(&look.says)));
    }
    lines.push(String::new());
    match found.first_bad.as_slice() {
        [commit] => {
            let date = commit.date.get(..10).unwrap_or(&commit.date);
            let told = format!("{} is the first bad commit", commit.id);
            lines.push(screen.paint(Tone::Strong, &told));
            lines.push(format!("  {date}  {}  {}", line(&commit.author), line(&commit.subject)));
        }
        commits => {
            let told =
                "one of these is the first bad commit; the scores of the others cannot tell:";
            lines.extend(screen.wrap("", told));
            let told = |commit: &evalmark_store::git::Commit| {
                format!("  {}  {}", commit.id.short(), line(&commit.subject))
            };
            lines.extend(commits.iter().map(told));
        }
    }
    let (commits, runs) =
        (counted(found.n_commits as u64, "commit"), counted(found.n_runs as u64, "run"));
    lines.push(format!("{commits} searched with {runs}"));
    lines.join("\n")
}

fn padded(status: &str, tone: Tone, screen: Screen) -> String {
    screen.paint(tone, &format!("{status:<12}"))
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}
