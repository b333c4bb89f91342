//! The log in forms for other programs. No cell of a table is a formula.

use evalmark_report::spreadsheet::{begins_formula, csv_cell};
use evalmark_store::audit::AuditEntry;

use super::document::with_line;

/// In which form the log leaves evalmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditExport {
    /// A table.
    Csv,
    /// One list.
    Json,
    /// An object a line.
    Jsonl,
}

const COLUMNS: [&str; 17] = [
    "line",
    "seq",
    "time",
    "action",
    "suite",
    "prompts",
    "environment",
    "run",
    "dataset",
    "cache",
    "signer",
    "git_name",
    "git_email",
    "ci_system",
    "ci_actor",
    "ci_url",
    "evidence",
];

/// A table: RFC 4180, with a heading. A cell that a spreadsheet would compute gets a `'` before it.
pub fn audit_csv(entries: &[(u64, AuditEntry)]) -> String {
    let mut text = COLUMNS.join(",") + "\r\n";
    for (line, entry) in entries {
        let cells = cells(*line, entry).map(|cell| quoted(&cell));
        text += &(cells.join(",") + "\r\n");
    }
    text
}

/// An object a line.
pub fn audit_json_lines(entries: &[(u64, AuditEntry)]) -> String {
    entries.iter().fold(String::new(), |text, (line, entry)| {
        text + &with_line(*line, entry).to_string() + "\n"
    })
}

fn cells(line: u64, entry: &AuditEntry) -> [String; 17] {
    let (subject, who) = (&entry.subject, &entry.who);
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let git = who.git.as_ref();
    let ci = who.ci.as_ref();
    let evidence = entry.evidence.iter().map(|(name, value)| format!("{name}={value}"));
    [
        line.to_string(),
        entry.seq.to_string(),
        entry.time.to_string(),
        entry.action.to_string(),
        or_empty(&subject.suite),
        subject.prompts.join(" "),
        or_empty(&subject.environment),
        or_empty(&subject.run),
        or_empty(&subject.dataset),
        or_empty(&subject.cache),
        or_empty(&who.signer),
        git.map(|git| git.name.clone()).unwrap_or_default(),
        git.map(|git| git.email.clone()).unwrap_or_default(),
        ci.map(|ci| ci.system.clone()).unwrap_or_default(),
        ci.and_then(|ci| ci.actor.clone()).unwrap_or_default(),
        ci.and_then(|ci| ci.url.clone()).unwrap_or_default(),
        evidence.collect::<Vec<_>>().join("; "),
    ]
}

/// A cell in which nothing acts, in quotes where it needs them.
fn quoted(cell: &str) -> String {
    if begins_formula(cell) { csv_cell(&format!("'{cell}")) } else { csv_cell(cell) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_no_formulas() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("  =1", "'  =1"),
            ("\u{1b}=1", "'\u{1b}=1"),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(quoted(cell), expected, "{cell:?}");
        }
    }
}
