//! Findings as SARIF 2.1.0, for code scanning.

use evalmark_core::{policy::Consequence, source_place::SourcePlace};
use serde::Serialize;

use crate::{
    finding::{Finding, FindingRule},
    safe_text::{inert_json, printable_line},
};

/// Where the schema of the format is, as every SARIF file says.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What paths are relative to: the root of the source tree, wherever that is.
const ROOT: &str = "%SRCROOT%";

/// Findings as SARIF. `analysis` tells apart what they are of, such as `gate` and `check`, so that those of one do not
/// replace those of the other.
pub fn sarif(findings: &[Finding], analysis: &str) -> Result<String, serde_json::Error> {
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: Driver::default() },
            automation_details: Automation { id: format!("evalmark/{analysis}/") },
            column_kind: "unicodeCodePoints",
            results: findings.iter().map(SarifResult::of).collect(),
        }],
    };
    Ok(inert_json(&serde_json::to_string_pretty(&log)?).into_owned())
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: Automation,
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Automation {
    id: String,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Descriptor>,
}

impl Default for Driver {
    fn default() -> Self {
        let rules = FindingRule::ALL.into_iter().map(Descriptor::of).collect();
        Self { name: "evalmark", version: env!("CARGO_PKG_VERSION"), rules }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Message,
    help: Message,
}

impl Descriptor {
    fn of(rule: FindingRule) -> Self {
        Self {
            id: rule.id(),
            short_description: Message { text: rule.summary().to_owned() },
            help: Message { text: rule.advice().to_owned() },
        }
    }
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "evalmark/v1")]
    evalmark: String,
}

impl SarifResult {
    fn of(finding: &Finding) -> Self {
        let level = match finding.consequence {
            Consequence::Failure | Consequence::NoVerdict => "error",
            Consequence::Warning => "warning",
            Consequence::Notice | Consequence::Pass => "note",
        };
        let says: Vec<_> = std::iter::once(&finding.title).chain(&finding.message).collect();
        let says: Vec<_> = says.into_iter().map(|line| without_links(line)).collect();
        let place = finding.place.as_ref();
        Self {
            rule_id: finding.rule.id(),
            rule_index: FindingRule::ALL
                .iter()
                .position(|rule| *rule == finding.rule)
                .unwrap_or_default(),
            level,
            message: Message { text: says.join("\n") },
            locations: place.map(|place| Location::of(place, finding.column)).into_iter().collect(),
            partial_fingerprints: Fingerprints { evalmark: finding.fingerprint() },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u64>,
}

impl Location {
    fn of(place: &SourcePlace, column: Option<u64>) -> Self {
        let artifact_location = ArtifactLocation { uri: uri(&place.path), uri_base_id: ROOT };
        let region = Region { start_line: place.line.max(1), start_column: column };
        Self { physical_location: PhysicalLocation { artifact_location, region } }
    }
}

/// A relative path as a reference: whatever means something in an address is written as `%XX`.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.extend([
                '%',
                char::from(HEX[usize::from(byte >> 4)]),
                char::from(HEX[usize::from(byte & 15)]),
            ]),
        }
    }
    out
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A text on one line in which `[text](target)` is no link.
fn without_links(text: &str) -> String {
    printable_line(text).replace("](", "] (")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        let check = |path: &str, expected: &str| assert_eq!(uri(path), expected);
        check("suites/a-b_c.yaml", "suites/a-b_c.yaml");
        check("a b/#1?%/ü.j2", "a%20b/%231%3F%25/%C3%BC.j2");
        check("javascript:alert(1)", "javascript%3Aalert%281%29");
    }
}
