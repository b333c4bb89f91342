//! The history of a prompt: the commits that changed it, two of its versions, and who wrote its lines.

use evalmark_core::{
    changes::{DiffPart, PartOf},
    number_format::{counted, estimate, moment},
};
use evalmark_report::safe_text::{printable, printable_line};
use evalmark_runner::{
    BlamedText, DiffedText, KnownRun, LogEntry, PromptChange, PromptDiff, PromptLog, PromptVersion,
    RestoredPrompt,
};

use crate::{Screen, Tone};

/// Digits of a hash that people read.
const SHORT_HASH: usize = 12;

/// Runs of one version that are shown.
const MOST_RUNS: usize = 3;

/// Why a history has no beginning.
pub const CUT_OFF: &str = "this clone is shallow: what was before its first commit is not here; `git fetch --unshallow` \
                           brings the whole history";

/// The commits that changed a prompt, the latest first.
pub fn log(log: &PromptLog, screen: Screen) -> String {
    let mut lines = Vec::new();
    if let Some(uncommitted) = &log.uncommitted {
        let head = format!("not committed  {}", short(&uncommitted.hash));
        lines.push(screen.paint(Tone::Strong, &head));
        lines.extend(runs(&uncommitted.runs, screen));
    }
    for entry in &log.entries {
        lines.push(screen.paint(Tone::Strong, &head(entry)));
        lines.extend(screen.wrap("  ", &what(entry)));
        lines.extend(runs(&entry.runs, screen));
    }
    if log.has_more {
        lines.push("… and earlier commits; `--limit` shows more".to_owned());
    }
    lines.join("\n")
}

fn head(entry: &LogEntry) -> String {
    let commit = &entry.commit;
    let date = commit.date.get(..10).unwrap_or(&commit.date);
    format!("{}  {date}  {}  {}", commit.id.short(), line(&commit.author), line(&commit.subject))
}

/// What a commit did, and through which files.
fn what(entry: &LogEntry) -> String {
    let did = match &entry.change {
        PromptChange::Added => "added".to_owned(),
        PromptChange::Edited => "changed".to_owned(),
        PromptChange::Renamed { from } => format!("renamed from {}", line(from)),
        PromptChange::Removed => "removed".to_owned(),
        PromptChange::CutOff => "the clone ends here".to_owned(),
    };
    let files: Vec<_> = entry.files.iter().map(|file| line(file)).collect();
    let hash = entry.hash.as_ref().map_or(String::new(), |hash| format!("{}  ", short(hash)));
    if files.is_empty() {
        format!("{hash}{did}")
    } else {
        format!("{hash}{did}: {}", files.join(", "))
    }
}

/// What runs measured, a line for each score.
fn runs(runs: &[KnownRun], screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    for run in runs.iter().take(MOST_RUNS) {
        for score in &run.scores {
            let mean = estimate(&score.estimate, score.range);
            let answer =
                score.answer.map_or(String::new(), |answer| format!(", {}", answer.as_str()));
            let against = match (&run.baseline, score.answer) {
                (Some(baseline), Some(_)) => format!(" against {}", line(baseline)),
                _ => String::new(),
            };
            let [model, metric] = [&score.model, &score.metric].map(|name| line(name));
            let (suite, at) = (line(&run.suite), moment(&run.started_at));
            let told = format!("{metric} {mean} ({model}){answer}{against}  [{suite}, {at}]");
            lines.extend(screen.wrap("    ", &told));
        }
    }
    if runs.len() > MOST_RUNS {
        lines
            .push(format!("    … and {}", counted((runs.len() - MOST_RUNS) as u64, "earlier run")));
    }
    lines
}

/// Two versions of a prompt.
pub fn diff(found: &PromptDiff, screen: Screen) -> String {
    let mut lines = vec![version(&found.before), version(&found.after)];
    if found.before.hash == found.after.hash {
        lines.push("they say the same".to_owned());
    }
    for value in &found.values {
        let [before, after] = [&value.before, &value.after].map(|value| {
            if value.is_null() { "none".to_owned() } else { line(&value.to_string()) }
        });
        let [before, after] = [
            screen.paint(Tone::Bad, &format!("[-{before}-]")),
            screen.paint(Tone::Good, &format!("{{+{after}+}}")),
        ];
        lines.push(format!("{}: {before}{after}", line(&value.key)));
    }
    lines.extend(texts("", &found.texts, screen));
    let item =
        found.item.as_ref().map_or(String::new(), |item| format!(" for the item {}", line(item)));
    lines.extend(texts(&format!("rendered{item}: "), &found.rendered, screen));
    if let Some(why) = &found.not_rendered {
        lines.push(String::new());
        lines.extend(screen.wrap("", &format!("not rendered: {}", line(why))));
    }
    for side in [&found.before, &found.after].into_iter().filter(|side| !side.runs.is_empty()) {
        lines.push(String::new());
        lines.push(screen.paint(Tone::Faint, &format!("[scores of {}]", line(&side.named))));
        lines.extend(runs(&side.runs, screen));
    }
    lines.join("\n")
}

fn version(version: &PromptVersion) -> String {
    let commit = version.commit.map_or(String::new(), |commit| format!("  {}", commit.short()));
    let path = version.path.display().to_string();
    format!("{}  {}{commit}  {}", short(&version.hash), line(&version.named), line(&path))
}

/// Texts that differ, word by word.
fn texts(of: &str, texts: &[DiffedText], screen: Screen) -> Vec<String> {
    let differs = |text: &&DiffedText| text.diff.iter().any(|part| part.op != PartOf::Both);
    let shown = texts.iter().filter(differs).flat_map(|text| {
        let head = screen.paint(Tone::Faint, &format!("[{of}{}]", line(&text.name)));
        let parts = text.diff.iter().map(|part| marked(part, screen)).collect::<String>();
        [String::new(), head, parts.trim_end().to_owned()]
    });
    shown.collect()
}

/// `[-with-]` and `{+in+}`, as git writes them; a mark never spans lines.
fn marked(part: &DiffPart, screen: Screen) -> String {
    let (tone, open, close) = match part.op {
        PartOf::Both => return printable(&part.text).into_owned(),
        PartOf::Removed => (Tone::Bad, "[-", "-]"),
        PartOf::Added => (Tone::Good, "{+", "+}"),
    };
    let line = |line: &str| {
        let text = line.trim_end_matches('\n');
        let end = &line[text.len()..];
        let text = screen.paint(tone, &format!("{open}{}{close}", printable(text)));
        format!("{text}{end}")
    };
    part.text.split_inclusive('\n').map(line).collect()
}

/// Every line behind the commit that wrote it.
pub fn blame(blamed: &BlamedText, screen: Screen) -> String {
    let mut lines = Vec::new();
    let commits = &blamed.commits;
    let width =
        commits.values().map(|commit| commit.author.chars().count()).max().unwrap_or(0).min(20);
    for (i, file) in blamed.files.iter().enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        lines.push(screen.paint(Tone::Strong, &line(&file.path)));
        for (number, of) in (1..).zip(&file.lines) {
            let commit = of.commit.and_then(|id| commits.get(&id));
            let (id, author, date) = commit.map_or_else(
                || ("not yet   ".to_owned(), "not committed", ""),
                |commit| {
                    (commit.id.short(), &*commit.author, commit.date.get(..10).unwrap_or_default())
                },
            );
            let author: String = line(author).chars().take(width.max(13)).collect();
            let told = format!("{id}  {author:<0$}  {date:<10}  {number:>3}", width.max(13));
            lines.push(format!("{}  {}", screen.paint(Tone::Faint, &told), line(&of.text)));
        }
    }
    lines.join("\n")
}

/// What was written back, a line for each file.
pub fn rolled_back(done: &RestoredPrompt, screen: Screen) -> String {
    let hash = short(&done.hash);
    let mut lines = vec![format!(
        "{} says again what it said at {}: {hash}",
        line(&done.name),
        done.commit.short()
    )];
    for (path, change) in &done.files {
        lines.push(format!("  {:<9} {}", change.as_str(), line(&path.display().to_string())));
    }
    if done.files.is_empty() {
        lines.push("  its files were so already".to_owned());
    }
    if !done.also_changed.is_empty() {
        let names: Vec<_> = done.also_changed.iter().map(|name| line(name)).collect();
        let told =
            format!("these include one of the files, and changed with it: {}", names.join(", "));
        lines.extend(screen.wrap("  ", &told));
    }
    lines.join("\n")
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}
