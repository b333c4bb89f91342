//! Files of other tools' results: the first byte of an input says which tool's they are said to be, and the rest is the
//! file.

use std::{fs, io::Read, path::Path};

use evalmark_integrations::results::{Importer, ResultsRequest, importers};

use crate::{seeds::Seeds, targets::Target};

/// The readers of all tools' files.
pub(crate) const TARGET: Target =
    Target { name: "results", words: WORDS, seeds: Seeds::Fixed(seeds), read };

/// Words that mean something to the readers.
const WORDS: &[&str] = &[
    "null",
    "NaN",
    "Infinity",
    "-1",
    "1e308",
    "1e999",
    "{}",
    "[]",
    "\"\"",
    "[[",
    "{\"a\":",
    "\n{",
    "scores",
    "results",
    "samples",
    "error",
    "epoch",
    "id",
    "\"value\"",
    "metrics",
    "columns",
    "data",
    "request_states",
    "train_trial_index",
    "stats",
    "mean",
    "count",
    "doc_hash",
    "filter",
    "type",
    "match",
    "spec",
    "18446744073709551616",
    "\u{feff}",
    "\\ud800",
];

/// Bytes of a recorded file that become a seed; more would only be slow.
const MOST: usize = 48 << 10;

/// What the other file of a run of HELM holds, where the input is one of both.
const HELM_STATE: &str = r#"{"adapter_spec": {"method": "generation", "model": "m"}, "request_states": [
  {"instance": {"input": {"text": "q"}, "references": [{"output": {"text": "a"}, "tags": ["correct"]}], "split": "test", "id": "id1"},
   "train_trial_index": 0, "request": {"prompt": "q"},
   "result": {"success": true, "completions": [{"text": "a"}], "request_time": 0.5}}]}"#;
const HELM_STATS: &str = r#"[{"instance_id": "id1", "train_trial_index": 0, "stats": [
  {"name": {"name": "exact_match", "split": "test"}, "count": 1, "mean": 1.0},
  {"name": {"name": "num_prompt_tokens", "split": "test"}, "count": 1, "mean": 12}]}]"#;

/// Seeds of each tool: what it wrote, and small files in its form.
fn seeds() -> Vec<Vec<u8>> {
    let all = importers().iter().zip(0_u8..);
    all.flat_map(|(importer, number)| {
        let files = recorded(importer.name).into_iter().chain(small(importer.name));
        files.map(move |file| [&[number][..], &file].concat())
    })
    .collect()
}

/// Files of `datasets/results` that are small enough, unpacked and packed.
fn recorded(tool: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/results").join(tool);
    let mut seeds = Vec::new();
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_told = path.file_name().is_some_and(|name| name == "expected.json.gz");
        let Ok(packed) = fs::read(&path) else { continue };
        if is_told || packed.len() > MOST {
            continue;
        }
        let mut whole = Vec::new();
        let unpacked = flate2::read::GzDecoder::new(&*packed).take(2 << 20).read_to_end(&mut whole);
        if unpacked.is_ok() && whole.len() <= MOST {
            seeds.push(whole);
        }
        seeds.push(packed);
    }
    seeds
}

/// Files in a tool's form with one result.
fn small(tool: &str) -> Vec<Vec<u8>> {
    let texts: &[&str] = match tool {
        "promptfoo" => &[
            r#"{"results": {"results": [{"vars": {"q": "1"}, "prompt": {"raw": "p", "label": "p"}, "provider": {"id": "m"}, "response": {"output": "a"}, "success": true, "score": 1, "namedScores": {"x": 0.5}, "gradingResult": {"pass": true, "score": 1, "componentResults": []}}]}}"#,
        ],
        "inspect" => &[
            r#"{"eval": {"task": "t", "model": "m"}, "samples": [{"id": 1, "epoch": 1, "input": "q", "target": "a", "scores": {"s": {"value": "C"}}}]}"#,
        ],
        "helm" => &[HELM_STATE, HELM_STATS],
        "deepeval" => &[
            r#"{"testCases": [{"name": "test_case_0", "input": "q", "actualOutput": "a", "success": true, "metricsData": [{"name": "m", "score": 0.5, "success": true}]}]}"#,
        ],
        "langfuse" => &[
            "{\"id\": \"t\", \"timestamp\": \"2026-11-20T10:00:00.000Z\", \"input\": \"q\", \"output\": \"a\", \"s\": [1]}\n",
            "\"id\",\"timestamp\",\"input\",\"output\",\"s\"\n\"t\",\"2026\",\"q\",\"a\",\"[1]\"\n",
            r#"[{"id": "s", "traceId": "t", "name": "s", "dataType": "NUMERIC", "source": "API", "value": 1}]"#,
        ],
        "csv" => &["id,input,output,score,score.b,epoch,error\n1,q,a,1,0.5,0,\n2,q,a,,,0,no\n"],
        _ => &[],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Reads an input as the tool's file that its first byte says.
fn read(folder: &Path, input: &[u8]) -> String {
    let Some((number, file)) = input.split_first() else { return String::new() };
    let importers = importers();
    let importer = &importers[usize::from(*number) % importers.len()];
    match read_as(importer, folder, file) {
        Ok(found) => found,
        // What is told of a file may hold any of its texts; the kind of mistake is what is new.
        Err(error) => error.chars().filter(|c| !c.is_numeric()).take(60).collect(),
    }
}

fn read_as(importer: &Importer, folder: &Path, file: &[u8]) -> Result<String, String> {
    let put = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).map_err(|error| error.to_string())
    };
    let name = match importer.name {
        "lm-eval" => "samples_t_2026-01-01T00-00-00.000000.jsonl",
        "openai-evals" => "record.jsonl",
        "csv" => "table.csv",
        "helm" => "scenario_state.json",
        _ => "results.json",
    };
    put(name, file)?;
    if importer.name == "helm" {
        put("per_instance_stats.json", HELM_STATS.as_bytes())?;
        // A list is the other file of the two.
        if file.first() == Some(&b'[') {
            put("scenario_state.json", HELM_STATE.as_bytes())?;
            put("per_instance_stats.json", file)?;
        }
    }
    let files = [folder.join(name)];
    let request = ResultsRequest { files: &files, ..ResultsRequest::default() };
    let results = importer.read(&request).map_err(|error| error.to_string())?;
    let reasons: Vec<_> = results.left_out.iter().map(|left| left.kind.as_str()).collect();
    Ok(format!(
        "{} {} answers {} metrics {}",
        importer.name,
        results.answers.len().min(9),
        results.metrics.len().min(9),
        reasons.join(" ")
    ))
}
