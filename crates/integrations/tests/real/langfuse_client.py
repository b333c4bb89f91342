"""Makes the answers of a Langfuse server for the contract tests, and has Langfuse's own client read every one of them.

    python -m venv target/langfuse && target/langfuse/bin/pip install langfuse==5.0.4 scipy
    target/langfuse/bin/python crates/integrations/tests/real/langfuse_client.py
    python -m venv target/langfuse3 && target/langfuse3/bin/pip install 'langfuse<4'
    target/langfuse3/bin/python crates/integrations/tests/real/langfuse_client.py

Langfuse's server is not here. Its client is generated of the same definition as its API, and checks every field of what
it is sent: what it reads is what the server says. The first call makes `datasets/results/langfuse` and reads version 4's
routes, the second reads those of version 3. The exports are made as Langfuse's source writes them.
"""

import base64, gzip, http.server, importlib.metadata, json, pathlib, random, threading, urllib.parse

FOLDER = pathlib.Path(__file__).resolve().parents[4] / "datasets" / "results" / "langfuse"
QUESTIONS, PAGE = 30, 12
PROJECT, PUBLIC, SECRET = "project-1", "pk-lf-test", "sk-lf-test"


def moment(seconds):
    return f"2026-11-20T{10 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000Z"


def key(path, query):
    """What tells one answer from another."""
    named = [query.get(name, "") for name in ("page", "cursor", "experimentName", "experimentId", "datasetId")]
    return "|".join([path, *named])


def item(i):
    return {
        "id": f"item-{i:02}", "status": "ARCHIVED" if i in (3, 11) else "ACTIVE",
        "input": {"question": f"What is {i} plus {i * 3 % 7}?"}, "expectedOutput": str(i + i * 3 % 7),
        "metadata": {"level": i % 3} if i % 2 else None, "sourceTraceId": None, "sourceObservationId": None,
        "datasetId": "dataset-1", "datasetName": "sums/daily", "createdAt": moment(i), "updatedAt": moment(i),
        "mediaReferences": [],
    }


def scores(trace, right, seconds, version):
    """Scores of one answer in the form of version 3 (`v1` of its scores) or 4 (`v3` of them)."""
    base = {"source": "API", "timestamp": moment(seconds), "environment": "default", "createdAt": moment(seconds),
            "updatedAt": moment(seconds), "comment": None, "configId": None, "metadata": {}}
    base |= {"authorUserId": None, "queueId": None}
    base |= {"projectId": PROJECT} if version == 4 else {"traceId": trace, "observationId": None}
    made = [
        ("right", "BOOLEAN", right, {"source": "EVAL", "comment": "by the sum"}),
        ("closeness", "NUMERIC", 1.0 if right else 0.5, {}),
        ("helpful", "NUMERIC", 4, {"source": "ANNOTATION"}),
        ("helpful", "NUMERIC", 2, {"source": "ANNOTATION", "comment": "short"}),
        ("verdict", "CATEGORICAL", "pass" if right else "fail", {}),
        ("tone", "CATEGORICAL", "friendly", {}),
        ("remark", "TEXT", "could be shorter", {}),
    ]
    for number, (name, kind, value, more) in enumerate(made):
        score = {**base, "id": f"score-{trace}-{number}", "name": name, "dataType": kind, **more}
        if version == 4:
            yield {**score, "value": value}
        elif kind == "BOOLEAN":
            yield {**score, "value": int(value), "stringValue": str(value)}
        elif kind == "NUMERIC":
            yield {**score, "value": value}
        elif kind == "CATEGORICAL":
            yield {**score, "value": 0, "stringValue": value}
        else:
            yield {**score, "stringValue": value}


def evaluation(name, wrong):
    """The answers of one run: item, trace, output, and whether it is right; None where the task failed."""
    draw = random.Random(wrong)
    for place, i in enumerate(i for i in range(QUESTIONS) if i not in (3, 11)):
        right = None if i == 5 else draw.random() >= wrong
        output = None if right is None else str(i + i * 3 % 7 + (0 if right else 1))
        yield item(i), f"trace-{name}-{i:02}", output, right, 600 + 7 * place


def experiment_items(name, wrong):
    for asked, trace, output, right, at in evaluation(name, wrong):
        yield {
            "id": f"observation-{trace}", "traceId": trace, "startTime": moment(at), "endTime": moment(at + 2),
            "level": "ERROR" if right is None else "DEFAULT", "environment": "default", "experimentId": f"experiment-{name}",
            "experimentName": name, "experimentItemId": asked["id"], "experimentDatasetId": "dataset-1",
            "experimentItemVersion": moment(0), "input": asked["input"], "output": output,
            "expectedOutput": asked["expectedOutput"], "scores": [] if right is None else list(scores(trace, right, at, 4)),
        }


def observation(trace, number, parent, at, **more):
    blank = {name: None for name in (
        "completionStartTime", "model", "modelParameters", "input", "version", "metadata", "output", "statusMessage",
        "promptId", "promptName", "promptVersion", "modelId", "inputPrice", "outputPrice", "totalPrice",
        "calculatedInputCost", "calculatedOutputCost", "calculatedTotalCost", "latency", "timeToFirstToken")}
    return {
        **blank, "id": f"{trace}-{number}", "traceId": trace, "type": "SPAN", "name": "step", "startTime": moment(at),
        "endTime": moment(at + 1), "level": "DEFAULT", "parentObservationId": parent, "environment": "default",
        "usage": {"input": 0, "output": 0, "total": 0, "unit": None}, "usageDetails": {"input": 20, "output": 3, "total": 23},
        "costDetails": {}, **more,
    }


def trace_body(asked, trace, output, right, at):
    outer = {"level": "ERROR", "statusMessage": "the model is down"} if right is None else {}
    # A step that failed and was tried again.
    retried = {"level": "ERROR", "statusMessage": "try again"} if asked["id"] == "item-07" else {}
    return {
        "id": trace, "timestamp": moment(at), "name": "task", "input": asked["input"], "output": output, "sessionId": None,
        "release": None, "version": None, "userId": None, "metadata": {}, "tags": [], "public": False,
        "environment": "default", "htmlPath": f"/project/{PROJECT}/traces/{trace}", "latency": 2.0, "totalCost": 0.0001,
        "observations": [observation(trace, 0, None, at, **outer), observation(trace, 1, f"{trace}-0", at, **retried)],
        "scores": [] if right is None else list(scores(trace, right, at, 3)),
    }


RUNS = {"before": 0.05, "after/monday": 0.5}


def dataset_body():
    return {"id": "dataset-1", "name": "sums/daily", "description": None, "metadata": None, "inputSchema": None,
            "expectedOutputSchema": None, "projectId": PROJECT, "createdAt": moment(0), "updatedAt": moment(0)}


def answers():
    """Every answer of the server, by `key`, of each version."""
    four, three = {}, {}
    common = {key("/api/public/v2/datasets/sums%2Fdaily", {}): dataset_body()}
    items = [item(i) for i in reversed(range(QUESTIONS))]
    pages = [items[start : start + PAGE] for start in range(0, len(items), PAGE)]
    for number, page in enumerate(pages, 1):
        meta = {"page": number, "limit": PAGE, "totalItems": len(items), "totalPages": len(pages)}
        common[key("/api/public/dataset-items", {"page": str(number)})] = {"data": page, "meta": meta}
    for name, wrong in RUNS.items():
        made = list(experiment_items(name, wrong))[::-1]
        for query in ({"experimentName": name}, {"experimentName": name, "datasetId": "dataset-1"}):
            for start in range(0, len(made), PAGE):
                more = start + PAGE < len(made)
                asked = {**query, "cursor": f"c{start}" if start else ""}
                meta = {"cursor": f"c{start + PAGE}"} if more else {}
                four[key("/api/public/experiment-items", asked)] = {"data": made[start : start + PAGE], "meta": meta}
        run_items = []
        for asked, trace, output, right, at in evaluation(name, wrong):
            three[key(f"/api/public/traces/{part(trace)}", {})] = trace_body(asked, trace, output, right, at)
            run_items.append({"id": f"run-{trace}", "datasetRunId": f"run-{name}", "datasetRunName": name, "datasetItemId": asked["id"],
                              "traceId": trace, "observationId": None, "createdAt": moment(at), "updatedAt": moment(at)})
        path = f"/api/public/datasets/sums%2Fdaily/runs/{part(name)}"
        three[key(path, {})] = {"id": f"run-{name}", "name": name, "description": None, "metadata": None, "datasetId": "dataset-1",
                                "datasetName": "sums/daily", "createdAt": moment(0), "updatedAt": moment(0), "datasetRunItems": run_items}
    for name in ("experimentName", "experimentId"):
        four[key("/api/public/experiment-items", {name: "no such run"})] = {"data": [], "meta": {}}
    return {**common, **four}, {**common, **three}


def expected(name, wrong, asked_as):
    rows = []
    for asked, _, _, right, _ in evaluation(name, wrong):
        values = {} if right is None else {"right": int(right), "closeness": 1.0 if right else 0.5, "helpful": 3.0, "verdict": int(right)}
        rows.append({"item": asked_as(asked), "epoch": 0, "failed": right is None, "scores": values})
    return rows


def exported(name, wrong):
    """A table of traces with its scores in columns, as the export of that table has them."""
    for asked, trace, output, right, at in evaluation(name, wrong):
        none = right is None
        yield {
            "id": trace, "timestamp": moment(at), "name": "task", "userId": None, "sessionId": None, "release": None, "version": None,
            "environment": "default", "tags": [], "bookmarked": False, "public": False, "input": json.dumps(asked["input"]),
            "output": output, "metadata": {}, "right": None if none else [str(right)], "closeness": None if none else [1 if right else 0.5],
            "helpful": None if none else [3], "verdict": None if none else ["pass" if right else "fail"],
            "tone": None if none else ["friendly"], "comments": [],
        }


def verdict(before, after):
    from scipy import stats

    found = {}
    for metric in ("right", "closeness"):
        sides = [{row["item"]: row["scores"][metric] for row in side if not row["failed"]} for side in (before, after)]
        both = [(sides[0][name], sides[1][name]) for name in sides[0] if name in sides[1]]
        found[metric] = {"paired": len(both), "estimate": sum(b - a for a, b in both) / len(both)}
        if metric == "right":
            lost, gained = sum(a > b for a, b in both), sum(a < b for a, b in both)
            midp = stats.binom.sf(lost, lost + gained, 0.5) + stats.binom.pmf(lost, lost + gained, 0.5) / 2
            found[metric] |= {"lost": lost, "gained": gained, "midp": float(midp)}
        else:
            found[metric]["t_p"] = float(stats.ttest_rel(*zip(*both), alternative="greater").pvalue)
    return found


def write(name, text):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(FOLDER / name, "wb", 9, mtime=0) as packed:
        packed.write(text.encode())


def make():
    four, three = answers()
    write("server.json.gz", json.dumps({"four": four, "three": three, "expected": {
        name: expected(name, wrong, lambda asked: asked["id"]) for name, wrong in RUNS.items()
    }}, separators=(",", ":")))
    sides = {}
    for side, (name, wrong) in zip(("before", "after"), RUNS.items()):
        write(f"{side}.jsonl.gz", "".join(json.dumps(row) + "\n" for row in exported(name, wrong)))
        sides[side] = expected(name, wrong, lambda asked: json.dumps(asked["input"], separators=(",", ":")))
    told = {"tool": "langfuse", "version": "4", "read_by": __file__.rsplit("/", 1)[-1], **sides, "verdict": verdict(**sides)}
    write("expected.json.gz", json.dumps(told))


class Langfuse(http.server.BaseHTTPRequestHandler):
    bodies, read = {}, set()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        known = "Basic " + base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
        named = key(path, dict(urllib.parse.parse_qsl(query)))
        body = self.bodies.get(named) if self.headers["authorization"] == known else None
        self.read.add(named)
        self.send_response(404 if body is None else 200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body or {"message": "Not found"}).encode())

    def log_message(self, *_):
        pass


def client(bodies):
    import langfuse.api.client as generated

    client_class = getattr(generated, "LangfuseAPI", None) or generated.FernLangfuse

    Langfuse.bodies = bodies
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Langfuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return client_class(base_url=f"http://127.0.0.1:{server.server_port}", username=PUBLIC, password=SECRET)


def part(name):
    """A name as a part of a path: the generated client leaves that to whoever calls."""
    return urllib.parse.quote(name, safe="")


def read_items(api):
    pages = [api.dataset_items.list(dataset_name="sums/daily", page=number, limit=50) for number in (1, 2, 3)]
    assert sum(len(page.data) for page in pages) == QUESTIONS and api.datasets.get(part("sums/daily")).id == "dataset-1"


def read_four(bodies):
    import datetime

    api, ever = client(bodies), datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    read_items(api)
    for name in RUNS:
        for dataset in (None, "dataset-1"):
            items, cursor = [], None
            while True:
                page = api.experiments.list_items(from_start_time=ever, experiment_name=name, dataset_id=dataset, cursor=cursor,
                                                  fields="core,dataset,io,scores")
                items, cursor = items + page.data, page.meta.cursor
                if cursor is None:
                    break
            assert len(items) == QUESTIONS - 2 and sum(len(one.scores) for one in items) == 7 * (QUESTIONS - 3)
    for name in ("experiment_name", "experiment_id"):
        assert api.experiments.list_items(from_start_time=ever, **{name: "no such run"}).data == []


def read_three(bodies):
    api = client(bodies)
    read_items(api)
    for name in RUNS:
        run = api.datasets.get_run(part("sums/daily"), part(name))
        for one in run.dataset_run_items:
            assert api.trace.get(part(one.trace_id)).id == one.trace_id


def main():
    version = importlib.metadata.version("langfuse")
    if int(version.split(".")[0]) >= 4:
        make()
    kept = json.loads(gzip.open(FOLDER / "server.json.gz").read())
    name, read = ("four", read_four) if int(version.split(".")[0]) >= 4 else ("three", read_three)
    read(kept[name])
    unread = set(kept[name]) - Langfuse.read
    assert not unread, unread
    print(f"langfuse {version} reads all {len(kept[name])} answers of version {name}")


if __name__ == "__main__":
    main()
