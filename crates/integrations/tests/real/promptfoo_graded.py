"""Runs promptfoo_graded/ through promptfoo and through evalmark: assertions that a model grades, and the providers' requests.

A stand-in plays the models, the endpoint and the judge. The judge says that a text meets `It mentions WORD` where the word
stands in it, in the form that each tool asks for; so what is compared is who is asked about what, and what passes. What
`http` providers send must arrive alike. See README.md.
"""

import argparse
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

import pyarrow.parquet
import yaml

HERE = pathlib.Path(__file__).parent / "promptfoo_graded"
ANSWERS = {"owls": "Owls hunt at night, with sharp beaks.", "trains": "Trains run on rails; their wheels are steel."}


class StandIn(http.server.BaseHTTPRequestHandler):
    seen = []

    def reply(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qsl(url.query)
        self.seen.append(("GET", url.path, sorted(query), None, None))
        self.reply({"reply": {"text": answer_to(dict(query)["q"])}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/ask":
            self.seen.append(("POST", "/ask", [], body, {name: self.headers[name] for name in ("content-type", "x-team")}))
            return self.reply({"reply": {"text": answer_to(body["question"])}})
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if self.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            vectors = [{"object": "embedding", "index": at, "embedding": vector(text)} for at, text in enumerate(texts)]
            return self.reply({"object": "list", "data": vectors, "model": "vectors", "usage": usage})
        if self.path.endswith("/responses"):
            text = answer_to(json.dumps(body["input"]))
            item = {"type": "message", "id": "m", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": text, "annotations": []}]}
            return self.reply({"id": "r", "object": "response", "status": "completed", "model": "stand-in", "output": [item],
                               "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})
        if self.path.endswith("/messages"):
            text = answer_to(json.dumps(body["messages"]))
            return self.reply({"id": "m", "type": "message", "role": "assistant", "model": "stand-in", "stop_reason": "end_turn",
                               "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}})
        text = judgement(body) if body["model"] == "judge" else answer_to(body["messages"][-1]["content"])
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        self.reply({"id": "x", "object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage})

    def log_message(self, *_):
        pass


def answer_to(prompt):
    return next(text for topic, text in ANSWERS.items() if topic in prompt)


def vector(text):
    return [text.lower().count(letter) + 0.0 for letter in "abcdefghijklmnopqrstuvwxyz"]


def judgement(body):
    """Whether the answer that a judge is shown meets what it should mention."""
    asked = "\n".join(message["content"] for message in body["messages"])
    word = re.findall(r"It mentions ([A-Z]+)", asked)[-1].lower()
    shown = [text for text in ANSWERS.values() if text in asked]
    is_met = bool(shown) and word in shown[0].lower()
    if 'single character "Y" or "N"' in asked:
        return "Reasoning.\n" + ("Y" if is_met else "N")
    if "evaluation steps" in asked.lower() and not shown:
        return json.dumps({"steps": [f"Check that it mentions {word.upper()}"]})
    score = 10 if "0-10" in asked or "0 to 10" in asked or "max score" in asked.lower() else 1
    return json.dumps({"reason": "as told", "pass": is_met, "score": score if is_met else 0, "category": "C" if is_met else "D",
                       "grade": 1 if is_met else 0, "verdict": "correct" if is_met else "incorrect"})


def by_promptfoo(options, work):
    out = work / "out.json"
    env = os.environ | {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "STAND_IN_API_KEY": "x",
                        "PROMPTFOO_CONFIG_DIR": str(work / "pf"), "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1", "OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x"}
    ran = subprocess.run([options.promptfoo, "eval", "-c", str(HERE / "promptfooconfig.yaml"), "-o", str(out), "--no-cache", "--no-table",
                          "--no-progress-bar", "--no-write"], env=env, capture_output=True, text=True, cwd=HERE)
    if not out.exists():
        raise SystemExit(f"promptfoo: {ran.stdout[-1500:]}{ran.stderr[-1500:]}")
    found = {}
    for result in json.loads(out.read_text())["results"]["results"]:
        key = (result["provider"].get("label") or result["provider"]["id"], result["vars"]["topic"])
        grading = result.get("gradingResult") or {}
        if not grading.get("componentResults"):
            found[(*key, "error")] = [result.get("error")]
        for part in grading.get("componentResults") or []:
            assertion = part.get("assertion") or {}
            found.setdefault((*key, assertion.get("metric") or assertion["type"]), []).append(bool(part["pass"]))
    return found


def by_evalmark(options, work):
    run = lambda *arguments: subprocess.run([options.evalmark, *arguments], capture_output=True, text=True, cwd=work,
                                            env=os.environ | {"STAND_IN_API_KEY": "x", "ANTHROPIC_API_KEY": "x"})
    imported = run("import", "promptfoo", str(HERE / "promptfooconfig.yaml"), "--out", ".", "--name", "s", "--format", "json")
    if imported.returncode:
        raise SystemExit(f"evalmark: {imported.stderr}")
    ran = run("run", "suites/s.yaml", "--run-id", "r", "--no-cache")
    if ran.returncode:
        raise SystemExit(f"evalmark: {ran.stdout}{ran.stderr}\n{(work / 'suites/s.yaml').read_text()}")
    suite = yaml.safe_load((work / "suites/s.yaml").read_text())
    rows = [json.loads(line) for line in (work / "datasets/s.jsonl").read_text().splitlines()]
    topics = {row[suite["dataset"]["id"]]: row["topic"] for row in rows}
    found = {}
    for row in pyarrow.parquet.read_table(work / "reports/s/r/scores.parquet").to_pylist():
        if row["applies"]:
            name = re.sub(r"-\d+$", "", row["metric"])
            found.setdefault((row["model"], topics[row["item_id"]], name), []).append(row["passed"])
    return found, json.loads(imported.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--promptfoo", default=shutil.which("promptfoo"), help="promptfoo's program")
    parser.add_argument("--evalmark", default=shutil.which("evalmark"), help="evalmark's program")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18770), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as work:
        (pathlib.Path(work) / "a").mkdir()
        theirs = by_promptfoo(options, pathlib.Path(work) / "a")
        their_requests, StandIn.seen[:] = list(StandIn.seen), []
    with tempfile.TemporaryDirectory() as work:
        ours, told = by_evalmark(options, pathlib.Path(work))
    requests = [sorted(map(repr, seen)) for seen in (their_requests, StandIn.seen)]
    differ = [key for key in sorted(set(theirs) | set(ours)) if sorted(theirs.get(key, []), key=str) != sorted(ours.get(key, []), key=str)]
    n = sum(len(passes) for passes in theirs.values())
    print(f"{n} assertions, {len(differ)} names differ; {len(requests[0])} requests of `http` providers, {'alike' if requests[0] == requests[1] else 'different'}")
    for key in differ:
        print(f"   differs {key}: promptfoo {theirs.get(key)}, evalmark {ours.get(key)}")
    if requests[0] != requests[1]:
        for a, b in zip(*requests):
            print("   promptfoo", a, "\n   evalmark ", b)
    for one in told["not_carried"]:
        print("   not carried over", one["what"], one["why"])


main()
