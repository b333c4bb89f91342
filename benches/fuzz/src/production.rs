//! Logs of production.

use std::{fs, path::Path};

use evalmark_core::files::FileAccess;
use evalmark_integrations::logs::{LogFiles, LogFilesOptions};
use evalmark_runner::{
    Host, Monitor, MonitorOptions, MonitorStatusOptions, Notice, Notices, Permissions, Secrets,
    monitor_status,
};

use crate::{
    seeds::{DATA, Seeds},
    targets::{Target, end, put, said},
};

/// Lines of a log are read, redacted, scored and stored, and the monitor shows them.
pub(crate) const LOGS: Target =
    Target { name: "logs", words: WORDS, seeds: Seeds::Fixed(seeds), read: logs };

const SUITE: &str = r"name: fuzz
dataset: { path: data.csv, id: id, target: label }
prompts: [ { name: p, template: '{{ text }}' } ]
models: [ { name: m, provider: recorded, recorded: { column: label } } ]
metrics:
  - { name: exact, exact: {} }
  - { name: short, length_within: { unit: words, max: 3 } }
  - { name: private, pii: { kinds: [email, phone, card, ip] } }
logs:
  fields:
    id: $.id
    time: $.at
    output: $.choices[0]['message.text']
    target: $.right
    error: $.error
    model: $.model
    latency_ms: $.ms
    input_tokens: $.usage.in
    finish_reason: $.finish
    cluster: $.user
    variables: { text: $.ask }
  sample: { rate: 0.5, by: $.model, rates: { big: 1 } }
  watch: { categories: { intent: $.intent }, language: text }
  redact: [email, phone, card, ip, key, { name: ticket, pattern: 'T-\d{4,}' }]
";

const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "null",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "1e999",
    "-1",
    "0.5",
    "18446744073709551616",
    "253402300800",
    "-62135596801",
    "1767225600000000000",
    "2026-01-05T10:00:00Z",
    "2026-02-30",
    "9999-12-31T23:59:60Z",
    "+99:99",
    "\"id\":",
    "\"at\":",
    "\"choices\":",
    "\"message.text\":",
    "\"error\":",
    "\"model\":",
    "\"ms\":",
    "\"usage\":",
    "\"in\":",
    "\"finish\":",
    "\"user\":",
    "\"ask\":",
    "\"intent\":",
    "\"right\":",
    "ann@example.org",
    "4111 1111 1111 1111",
    "10.0.0.1",
    "sk-abcdefghijklmnopqrstuvwx",
    "T-12345",
    "\u{1b}[31m",
    "\u{202e}",
];

fn seeds() -> Vec<Vec<u8>> {
    let whole = r#"{"id":"a","at":"2026-01-05T10:00:00Z","choices":[{"message.text":"blue"}],"right":"blue","model":"big","ms":12.5,"usage":{"in":7},"finish":"stop","user":"u1","ask":"Which colour has the sky?","intent":"colour"}
{"id":7,"at":1767607201.25,"choices":[{"message.text":"write to ann@example.org about T-12345"}],"right":["red","blue"],"model":"small","user":null}
{"at":"2026-01-06T10:00:00+02:00","error":{"code":500,"message":"timed out"},"model":"small"}
"#;
    vec![whole.into(), whole.replace('\n', "\r\n").into(), b"{}\n[]\n\n1\n{\"id\":".to_vec()]
}

/// No key is needed.
struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _: &str) -> Option<String> {
        None
    }
}

fn logs(folder: &Path, input: &[u8]) -> String {
    let read = || {
        put(folder, "data.csv", DATA.as_bytes())?;
        put(folder, "suite.yaml", SUITE.as_bytes())?;
        put(folder, "app.jsonl", input)?;
        let (suite, out) = (folder.join("suite.yaml"), folder.join("reports"));
        drop(fs::remove_dir_all(&out));
        let hear = |_: &Notice<'_>| ();
        let permissions = Permissions::default();
        let host = Host::new(Notices::new(&hear), &NoSecrets, &permissions);
        let options = MonitorOptions { suite: suite.clone(), out: out.clone() };
        let mut monitor = said(Monitor::open(&options, &host))?;
        let mut files = said(LogFiles::open(LogFilesOptions {
            places: &[folder.join("app.jsonl")],
            access: FileAccess::unlimited(),
            positions: monitor.positions(),
            follow: false,
            now: 1_767_700_000,
        }))?;
        let read = said(monitor.read(&mut files, &mut |_| ()))?;
        let counts = read.counts;
        drop(monitor);
        let status = said(monitor_status(&MonitorStatusOptions::of(&suite, &out), &host))?;
        assert_eq!(status.state.counts.kept, counts.kept, "all that is kept is shown");
        let problem = read.state.damaged.first().map_or("", |line| &line.problem);
        Ok(format!("{} records, {} damaged: {problem}", counts.kept.min(4), counts.damaged.min(4)))
    };
    end(read())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_seed_are_records() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = |input: &[u8]| logs(folder.path(), input);
        let seeds = seeds();
        assert_eq!(said(&seeds[0]), "3 records, 0 damaged: ");
        assert_eq!(said(&seeds[1]), "3 records, 0 damaged: ");
        assert!(said(&seeds[2]).starts_with("1 records, 2 damaged: "), "{}", said(&seeds[2]));
    }
}
