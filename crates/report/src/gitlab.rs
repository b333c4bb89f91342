//! Findings as GitLab's Code Quality report, which a merge request shows at the lines of its files.

use std::collections::BTreeMap;

use evalmark_core::policy::Consequence;
use serde::Serialize;

use crate::{
    finding::Finding,
    safe_text::{inert_json, printable_line},
};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

/// Findings as a Code Quality report.
pub fn gitlab(findings: &[Finding]) -> Result<String, serde_json::Error> {
    // Issues of one fingerprint are one to GitLab.
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let issues: Vec<_> = findings
        .iter()
        .map(|finding| {
            let fingerprint = finding.fingerprint();
            let again = seen.entry(fingerprint.clone()).and_modify(|n| *n += 1).or_default();
            let fingerprint =
                if *again == 0 { fingerprint } else { format!("{fingerprint}-{again}") };
            Issue::of(finding, fingerprint)
        })
        .collect();
    Ok(inert_json(&serde_json::to_string_pretty(&issues)?).into_owned())
}

impl Issue {
    fn of(finding: &Finding, fingerprint: String) -> Self {
        let severity = match finding.consequence {
            Consequence::Failure | Consequence::NoVerdict => "major",
            Consequence::Warning => "minor",
            Consequence::Notice | Consequence::Pass => "info",
        };
        let says: Vec<_> =
            finding.message.iter().map(|line| printable_line(line).into_owned()).collect();
        let place = finding.place.as_ref();
        // GitLab drops issues without a path.
        let path = place.map_or("evalmark", |place| place.path.as_str());
        Self {
            description: format!("{}: {}", printable_line(&finding.title), says.join(" ")),
            check_name: format!("evalmark/{}", finding.rule.id()),
            fingerprint,
            severity,
            location: Location {
                path: printable_line(path).into_owned(),
                lines: Lines { begin: place.map_or(1, |place| place.line.max(1)) },
            },
        }
    }
}
