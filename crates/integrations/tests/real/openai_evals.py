"""Runs evals of openai_evals/ through oaieval and through evalmark, and compares the result of every sample.

Both ask the same stand-in for a model, which answers a question as answers.json has it. See README.md.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import pyarrow.parquet
import yaml

HERE = pathlib.Path(__file__).parent / "openai_evals"
FUNCTION = '''
import json, urllib.request
from evals.api import CompletionFn, CompletionResult
from evals.record import record_sampling

class Result(CompletionResult):
    def __init__(self, text): self.text = text
    def get_completions(self): return [self.text]

class Function(CompletionFn):
    def __init__(self, **_): pass
    def __call__(self, prompt, **_):
        messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        body = json.dumps({"model": "stand-in", "messages": messages}).encode()
        request = urllib.request.Request("http://127.0.0.1:18769/v1/chat/completions", body, {"content-type": "application/json"})
        text = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
        record_sampling(prompt=prompt, sampled=[text])
        return Result(text)
'''


class Model(http.server.BaseHTTPRequestHandler):
    answers = {}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = self.answers.get(body["messages"][-1]["content"])
        if answer is None:
            return self.send_error(404)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
        reply = json.dumps({"id": "x", "object": "chat.completion", "model": "stand-in", "choices": [choice],
                            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def question_of(prompt):
    return prompt if isinstance(prompt, str) else prompt[-1]["content"]


def by_oaieval(name, options, work):
    (work / "stand_in.py").write_text(FUNCTION)
    functions = work / "registry/completion_fns"
    functions.mkdir(parents=True, exist_ok=True)
    (functions / "fns.yaml").write_text("stand-in:\n  class: stand_in:Function\n")
    shutil.copytree(HERE / "evals", work / "registry/evals", dirs_exist_ok=True)
    shutil.copytree(HERE / "data", work / "registry/data", dirs_exist_ok=True)
    record = work / f"{name}.jsonl"
    ran = subprocess.run([options.oaieval, "stand-in", name, "--registry_path", str(work / "registry"), "--record_path", str(record)],
                         capture_output=True, text=True, cwd=work, env=os.environ | {"PYTHONPATH": str(work), "OPENAI_API_KEY": "x", "EVALS_THREADS": "1"})
    if not record.exists():
        raise SystemExit(f"oaieval: {ran.stderr[-2000:]}")
    asked, found = {}, {}
    for event in map(json.loads, record.read_text().splitlines()):
        data = event.get("data") or {}
        if event.get("type") == "sampling":
            asked[event["sample_id"]] = question_of(data["prompt"])
        elif event.get("type") == "match":
            found[event["sample_id"]] = float(data["correct"])
        elif event.get("type") == "metrics":
            found[event["sample_id"]] = float(data["accuracy"])
    if not found:
        raise SystemExit(f"oaieval: {record.read_text()[-1500:]}{ran.stderr[-2500:]}")
    return {asked[sample]: score for sample, score in found.items()}


def by_evalmark(name, options, work):
    run = lambda *arguments: subprocess.run([options.evalmark, *arguments], capture_output=True, text=True, cwd=work,
                                            env=os.environ | {"OPENAI_API_KEY": "x"})
    imported = run("import", "openai-evals", str(HERE / f"evals/{name}.yaml"), "--out", ".", "--format", "json")
    if imported.returncode:
        raise SystemExit(f"evalmark: {imported.stderr}")
    told = json.loads(imported.stdout)
    suite = work / f"suites/{told['name']}.yaml"
    whole = yaml.safe_load(suite.read_text())
    whole["models"] = [{"name": "stand-in", "provider": "openai", "model": "stand-in", "base_url": "http://127.0.0.1:18769/v1"}]
    suite.write_text(json.dumps(whole))
    ran = run("run", str(suite), "--run-id", "r", "--no-cache")
    if ran.returncode:
        raise SystemExit(f"evalmark: {ran.stderr}")
    reports = work / f"reports/{told['name']}/r"
    samples = pyarrow.parquet.read_table(reports / "samples.parquet").to_pylist()
    questions = {sample["item_id"]: json.loads(sample["request"])["messages"][-1]["content"] for sample in samples}
    scores = pyarrow.parquet.read_table(reports / "scores.parquet").to_pylist()
    return {questions[row["item_id"]]: row["score"] for row in scores}, told["not_carried"] + [{"what": one} for one in told["differences"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--oaieval", default=shutil.which("oaieval"), help="the program of evals 3.0.1.post1")
    parser.add_argument("--evalmark", default=shutil.which("evalmark"), help="evalmark's program")
    options = parser.parse_args()
    Model.answers = json.loads((HERE / "answers.json").read_text())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18769), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    n_same = n_differ = 0
    for path in sorted((HERE / "evals").glob("*.yaml")):
        with tempfile.TemporaryDirectory() as work:
            theirs = by_oaieval(path.stem, options, pathlib.Path(work))
            ours, _ = by_evalmark(path.stem, options, pathlib.Path(work))
        differ = [key for key in set(theirs) | set(ours) if theirs.get(key) != ours.get(key)]
        n_same, n_differ = n_same + len(set(theirs) | set(ours)) - len(differ), n_differ + len(differ)
        print(f"{path.stem}: {len(theirs)} samples, {sum(theirs.values()):.0f} right, {len(differ)} differ")
        for key in sorted(differ):
            print(f"   differs {key!r}: {Model.answers.get(key)!r}: oaieval {theirs.get(key)}, evalmark {ours.get(key)}")
    print(f"{n_same} samples the same, {n_differ} differ")


main()
