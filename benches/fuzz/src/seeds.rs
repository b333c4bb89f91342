//! The inputs that each target begins with, and the tokens that its reader treats specially.

use std::{fs, io, path::Path};

use evalmark_harness::Ledger;

/// A suite that names most keys; `data.csv` beside it is [`DATA`].
pub(crate) const SUITE: &str = r#"name: fuzz
description: "all of it"
dataset: { path: data.csv, id: id, target: label, cluster: text, slices: [text], ignore: [n] }
prompts:
  - { name: plain, template: "Colour of {{ text }}? {{ n | default('x') }}" }
  - name: chat
    messages: [{ role: system, content: "Be brief." }, { role: user, content: "{{ text }}" }]
models:
  - name: small
    provider: openai
    model: gpt-4o-mini
    base_url: http://127.0.0.1:9/v1
    params: { temperature: 0, max_tokens: 16, seed: 7 }
    limits: { concurrency: 4, requests_per_minute: 30, timeout: 60s, attempts: 2, hedge: true }
    price: { input: 0.15, output: 0.60 }
epochs: 2
metrics:
  - { name: exact, exact: { normalize: [trim, casefold] } }
  - { name: close, fuzzy: { algorithm: jaro_winkler }, threshold: 0.9 }
  - { name: form, regex: { pattern: '^[a-z_]+$' }, extract: { regex: 'A: (.*)$', group: 1, which: last } }
  - { name: number, number: { tolerance: 0.5 } }
  - { name: formula, expression: "len(output) / (1 + 2)" }
  - { name: good, judge: { model: small, rubric: "5: good {{ text }}", scale: [1, 2, 3, 4, 5] } }
gate:
  baseline: main
  alpha: 0.05
  metrics: { exact: { margin: 0.03, min: 0.5 }, latency_p95: { margin: 0.2 } }
"#;

/// A suite whose dataset is the input, under the name that comes in.
pub(crate) fn suite_over(dataset: &str) -> String {
    format!(
        "name: fuzz
dataset: {{ path: {dataset}, id: id, target: label, allow_empty_target: true }}
prompts: [ {{ name: p, template: '{{{{ text }}}}' }} ]
models: [ {{ name: m, provider: recorded, recorded: {{ file: answers.jsonl }} }} ]
metrics: [ {{ name: e, exact: {{}} }} ]
"
    )
}

/// A suite whose labels are the input.
pub(crate) const LABELLED: &str = "name: fuzz
dataset: { path: data.csv, id: id, target: label }
prompts: [ { name: p, template: '{{ text }}' } ]
models: [ { name: m, provider: openai, base_url: 'http://127.0.0.1:9/v1', model: m } ]
metrics: [ { name: e, exact: {}, labels: { file: labels.csv } } ]
";

pub(crate) const DATA: &str = "id,text,label,n\n1,sky,blue,1\n2,\"a \"\"red\"\" sun\",red,2.5\n";

const TSV: &str = "id\ttext\tlabel\n1\tsky\tblue\n2\tsun\tred\n";

const JSONL: &str = "{\"id\": 1, \"text\": \"sky\", \"label\": \"blue\", \"more\": {\"a\": [1.50, null]}}\n\
     {\"id\": \"2\", \"text\": \"\\ud83d\\ude00\", \"label\": [\"red\", \"rouge\"], \"n\": 12345678901234567890123}\n";

const JSON: &str = "[{\"id\": 1, \"text\": \"sky\", \"label\": \"blue\"},\n {\"id\": 2, \"text\": \"a\\\"b\", \"label\": true}]\n";

const LABELS: &str = "item_id,label,prompt,model,epoch,output\n1,0.5,p,m,0,blue\n2,1,,,,\n";

const RECORDED: &str = "{\"hash\": \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\", \"output\": \"blue\", \"outcome\": \"answered\", \"finish_reason\": \"stop\", \"input_tokens\": 12, \"output_tokens\": 3, \"latency_ms\": 10.5, \"started_at_us\": 1700000000000000}\n\
     {\"hash\": \"0b0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\", \"output\": \"\", \"outcome\": \"refused\"}\n";

pub(crate) const YAML_WORDS: &[&str] = &[
    "\n",
    "  ",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "~",
    "null",
    "yes",
    "0x1f",
    "1e999",
    "{{ ",
    " }}",
    "{% for i in range(9999) %}",
    "{% endfor %}",
    "{% include 'x' %}",
    "| tojson",
    "item['a b']",
    "file: ",
    "columns: ",
    "extract: ",
    "judge: ",
    "label: ",
    "labels: ",
    "number: ",
    "choice: ",
    "weighted: ",
    "all_of: ",
    "not: true",
    "margin: -1",
    "epochs: 0",
    "sk-0123456789abcdef",
    "\t",
    "\u{feff}",
    "---\n",
    "...\n",
    "\u{202e}",
    "/proc/self/environ",
    "../",
];

pub(crate) const CSV_WORDS: &[&str] = &[
    "\"", "\"\"", ",", ";", "\t", "|", "\n", "\r\n", "\r", "\u{feff}", "\\\"", "\0", "id", "é",
    "\u{ff}",
];

pub(crate) const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-0",
    "0.1",
    "99999999999999999999",
    "\\ud83d",
    "\\u0000",
    "\n",
    "\u{feff}",
    "//",
    "\"id\":",
    "[[[[[[[[",
    "1e-400",
    "\"hash\":",
    "\"output\":",
    "\"started_at_us\":-9223372036854775808",
    "18446744073709551615",
];

pub(crate) const REPLY_WORDS: &[&str] = &[
    "<think>",
    "</think>",
    "```json\n",
    "```",
    "{\"grade\": ",
    "\"reason\": \"",
    "}",
    "4/5",
    "null",
    "[true, false]",
    "\"verdict\": \"A\"",
    "tie",
    "1e999",
    "\n",
    "\"",
    "\\",
    "grade: 5",
    "<|channel|>final<|message|>",
];

pub(crate) const ANSWER_WORDS: &[&str] = &[
    "\\boxed{",
    "}",
    "\\frac",
    "{1}{2}",
    "\\text{ cm}^2",
    "{,}",
    "\\,",
    "####",
    "answer is ",
    "**",
    "B)",
    "(C)",
    "答案是",
    "４２",
    "٤٢",
    "½",
    "1,234.5",
    "1e99999",
    "10^",
    "-",
    "−",
    "%",
    "$",
    "\n",
    " ",
    ". ",
    "A",
    "B",
    "not ",
    "```json\n",
    "```",
    "{\"a\": ",
    "[",
    "]",
    "<think>",
    "</think>",
    "<tool_call>",
    "{\"name\": \"f\", \"arguments\": {}}",
    "SELECT ",
    "I can't help with that",
    "\u{200b}",
    "\u{301}",
    "\u{202e}",
    "0x",
    "1/0",
    "9999999999999999999999",
];

const ANSWERS: &[&str] = &[
    "So it is $\\boxed{10,\\!080}$.",
    "The answer is **B**, because A is wrong.",
    "#### 42",
    "答案是B，而不是 A",
    "It costs $1,234.50, that is 3/4 of 2\\frac{1}{2} and 1.5 \\times 10^{3} m^2.",
    "<think>Could be A.</think>\n\n(B) Mitochondria",
    "```json\n{\"a\": 1, \"b\": [1.50, null]}\n```",
    "{\"sentiment\":\"negative\"}",
    "SELECT a FROM t WHERE b GLOB 'x*' LIMIT 1, 2",
    "<tool_call>\n{\"name\": \"book\", \"arguments\": {\"day\": \"Mon\"}}\n</tool_call>",
    "The model said \"I can't help with that\", and I can't recommend it enough.",
    "الجواب هو ٤٢",
    "एक ४२",
];

const REPLIES: &[&str] = &[
    "{\"reason\": \"It solves the problem.\", \"grade\": 5}",
    "<think>a 4 perhaps</think>\n{\"reason\": \"good\", \"grade\": \"4\"}",
    "Here it is:\n```json\n{\"reason\": \"so\nso\", \"grade\": 3}\n```\nThat is all.",
    "{\"reason\": \"x\", \"winner\": \"A\"}",
    "{\"checks\": [{\"reason\": \"r\", \"holds\": true}]}",
    "{\"reason\": \"same\", \"verdict\": \"tie\"}",
    "{\"reason\": \"\", \"same\": true}",
    "I cannot judge that.",
];

/// Inputs to begin with.
#[derive(Debug)]
pub(crate) enum Seeds {
    /// The same every time.
    Fixed(fn() -> Vec<Vec<u8>>),
    /// Made in a folder.
    Made(fn(&Path) -> io::Result<Vec<Vec<u8>>>),
}

impl Seeds {
    pub(crate) fn make(&self, folder: &Path) -> io::Result<Vec<Vec<u8>>> {
        match self {
            Self::Fixed(seeds) => Ok(seeds()),
            Self::Made(make) => make(folder),
        }
    }
}

fn texts(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn suites() -> Vec<Vec<u8>> {
    texts(&[SUITE, &suite_over("data.csv"), LABELLED])
}

pub(crate) fn csv() -> Vec<Vec<u8>> {
    texts(&[DATA])
}

pub(crate) fn tsv() -> Vec<Vec<u8>> {
    texts(&[TSV])
}

pub(crate) fn jsonl() -> Vec<Vec<u8>> {
    texts(&[JSONL])
}

pub(crate) fn json() -> Vec<Vec<u8>> {
    texts(&[JSON])
}

/// Files of another tool, which have no hash of their pages.
pub(crate) fn parquet() -> Vec<Vec<u8>> {
    let plain = include_bytes!("../seeds/plain.parquet").to_vec();
    vec![plain, include_bytes!("../seeds/texts.parquet").to_vec()]
}

pub(crate) fn yaml() -> Vec<Vec<u8>> {
    texts(&[
        "- { id: 1, text: a, label: x, n: 1.10 }\n- id: '2'\n  text: |\n    b\n  label: [x, y]\n",
    ])
}

/// Written by openpyxl 3.1.5.
pub(crate) fn xlsx() -> Vec<Vec<u8>> {
    vec![include_bytes!("../seeds/rows.xlsx").to_vec()]
}

/// A file and a stream, written by pyarrow.
pub(crate) fn arrow() -> Vec<Vec<u8>> {
    let file = include_bytes!("../seeds/rows.arrow").to_vec();
    vec![file, include_bytes!("../seeds/rows.arrows").to_vec()]
}

pub(crate) fn labels() -> Vec<Vec<u8>> {
    texts(&[LABELS])
}

pub(crate) fn recorded() -> Vec<Vec<u8>> {
    texts(&[RECORDED])
}

pub(crate) fn replies() -> Vec<Vec<u8>> {
    texts(REPLIES)
}

pub(crate) fn answers() -> Vec<Vec<u8>> {
    texts(ANSWERS)
}

/// A ledger that holds the two recorded answers.
pub(crate) fn ledgers(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let (recording, ledger) = (folder.join("seed.jsonl"), folder.join("seed.sqlite"));
    fs::write(&recording, RECORDED)?;
    let opened = Ledger::open(&ledger).map_err(io::Error::other)?;
    crate::targets::import(&recording, &opened).map_err(io::Error::other)?;
    drop(opened);
    Ok(vec![fs::read(&ledger)?])
}
