"""Runs tasks of lm-evaluation-harness through it and through evalmark, and compares the score of every document.

The tasks are those of the installed package, as they are but for where their documents come from and for their names:
lm_eval/TASK.jsonl has a few documents in the shape of the task's dataset. Both tools ask the same stand-in for a model,
which must be sent the same messages, and answers a document as lm_eval/TASK.answers.json has it; `--record` makes
those. The tasks themselves stay in the package. See README.md.
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

HERE = pathlib.Path(__file__).parent / "lm_eval"
# A task, its file in the package, and the column that tells its documents apart in a prompt.
TASKS = {
    "gsm8k": ("gsm8k/gsm8k.yaml", "question"),
    "gsm8k_cot": ("gsm8k/gsm8k-cot.yaml", "question"),
    "gsm8k_cot_zeroshot": ("gsm8k/gsm8k-cot-zeroshot.yaml", "question"),
    "triviaqa": ("triviaqa/default.yaml", "question"),
    "nq_open": ("nq_open/nq_open.yaml", "question"),
    "babi": ("babi/babi.yaml", "question"),
    "anagrams1": ("unscramble/anagrams1.yaml", "context"),
    "bbh_zeroshot_boolean_expressions": ("bbh/zeroshot/boolean_expressions.yaml", "input"),
    "bbh_fewshot_boolean_expressions": ("bbh/fewshot/boolean_expressions.yaml", "input"),
    "bbh_cot_fewshot_boolean_expressions": ("bbh/cot_fewshot/boolean_expressions.yaml", "input"),
    "mgsm_direct_en": ("mgsm/direct/mgsm_direct_en.yaml", "question"),
    "mmlu_abstract_algebra_generative": ("mmlu/generative/mmlu_abstract_algebra.yaml", "question"),
    "arc_challenge_chat": ("arc/arc_challenge_chat.yaml", "question"),
    "logieval": ("logiqa2/logieval.yaml", "content"),
}


# Tasks of several kinds in words of our own, with the scores that lm-eval gave.
OWN = HERE.parent / "lm_eval_own"


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor("!function", lambda loader, node: f"!function {node.value}")


class Model(http.server.BaseHTTPRequestHandler):
    documents, key, answers, choices, seen = [], "", {}, [], []
    records = False

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        messages = [{"role": one["role"], "content": one["content"]} for one in body["messages"]]
        self.seen.append(messages)
        prompt = [one["content"] for one in messages if one["role"] == "user"][-1]
        # The document whose text stands last: examples stand before it.
        places = [(prompt.rfind(str(document[self.key]).strip()), at) for at, document in enumerate(self.documents)]
        at = str(max(places)[1])
        if at not in self.answers and self.records:
            self.answers[at] = self.choices[int(at)]
        answer = self.answers.get(at, "nothing")
        for stop in body.get("stop") or []:
            answer = answer.split(stop)[0]
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


def answer(targets, at):
    """An answer that some filters like and others do not."""
    target = str(targets[at % len(targets)])
    number = target.split("####")[-1].strip()
    wrong = ["7", "maybe", "B", "Paris", "True"][at % 5]
    forms = [target, f" {number}\t", f"So, step by step: the answer is {number}.", f"The answer is {number}. Good.", f"Thus #### {number}",
             f"{number}.", number.upper(), f"The {number}!", f"It is {wrong} or {number}", wrong, f"{number}\nQuestion: more", "", f"${number},"]
    return forms[int(hashlib.sha256(f"{targets} {at}".encode()).hexdigest(), 16) % len(forms)]


def with_documents(source, target, name, documents):
    """The task with what it includes as one file, its documents from a local file; all else as it is."""
    whole, path = {}, source
    while path:
        part = yaml.load(path.read_text(), Loader)
        whole = {**part, **whole}
        include = part.get("include")
        path = path.parent / include if include else None
    whole.pop("include", None)
    splits = {whole.get(key) for key in ("training_split", "validation_split", "test_split", "fewshot_split")} - {None}
    whole |= {"task": f"local_{name}", "dataset_path": "json", "dataset_kwargs": {"data_files": {split: str(documents) for split in splits}}}
    whole.pop("dataset_name", None)
    whole.pop("tag", None)
    target.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False))
    return whole


def by_lm_eval(name, options, work):
    out = work / "lm"
    command = [options.python, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--apply_chat_template", "--model_args",
               "base_url=http://127.0.0.1:18768/v1/chat/completions,model=stand-in,num_concurrent=1,tokenized_requests=False",
               "--include_path", str(work / "tasks"), "--tasks", f"local_{name}", "--log_samples", "--output_path", str(out)]
    # Examples that are drawn by chance are no part of what is compared.
    command += ["--num_fewshot", "0"] if options.no_examples else []
    # Not here, where this file has the name of the package.
    ran = subprocess.run(command, capture_output=True, text=True, cwd=work, env=os.environ | {"OPENAI_API_KEY": "x", "HF_HUB_OFFLINE": "1"})
    files = list(out.rglob("samples_*.jsonl"))
    if not files:
        raise SystemExit(f"lm-eval: {ran.stdout[-500:]}{ran.stderr[-2500:]}")
    found = {}
    for line in files[0].read_text().splitlines():
        row = json.loads(line)
        for metric in row["metrics"]:
            label = metric if row["filter"] == "none" else f"{metric} ({row['filter']})"
            found[(row["doc_id"], label)] = float(row[metric])
    return found


def by_evalmark(name, task, documents, options, work):
    run = lambda *arguments: subprocess.run([options.evalmark, *arguments], capture_output=True, text=True, cwd=work,
                                            env=os.environ | {"OPENAI_API_KEY": "x"})
    imported = run("import", "lm-eval", str(task), "--data", str(documents), "--out", ".", "--name", "s", "--format", "json")
    if imported.returncode:
        raise SystemExit(f"evalmark: {imported.stderr}")
    suite = work / "suites/s.yaml"
    whole = yaml.safe_load(suite.read_text())
    whole["models"][0] |= {"base_url": "http://127.0.0.1:18768/v1", "model": "stand-in"}
    suite.write_text(text := json.dumps(whole))
    ran = run("run", "suites/s.yaml", "--run-id", "r", "--no-cache")
    if ran.returncode:
        raise SystemExit(f"evalmark: {ran.stderr}\n{text}")
    samples = pyarrow.parquet.read_table(work / "reports/s/r/samples.parquet").to_pylist()
    order = {}
    for line, row in enumerate(json.loads(line) for line in (work / "datasets/s.jsonl").read_text().splitlines()):
        order[line] = row
    # Items without an id are known by their content, and stand in the order of the file.
    ids = list(dict.fromkeys(sample["item_id"] for sample in samples))
    found = {}
    for row in pyarrow.parquet.read_table(work / "reports/s/r/scores.parquet").to_pylist():
        if row["applies"]:
            found[(ids.index(row["item_id"]), row["metric"])] = row["score"]
    return found, json.loads(imported.stdout)["not_carried"]


def compare(name, options):
    path, Model.key = TASKS.get(name, (f"{name}.yaml", "question"))
    home = HERE if name in TASKS else OWN
    source = (options.tasks if name in TASKS else OWN) / path
    documents = home / f"{name}.jsonl"
    Model.documents = [json.loads(line) for line in documents.read_text().splitlines()]
    kept = home / f"{name}.answers.json"
    Model.answers = json.loads(kept.read_text()) if kept.exists() else {}
    Model.records = options.record
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "tasks").mkdir()
        task = work / "tasks" / f"{name}.yaml"
        whole = with_documents(source, task, name, documents)
        samples = (whole.get("fewshot_config") or {}).get("samples")
        options.no_examples = not isinstance(samples, list)
        targets = targets_of(Model.documents)
        Model.choices = [answer(targets[at], at) for at in range(len(targets))]
        Model.seen = []
        theirs = by_lm_eval(name, options, work)
        their_prompts, Model.seen = sorted(json.dumps(one) for one in Model.seen), []
        ours, lost = by_evalmark(name, task, documents, options, work)
        our_prompts = sorted(json.dumps(one) for one in Model.seen)
    differ = [f"prompt: lm-eval {a}\n      evalmark {b}" for a, b in zip(their_prompts, our_prompts) if a != b][:2]
    told = {re.sub(r"^the filter `(.*)`$", r"\1", one["what"]) for one in lost if one["what"].startswith("the filter")}
    same, left_out = 0, set()
    for key in sorted(set(theirs) | set(ours)):
        a, b = theirs.get(key), ours.get(key)
        of = re.search(r"\((.*)\)$", key[1])
        if a == b:
            same += 1
        elif b is None and of and of[1] in told:
            left_out.add(key[1])
        else:
            differ.append(f"{key}: lm-eval {a}, evalmark {b} for {Model.answers.get(str(key[0]))!r}")
    right = sum(value for value in theirs.values())
    print(f"{name}: {same} scores the same ({right:.0f} are 1), {len(differ)} differ, {len(left_out)} metrics not carried over {sorted(left_out) or ''}")
    for line in differ:
        print("   differs", line)
    if options.verbose:
        for one in lost:
            print("   told", one["place"].rsplit("/", 1)[-1], one["what"], "--", one["why"])
    if options.record and home == OWN:
        lines = ",\n ".join(json.dumps([at, label, value]) for (at, label), value in sorted(theirs.items()))
        (OWN / f"{name}.expected.json").write_text(f"[{lines}]\n")
    if options.record and home == HERE:
        kept.write_text(json.dumps(dict(sorted(Model.answers.items(), key=lambda one: int(one[0]))), indent=1, ensure_ascii=False) + "\n")
    return same, len(differ), len(left_out)


def targets_of(documents):
    """Right answers, wherever a dataset has them."""
    found = []
    for document in documents:
        value = next((document[key] for key in ("answer_number", "answerKey", "ideal", "target", "completion", "answer") if key in document), "x")
        value = value.get("aliases") if isinstance(value, dict) else value
        value = value if isinstance(value, list) else [value]
        found.append(["ABCD"[value[0]]] if "choices" in document and isinstance(value[0], int) else value)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="a Python with lm-eval 0.4.13")
    parser.add_argument("--tasks", type=pathlib.Path, help="the folder `lm_eval/tasks` of the package; without it, the tasks of our own")
    parser.add_argument("--evalmark", default=shutil.which("evalmark"), help="evalmark's program")
    parser.add_argument("--record", action="store_true", help="keep answers and what lm-eval decides")
    parser.add_argument("--verbose", action="store_true", help="show what evalmark tells")
    parser.add_argument("names", nargs="*", help="tasks; default: all")
    options = parser.parse_args()
    own = [path.stem for path in sorted(OWN.glob("[!_]*.yaml"))]
    names = options.names or (list(TASKS) if options.tasks else own)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18768), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sums = [sum(column) for column in zip(*(compare(name, options) for name in names))]
    print(f"{len(names)} tasks: {sums[0]} scores the same, {sums[1]} differ, {sums[2]} metrics not carried over")


main()
