"""Runs a folder of promptfoo's own example configurations through promptfoo and through evalmark, and compares every assertion.

    promptfoo_examples.py FOLDER [NAME...]      NAME: a part of the path of a configuration in FOLDER

The examples stay where they are; each runs in a copy. Their providers are replaced, for both tools alike, by three stand-ins:
the first answers with what a test asks for, the second with something near, the third with something else. A judge
decides by the answer that it is shown, which must be shown with the same rubric, and vectors count letters. See README.md.
"""

import argparse
import collections
import csv
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pyarrow.parquet
import yaml

from promptfoo import row_of

MODELS = ["right", "near", "other"]
TIMEOUT_S = 120
OTHER = ["I'm sorry, but I can't help with that.", "An owl sat in an oak.", '{"colour": "yellow", "countries": ["Ecuador", "India"]}', "42",
         "Here: {\"a\": 1} it is", "```json\n{\"city\": \"Paris\", \"n\": 2}\n```", "SELECT id FROM users WHERE id = 1;",
         "<note><to>Ann</to></note>", "Bonjour le monde, Hola mundo", "yes", "The capital of France is Paris."]


class Loader(yaml.SafeLoader):
    """YAML as JavaScript's reader has it: `yes` is a text."""


Loader.yaml_implicit_resolvers = {first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool"]
                                  for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def loaded(text):
    return yaml.load(text, Loader)


def digest(*texts):
    return int(hashlib.sha256("\0".join(texts).encode()).hexdigest(), 16)


def sample(schema, depth=0):
    """A value that a JSON Schema allows, as far as examples use schemas."""
    if not isinstance(schema, dict) or depth > 8:
        return "x"
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {name: sample(one, depth + 1) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items", {}), depth + 1)] * max(1, schema.get("minItems", 1))
    if kind in ("number", "integer"):
        return schema.get("minimum", schema.get("maximum", 1))
    return {"boolean": True, "null": None}.get(kind, "x" * max(1, schema.get("minLength", 1)) if kind == "string" else "x")


def wished(assertion, values):
    """The text that an assertion would like to see in an answer."""
    kind, value = str(assertion.get("type", "")), assertion.get("value")
    if kind == "assert-set":
        return [text for one in assertion.get("assert", []) if isinstance(one, dict) for text in wished(one, values)]
    if kind.startswith("not-") or isinstance(value, str) and value.startswith(("file://", "javascript:")):
        return []
    if kind in ("is-json", "contains-json"):
        return [json.dumps(sample(value))] if isinstance(value, dict) else ['{"a": 1}']
    if kind in ("equals", "contains", "icontains", "contains-any", "icontains-any", "contains-all", "icontains-all", "starts-with",
                "levenshtein", "bleu", "rouge-n", "similar", "factuality"):
        texts = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        fill = lambda text: re.sub(r"{{\s*([\w.]+)\s*}}", lambda found: str(values.get(found[1], found[0])), text)
        return [fill(text) for text in texts]
    return []


class Wishes:
    """What the tests of a configuration would like to see, by the variables that stand in a prompt."""

    def __init__(self, folder, config):
        self.tests = []
        default = config.get("defaultTest")
        default = default.get("assert", []) if isinstance(default, dict) else []
        for test in self.listed(folder, config.get("tests")):
            values = test.get("vars") if isinstance(test.get("vars"), dict) else {}
            asserts = [one for one in [*default, *(test.get("assert") or [])] if isinstance(one, dict)]
            texts = [text for one in asserts for text in wished(one, values)]
            parts = [str(value) for value in values.values() if isinstance(value, (str, int)) and not str(value).startswith("file:")]
            self.tests.append((parts, texts))

    def listed(self, folder, tests):
        for test in tests if isinstance(tests, list) else [tests]:
            if isinstance(test, dict):
                yield test
            elif isinstance(test, str):
                path = folder / test.removeprefix("file://")
                if path.suffix == ".csv" and path.exists():
                    for row in csv.DictReader(path.open()):
                        asserts = [self.short(value) for name, value in row.items() if name and name.startswith("__expected") and value]
                        yield {"vars": {name: value for name, value in row.items() if name and not name.startswith("__")}, "assert": asserts}
                elif path.suffix in (".yaml", ".yml", ".json") and path.exists():
                    yield from self.listed(folder, loaded(path.read_text()))

    def short(self, text):
        kind, colon, value = text.partition(":")
        known = colon and re.fullmatch(r"[a-z-]+(\([\d.]+\))?", kind)
        return {"type": kind.split("(")[0], "value": value.strip()} if known else {"type": "equals", "value": text}

    def answer(self, prompt, model):
        fitting = [texts for parts, texts in self.tests if parts and all(part in prompt for part in parts)]
        texts = next((texts for texts in fitting if texts), [])
        if model == "right" and texts:
            return texts[0] if len(texts) == 1 else " ".join(texts)
        if model == "near" and texts:
            return [f"Sure, {texts[0]}.", texts[-1].upper(), texts[0][:-1], f"{texts[0]}\n"][digest(prompt) % 4]
        return OTHER[digest(prompt, model) % len(OTHER)]


def judgement(asked):
    """The answer and the rubric that a judge is shown, however a tool asks."""
    forms = [r"<Output>\n(?P<answer>.*)\n</Output>\s*<Rubric>\n(?P<rubric>.*)\n</Rubric>",
             r"<expert_answer>\n(?P<rubric>.*?)\n</expert_answer>.*<submitted_answer>\n(?P<answer>.*?)\n</submitted_answer>",
             r"\[Submission\]: (?P<answer>.*)\n\*+\n\[Criterion\]: (?P<rubric>.*?)\n\*+",
             r"\*\*Evaluation Steps\*\*.*\n\*\*Reply\*\*\n(?P<answer>.*?)\n\n\*\*OUTPUT FORMAT(?P<rubric>)",
             r"\[Submi(?:ssion|tted Answer)\]:? ?(?P<answer>.*?)\n\s*(?:\*{3,}|\[END)(?P<rubric>)",
             r"BEGIN REFERENCE>>>\n(?P<rubric>.*?)\n<<<evalmark-fence.*BEGIN ANSWER>>>\n(?P<answer>.*?)\n<<<evalmark-fence",
             r"^Rubric:\n(?P<rubric>.*?)\n\nThe task that.*BEGIN ANSWER>>>\n(?P<answer>.*?)\n<<<evalmark-fence"]
    found = next((match for form in forms if (match := re.search(form, asked, re.S | re.M))), None)
    answer, rubric = (found["answer"], found["rubric"]) if found else ("", "")
    # Promptfoo shows a judge JSON in a form of its own.
    try:
        answer = json.dumps(json.loads(answer), ensure_ascii=False)
    except ValueError:
        pass
    return answer.strip(), rubric.strip()


class StandIn(http.server.BaseHTTPRequestHandler):
    wishes, unread, asked, rubrics = None, [], set(), set()

    def reply(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if self.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            vectors = [{"object": "embedding", "index": at, "embedding": vector(text)} for at, text in enumerate(texts)]
            return self.reply({"object": "list", "data": vectors, "model": "vectors", "usage": usage})
        asked = "\n".join(text_of(message.get("content")) for message in body["messages"])
        if body["model"] == "judge":
            text = self.judged(asked)
        else:
            self.asked.add((body["model"], asked))
            text = self.wishes.answer(asked, body["model"])
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        self.reply({"id": "x", "object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage})

    def judged(self, asked):
        answer, rubric = judgement(asked)
        if "evaluation steps" in asked.lower() and not answer:
            return json.dumps({"steps": ["Look at the answer"]})
        if not answer:
            self.unread.append(asked)
        rubric = rubric.removeprefix("The answer meets this criterion: ")
        if rubric:
            self.rubrics.add((answer, rubric))
        is_met = digest(answer) % 2 == 0
        if 'single character "Y" or "N"' in asked:
            return "Reasoning.\n" + ("Y" if is_met else "N")
        return json.dumps({"reason": "as told", "pass": is_met, "score": int(is_met) * (10 if "from 0 to 10" in asked else 1), "grade": int(is_met),
                           "category": "C" if is_met else "D", "verdict": "correct" if is_met else "incorrect"})

    def log_message(self, *_):
        pass


def text_of(content):
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content or ""


def vector(text):
    return [1.0] + [text.lower().count(letter) + 0.0 for letter in "abcdefghijklmnopqrstuvwxyz"]


def stand_in(name, address, kind="chat"):
    return {"id": f"openai:{kind}:{name}", "label": name, "config": {"apiBaseUrl": address, "apiKey": "{{ env.STAND_IN_API_KEY }}"}}


def without_providers(value):
    """What stands below tests, with no provider of its own."""
    if isinstance(value, dict):
        return {key: without_providers(one) for key, one in value.items() if key not in ("provider", "providers")}
    return [without_providers(one) for one in value] if isinstance(value, list) else value


def replaced(config, address):
    """The configuration with stand-ins in place of providers and graders."""
    config = {key: one if key in ("prompts", "assertionTemplates") else without_providers(one) for key, one in config.items()}
    for key in ("providers", "targets", "redteam", "outputPath", "sharing", "extensions", "tracing"):
        config.pop(key, None)
    config["providers"] = [stand_in(name, address) for name in MODELS]
    default = config.get("defaultTest")
    if default is None or isinstance(default, dict):
        options = {**((default or {}).get("options") or {})}
        options["provider"] = {"text": stand_in("judge", address), "embedding": stand_in("vectors", address, "embedding")}
        config["defaultTest"] = {**(default or {}), "options": options}
    return config


def by_promptfoo(program, path, work):
    out = work / "promptfoo.json"
    env = os.environ | {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "STAND_IN_API_KEY": "x", "OPENAI_API_KEY": "x",
                        "PROMPTFOO_CONFIG_DIR": str(work / "pf"), "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1"}
    command = [program, "eval", "-c", path.name, "-o", str(out), "--no-cache", "--no-table", "--no-progress-bar", "--no-write"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, cwd=path.parent, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
    if not out.exists():
        lines = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
        raise RuntimeError(f"promptfoo does not run it: {' '.join(lines[:2])[:160]}")
    found, tests, errors, kinds = {}, {}, {}, {}
    results = json.loads(out.read_text())["results"]["results"]
    if not results:
        raise RuntimeError("promptfoo has no results")
    # A column for each prompt of the first model, then of the next.
    n_prompts = (max(result["promptIdx"] for result in results) + 1) // len(MODELS)
    for result in results:
        tests[result["testIdx"]] = result["vars"]
        key = (result["testIdx"], result["promptIdx"] % n_prompts, MODELS[result["promptIdx"] // n_prompts])
        parts = (result.get("gradingResult") or {}).get("componentResults") or []
        if not parts and result.get("error"):
            errors[key] = str(result["error"])[:160]
        for part in parts:
            assertion = part.get("assertion") or {}
            if assertion.get("type"):
                name = assertion.get("metric") or assertion["type"]
                kinds[name] = assertion["type"]
                found.setdefault((*key, name), []).append((bool(part["pass"]), str(part.get("reason"))[:160]))
    return found, tests, errors, n_prompts, kinds


def by_evalmark(program, path, work, tests):
    out = work / "evalmark"
    run = lambda *arguments: subprocess.run([program, *arguments], capture_output=True, text=True, cwd=path.parent, timeout=TIMEOUT_S,
                                            env=os.environ | {"STAND_IN_API_KEY": "x", "OPENAI_API_KEY": "x"})
    imported = run("import", "promptfoo", path.name, "--out", str(out), "--name", "s", "--format", "json")
    if imported.returncode:
        raise RuntimeError(f"evalmark does not import it: {imported.stderr[:1500]}")
    ran = run("run", str(out / "suites/s.yaml"), "--out", str(out / "reports"), "--run-id", "r", "--no-cache", "--quiet")
    # 4: scores are missing, which are compared as such.
    if ran.returncode not in (0, 4):
        raise RuntimeError(f"evalmark does not run it: {ran.stderr[:1500]}")
    rows = [json.loads(line) for line in (out / "datasets/s.jsonl").read_text().split("\n") if line]
    suite = yaml.safe_load((out / "suites/s.yaml").read_text())
    taken = set()
    places = {row_of(tests[test], rows, taken, path.parent): test for test in sorted(tests)} if len(rows) >= len(tests) else {}
    ids = {str(row[suite["dataset"]["id"]]): places.get(at) for at, row in enumerate(rows)}
    found, texts, told = {}, {}, json.loads(imported.stdout)
    for row in pyarrow.parquet.read_table(out / "reports/s/r/samples.parquet").to_pylist():
        texts[(ids[row["item_id"]], row["prompt"], row["model"])] = row["output"] if row["outcome"] != "failed" else None
    for row in pyarrow.parquet.read_table(out / "reports/s/r/scores.parquet").to_pylist():
        if row["applies"] and not any(one["what"] == "assertions" for one in told["not_carried"]):
            name = re.sub(r"-\d+$", "", row["metric"])
            key = (ids[row["item_id"]], row["prompt"], row["model"], name)
            found.setdefault(key, []).append((row["passed"], row["reason"]))
    return found, texts, told, [prompt["name"] for prompt in suite["prompts"]]


def compare(path, options, address):
    """How many assertions are the same, those that differ, and those that were left out, by reason."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        shutil.copytree(path.parent, work / "example", symlinks=True)
        copy = work / "example" / path.name
        config = loaded(path.read_text())
        if not isinstance(config, dict):
            raise RuntimeError("it is no mapping")
        config = replaced(config, address)
        copy.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
        StandIn.asked.clear()
        StandIn.rubrics.clear()
        StandIn.wishes = Wishes(copy.parent, config)
        theirs, tests, errors, n_prompts, kinds = by_promptfoo(options.promptfoo, copy, work)
        their_prompts, their_rubrics = set(StandIn.asked), set(StandIn.rubrics)
        StandIn.asked.clear()
        StandIn.rubrics.clear()
        ours, texts, told, prompts = by_evalmark(options.evalmark, copy, work, tests)
    lost = collections.Counter()
    for one in told["not_carried"]:
        lost[re.sub(r"^the assertion `(.*)`$", r"\1", one["what"])] = one["why"]
    if any(what == "prompts" for what in lost):
        prompts = []
    is_lost = any(what.startswith(("the prompt ", "a prompt", "`prompts")) or what == "prompts" for what in lost)
    if n_prompts != len(prompts) and not is_lost:
        raise RuntimeError(f"{n_prompts} prompts there, {len(prompts)} here: {prompts}")
    same, differ, left_out = 0, [], collections.Counter()
    named = dict(enumerate(prompts)) if n_prompts == len(prompts) else {}
    theirs = {(test, named.get(prompt), model, name): passed for (test, prompt, model, name), passed in theirs.items()}
    failed = {(test, named.get(prompt), model): why for (test, prompt, model), why in errors.items()}
    for key in sorted(set(theirs) | set(ours), key=str):
        a, b = theirs.get(key, []), ours.get(key, [])
        rest = [passed for passed, _ in a]
        matched = [passed for passed, _ in b if passed in rest and (rest.remove(passed) or True)]
        same += len(matched)
        if key[1] is None or key[1] not in prompts:
            left_out["the prompt is not carried over"] += len(rest) if a else 0
        elif key[0] is None or key[:3] in failed and not a:
            left_out[f"promptfoo: {failed.get(key[:3], 'no such test')[:80]}"] += len(b)
        elif len(matched) == len(b) and rest:
            reason = next((f"`{what}`: {why}" for what, why in lost.items() if what in (key[3], kinds.get(key[3]))), None)
            if reason:
                left_out[reason] += len(rest)
            else:
                left_out[f"`{key[3]}` in promptfoo alone"] += len(rest)
        elif len(matched) < len(b) or rest:
            differ.append(f"{key}: promptfoo {a}, evalmark {b}, answer {str(texts.get(key[:3]))[:160]!r}")
    alone = sorted(their_prompts ^ StandIn.asked)
    if prompts and n_prompts == len(prompts) and alone:
        differ.append(f"{len(alone)} requests are one tool's alone: {alone[:1]} {[one for one in alone if one[0] == alone[0][0]][1:2]}")
    # Promptfoo asks of several criteria of `g-eval` one by one.
    alone = sorted(their_rubrics ^ StandIn.rubrics) if "g-eval" not in path.read_text() else []
    if prompts and n_prompts == len(prompts) and not any("rubric" in what for what in lost) and not errors and alone:
        differ.append(f"{len(alone)} rubrics are one tool's alone: {alone[:2]}")
    return same, differ, left_out, told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--promptfoo", default=shutil.which("promptfoo"), help="promptfoo's program")
    parser.add_argument("--evalmark", default="evalmark", help="evalmark's program")
    parser.add_argument("--json", type=pathlib.Path, help="also write the table here")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/v1"
    folder = options.folder.resolve()
    paths = [path for path in sorted(folder.rglob("*promptfooconfig*.y*ml")) if "node_modules" not in path.parts]
    paths = [path for path in paths if not options.names or any(name in str(path.relative_to(folder)) for name in options.names)]
    table, sums = [], collections.Counter()
    print(f"{'same':>6} {'differ':>6} {'left out':>8}  configuration")
    for path in paths:
        name = str(path.relative_to(folder))
        StandIn.unread.clear()
        try:
            same, differ, left_out, told = compare(path, options, address)
        except (RuntimeError, subprocess.TimeoutExpired, yaml.YAMLError, OSError, ValueError) as error:
            print(f"{'-':>6} {'-':>6} {'-':>8}  {name}: {str(error)[:1500]}", flush=True)
            table.append({"name": name, "error": str(error)[:300]})
            continue
        print(f"{same:6} {len(differ):6} {sum(left_out.values()):8}  {name}", flush=True)
        for line in differ:
            print(f"          differs {line}")
        for reason, n in left_out.most_common():
            print(f"          left out {n}: {reason}")
        if StandIn.unread:
            print(f"          {len(StandIn.unread)} requests of judges were not understood: {StandIn.unread[0][-600:]!r}")
        table.append({"name": name, "same": same, "differ": differ, "left_out": left_out})
        sums.update(configurations=1, same=same, differ=len(differ), left_out=sum(left_out.values()), compared=int(same > 0))
    print(f"{sums['configurations']} configurations ran in both tools, {sums['compared']} with assertions to compare: {sums['same']} the "
          f"same, {sums['differ']} differ, {sums['left_out']} not compared; {len(table) - sums['configurations']} did not run")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")


main()
