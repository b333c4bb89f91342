"""Runs the configurations in promptfoo/ through promptfoo and through evalmark, and compares every assertion.

Both ask the same stand-in for a model, which answers a prompt with what promptfoo/NAME/answers.json has
for its text; `--record` adds answers where there are none. What promptfoo decides is kept in expected.json,
by which an ordinary test holds evalmark. See README.md.
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import pyarrow.parquet
import yaml

HERE = pathlib.Path(__file__).parent / "promptfoo"
GRADED = {"similar", "llm-rubric", "g-eval", "factuality", "model-graded-closedqa"}


def pool(config, folder):
    """Answers that some assertions like and others do not."""
    text = "".join(path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in {".yaml", ".csv", ".jsonl"})
    values = re.findall(r"(?:value|value\"):\s*(.+?)\s*[}\]\n,]", text)
    values = [value.strip(" '\"[]{}") for value in values]
    answers = [value for value in values if value and "{{" not in value and "file:" not in value]
    answers += [f"Sure, {value}." for value in answers[:4]] + [value.upper() for value in answers[:3]]
    answers += ['{"colour": "yellow", "countries": ["Ecuador", "India"]}', '{"category": "billing", "actions": ["refund it"]}',
                '{"category":"access","actions":["reset"]}', "Here: {\"a\": 1} it is", "I'm sorry, but I can't help with that.",
                "Take flour and water.", "SELECT * FROM users", "<note><to>Ann</to></note>", "Guten Morgen", "555-1234 or a.b/c-d",
                "The quick brown fox leaps over it", "A lazy dog sleeps", "Hola mundo", "positive", "An owl and a duck",
                "```sql\nSELECT id FROM users;\n```", "no"]
    return answers


class Model(http.server.BaseHTTPRequestHandler):
    folder = answers = choices = None
    records = False

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = "\n".join(message["content"] for message in body["messages"])
        if prompt not in self.answers:
            if not self.records:
                print(f"  no answer to {prompt!r}", file=sys.stderr)
                return self.send_error(404)
            at = int(hashlib.sha256(prompt.encode()).hexdigest(), 16) % len(self.choices)
            self.answers[prompt] = self.choices[at]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": self.answers[prompt]}}
        reply = {"id": "x", "object": "chat.completion", "model": "stand-in", "choices": [choice],
                 "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
        text = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def by_promptfoo(folder, program, work):
    out = work / "promptfoo.json"
    env = os.environ | {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "STAND_IN_API_KEY": "x",
                        "PROMPTFOO_CONFIG_DIR": str(work / "pf"), "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
                        "OPENAI_BASE_URL": "http://127.0.0.1:18765/v1", "OPENAI_API_KEY": "x"}
    command = [program, "eval", "-c", str(folder / "promptfooconfig.yaml"), "-o", str(out), "--no-cache", "--no-table",
               "--no-progress-bar", "--no-write"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder)
    if not out.exists():
        raise SystemExit(f"promptfoo: {ran.stdout[-1500:]}{ran.stderr[-1500:]}")
    found, tests = {}, {}
    for result in json.loads(out.read_text())["results"]["results"]:
        tests[result["testIdx"]] = result["vars"]
        grading = result.get("gradingResult") or {}
        if not grading.get("componentResults"):
            found.setdefault((result["testIdx"], result["promptIdx"], "error"), bool(result.get("error")))
        for part in grading.get("componentResults") or []:
            assertion = part.get("assertion") or {}
            if not assertion.get("type"):
                continue
            name = assertion.get("metric") or assertion["type"]
            key = (result["testIdx"], result["promptIdx"], name)
            found.setdefault(key, []).append(bool(part["pass"]))
    return found, tests


def row_of(variables, rows, taken, folder):
    """The row that a test became: promptfoo does not sort the files that a pattern stands for."""
    named = lambda value: (folder / value.removeprefix("file://")).read_text().strip() if value.startswith("file:") else value
    variables = {name: named(value) for name, value in variables.items() if isinstance(value, str)}
    for at, row in enumerate(rows):
        alike = all(row.get(name) == value for name, value in variables.items() if isinstance(value, str) and "{{" not in value)
        if at not in taken and alike:
            taken.add(at)
            return at
    return next(at for at in range(len(rows)) if at not in taken)


def by_evalmark(folder, program, work, tests):
    out = work / "evalmark"
    run = lambda *arguments: subprocess.run([program, *arguments], capture_output=True, text=True, cwd=folder,
                                            env=os.environ | {"STAND_IN_API_KEY": "x"})
    imported = run("import", "promptfoo", "promptfooconfig.yaml", "--out", str(out), "--name", "s", "--format", "json")
    if imported.returncode:
        raise SystemExit(f"evalmark: {imported.stderr}")
    ran = run("run", str(out / "suites/s.yaml"), "--out", str(out / "reports"), "--run-id", "r", "--no-cache")
    if ran.returncode:
        raise SystemExit(f"evalmark: {ran.stderr}")
    rows = [json.loads(line) for line in (out / "datasets/s.jsonl").read_text().splitlines()]
    taken = set()
    places = {row_of(tests[test], rows, taken, folder): test for test in sorted(tests)}
    ids = {row[next(iter(row))]: places.get(at) for at, row in enumerate(rows)}
    suite = yaml.safe_load((out / "suites/s.yaml").read_text())
    prompts = {prompt["name"]: at for at, prompt in enumerate(suite["prompts"])}
    found = {}
    for row in pyarrow.parquet.read_table(out / "reports/s/r/scores.parquet").to_pylist():
        if row["applies"]:
            name = re.sub(r"-\d+$", "", row["metric"])
            found.setdefault((ids[row["item_id"]], prompts[row["prompt"]], name), []).append(row["passed"])
    return found, json.loads(imported.stdout), {test: row for row, test in places.items()}


def compare(folder, options):
    Model.answers = json.loads((folder / "answers.json").read_text()) if (folder / "answers.json").exists() else {}
    Model.choices, Model.records = pool(None, folder), options.record
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        theirs, tests = by_promptfoo(folder, options.promptfoo, work)
        ours, told, rows = by_evalmark(folder, options.evalmark, work, tests)
    lost = {re.sub(r"^the assertion `(.*)`$", r"\1", one["what"]) for one in told["not_carried"]}
    failed = {key[:2] for key, is_error in theirs.items() if key[2] == "error" and is_error}
    theirs = {key: passed for key, passed in theirs.items() if key[2] != "error"}
    same, differ, left_out = 0, [], []
    for key in sorted(set(theirs) | set(ours)):
        a, b = theirs.get(key, []), ours.get(key, [])
        rest = list(a)
        matched = [passed for passed in b if passed in rest and (rest.remove(passed) or True)]
        same += len(matched)
        if len(matched) == len(b) and rest and key[2] in lost:
            left_out.append(f"{key}: {rest}")
        elif key[:2] in failed and not a:
            left_out.append(f"{key}: an error there, {b} here")
        elif len(matched) < len(b) or rest:
            differ.append(f"{key}: promptfoo {a}, evalmark {b}")
    print(f"{folder.name}: {same} the same, {len(differ)} differ, {len(left_out)} not carried over")
    for line in differ:
        print("   differs", line)
    for line in left_out:
        print("   not carried over", line)
    if options.record:
        (folder / "answers.json").write_text(json.dumps(Model.answers, indent=1, ensure_ascii=False) + "\n")
        kept = [[rows[test], prompt, name, passed] for (test, prompt, name), passed in sorted(theirs.items())]
        lines = ",\n ".join(json.dumps(one, ensure_ascii=False) for one in kept)
        (folder / "expected.json").write_text(f"[{lines}]\n")
    return same, len(differ), len(left_out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--promptfoo", default=shutil.which("promptfoo"), help="promptfoo's program")
    parser.add_argument("--evalmark", default="evalmark", help="evalmark's program")
    parser.add_argument("--record", action="store_true", help="keep answers and what promptfoo decides")
    parser.add_argument("names", nargs="*", help="configurations; default: all")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18765), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folders = [HERE / name for name in options.names] or sorted(path for path in HERE.iterdir() if path.is_dir())
    sums = [sum(column) for column in zip(*(compare(folder, options) for folder in folders))]
    print(f"{len(folders)} configurations: {sums[0]} assertions the same, {sums[1]} differ, {sums[2]} not carried over")


if __name__ == "__main__":
    main()
