"""Holds what evalmark reads of MLflow's tracking server against MLflow's own client, score by score.

    python -m venv target/mlflow && target/mlflow/bin/pip install mlflow==3.17.2
    cargo build && target/mlflow/bin/python crates/integrations/tests/real/mlflow_server.py

It starts the real server on this machine, writes an evaluation dataset and three evaluations with MLflow's client
(answers that fail, scorers that fail, repetitions, feedback by a person), and takes minutes. With `--record DIR` it
keeps what the server answered, for the test that plays it back.
"""

import argparse, gzip, json, math, os, pathlib, signal, socket, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[4]
QUESTIONS = 40


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder, port):
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--default-artifact-root", f"{folder}/artifacts"]
    log = open(folder / "server.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").read()
            return server
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server does not start:\n" + (folder / "server.log").read_text())


def write():
    """Three evaluations; answers with their runs."""
    import mlflow
    from mlflow.entities import AssessmentSource, Feedback
    from mlflow.genai.datasets import create_dataset
    from mlflow.genai.scorers import scorer

    experiment = mlflow.set_experiment("sums").experiment_id
    records = [
        {
            "inputs": {"question": f"What is {i} plus {i * 3 % 7}?", "meta": {"level": i % 3}},
            "expectations": {"expected_response": str(i + i * 3 % 7), "kind": "sum"},
            "tags": {"topic": "sums"},
        }
        for i in range(QUESTIONS)
    ]
    dataset = create_dataset(name="sums", experiment_id=[experiment])
    dataset.merge_records(records)

    def model(wrong):
        @mlflow.trace
        def predict(question, meta):
            a, b = (int(word) for word in question[:-1].split() if word.isdigit())
            if a == 5:
                raise RuntimeError("the model is down")
            return str(a + b + (a % wrong == 0))

        return predict

    @scorer
    def right(outputs, expectations):
        return outputs == expectations["expected_response"]

    @scorer
    def closeness(outputs, expectations):
        far = abs(int(outputs) - int(expectations["expected_response"]))
        return Feedback(value=1 / (1 + far), rationale=f"{far} away")

    @scorer
    def verdict(outputs, expectations):
        return "yes" if outputs == expectations["expected_response"] else "no"

    @scorer
    def fragile(inputs):
        if inputs["question"].startswith("What is 7 "):
            raise ValueError("cannot be scored")
        return 0.5

    scorers = [right, closeness, verdict, fragile]
    runs = {}
    for name, wrong, data in [
        ("before", 11, dataset),
        ("after", 2, dataset),
        ("repeat", 4, [record for record in records[:6] for _ in range(3)]),
    ]:
        with mlflow.start_run(run_name=name) as run:
            mlflow.genai.evaluate(data=data, predict_fn=model(wrong), scorers=scorers)
        runs[name] = run.info.run_id
    person = AssessmentSource(source_type="HUMAN", source_id="somebody")
    for trace in mlflow.search_traces(run_id=runs["after"], return_type="list")[:3]:
        for value in (2, 4):
            mlflow.log_feedback(trace_id=trace.info.trace_id, name="helpful", value=value, source=person)
    return dataset, runs


def told(run_id):
    """Each answer of a run by MLflow's own client: question, whether it failed, and scores."""
    import mlflow

    rows = []
    for trace in mlflow.search_traces(run_id=run_id, return_type="list"):
        failed = trace.info.state == "ERROR"
        scores = {}
        for one in sorted(trace.info.assessments, key=lambda one: one.create_time_ms):
            if one.feedback is None or failed:
                continue
            value = {"yes": 1, "no": 0}.get(one.feedback.value, one.feedback.value)
            scores[one.name] = None if one.feedback.error else float(value)
        rows.append((trace.data.spans[0].inputs["question"], failed, scores))
    return rows


def found(folder):
    """The same out of a run of evalmark."""
    import pyarrow.parquet

    rows = []
    for row in pyarrow.parquet.read_table(folder / "samples.parquet").to_pylist():
        scores = {name[6:]: value for name, value in row.items() if name.startswith("score.")}
        rows.append((json.loads(row["input"])["question"], row["outcome"] == "failed", scores))
    return rows


def plain(rows):
    """Rows that can be compared: an absent score is a missing one."""
    def known(scores):
        return sorted((name, round(value, 12)) for name, value in scores.items() if value is not None)

    return sorted((question, failed, known({} if failed else scores)) for question, failed, scores in rows)


class Program:
    def __init__(self, path, folder, server):
        self.path, self.folder = path, folder
        self.environment = {**os.environ, "MLFLOW_TRACKING_URI": server, "EVALMARK_CACHE_DIR": str(folder / "cache")}

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def verdict(self, *arguments):
        code, out, err = self.run("gate", *arguments, "--format", "json")
        return code, {one["metric"]: one for one in json.loads(out)["comparisons"]} if out else err


def compare(program, runs):
    for name, run_id in runs.items():
        code, _, err = program.run("import", "results", "--from", "mlflow", run_id, "--suite", "sums", "--run-id", name)
        assert code == 0, err
        ours, theirs = found(program.folder / "reports" / "sums" / name), told(run_id)
        assert plain(ours) == plain(theirs), (name, set(map(str, plain(ours))) ^ set(map(str, plain(theirs))))
        print(f"{name}: {len(ours)} answers, {sum(failed for _, failed, _ in ours)} of them failed, all scores equal")
    metrics = ["right", "closeness", "verdict"]
    for side in ("before", "after"):
        lines = ["input," + ",".join(f"score.{metric}" for metric in metrics)]
        for question, failed, scores in told(runs[side]):
            cells = ["" if failed else str(scores[metric]) for metric in metrics]
            lines.append(",".join([question, *cells]))
        (program.folder / f"{side}.csv").write_text("\n".join(lines) + "\n")
    gated = [part for metric in metrics for part in ("--metric", metric)]
    theirs = program.verdict("--from", "csv", "before.csv", "after.csv", *gated)
    ours = program.verdict("--from", "mlflow", runs["before"], runs["after"], *gated)
    assert ours[0] == theirs[0] == 1, (ours, theirs)
    for metric in metrics:
        for figure in ("answer", "estimate", "p_regressed", "lower", "upper", "only_baseline", "only_candidate"):
            a, b = ours[1][metric].get(figure), theirs[1][metric].get(figure)
            same = math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) else a == b
            assert same, (metric, figure, a, b)
        print(f"gate: {metric} {ours[1][metric]['answer']}, as the same scores in a table give")


def check_source(program, dataset, server):
    suite = {
        "name": "sums",
        "dataset": {"source": {"mlflow": {"url": server, "dataset": "sums"}}, "id": "record_id", "target": "expectations.expected_response"},
        "prompts": [{"name": "p", "template": "{{ inputs.question }} {{ inputs.meta.level }}"}],
        "models": [{"name": "m", "provider": "recorded", "recorded": {"column": "record_id"}}],
        "metrics": [{"name": "exact", "exact": {}}],
    }
    path = program.folder / "suite.yaml"
    path.write_text(json.dumps(suite))
    code, _, err = program.run("check", "--fetch", str(path))
    assert code == 2 and "blake3: " in err, err
    suite["dataset"]["source"]["mlflow"]["blake3"] = err.split("blake3: ")[1][:64]
    path.write_text(json.dumps(suite))
    code, out, err = program.run("run", str(path), "--run-id", "rows", "--out", "source")
    assert code in (0, 1), (out, err)
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(program.folder / "source" / "sums" / "rows" / "samples.parquet").to_pylist()
    theirs = {row["dataset_record_id"]: row for _, row in dataset.to_df().iterrows()}
    assert len(rows) == len(theirs) == QUESTIONS, len(rows)
    for row in rows:
        record, ours = theirs[row["item_id"]], json.loads(row["input"])
        assert ours["inputs"] == record["inputs"] and ours["expectations"] == record["expectations"], (ours, record)
        assert row["targets"] == [record["expectations"]["expected_response"]], row["targets"]
    print(f"source: {len(rows)} records, all fields equal")


def slim(value):
    """What the server answered without traces of the stack and of this machine."""
    if isinstance(value, list):
        return [slim(one) for one in value if not (isinstance(one, dict) and one.get("key") == "exception.stacktrace")]
    if not isinstance(value, dict):
        return value
    dropped = {"stack_trace", "tags", "artifact_uri", "artifact_location", "mlflow.trace.sizeStats", "mlflow.trace.sizeBytes"}
    dropped |= {"assessment_id", "mlflow.assessment.scorerDigest", "last_update_time"}
    kept = {name: slim(one) for name, one in value.items() if name not in dropped and not name.startswith("mlflow.source.")}
    return kept


def record(folder, server, dataset, runs):
    """Keeps what the server answers to what evalmark asks."""
    def ask(path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(server + path, data, {"content-type": "application/json"})
        return json.loads(urllib.request.urlopen(request).read())

    kept = {}
    for name, run_id in runs.items():
        run = ask(f"/api/2.0/mlflow/runs/get?run_id={run_id}")
        location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": run["run"]["info"]["experiment_id"]}}
        traces = ask("/api/3.0/mlflow/traces/search", {
            "locations": [location], "filter": f"attribute.run_id = '{run_id}'", "max_results": 500, "order_by": ["timestamp_ms ASC"],
        })
        query = "&".join(f"trace_ids={trace['trace_id']}" for trace in traces["traces"])
        spans = ask(f"/api/3.0/mlflow/traces/batchGet?{query}")
        for whole in spans["traces"]:
            whole["trace_info"] = {"trace_id": whole["trace_info"]["trace_id"]}
        expected = [{"question": q, "failed": f, "scores": s} for q, f, s in told(run_id)]
        kept[name] = {"id": run_id, "run": run, "traces": traces, "spans": spans, "expected": expected}
    kept["experiment"] = ask(f"/api/2.0/mlflow/experiments/get?experiment_id={run['run']['info']['experiment_id']}")
    kept["dataset"] = ask(f"/api/3.0/mlflow/datasets/{dataset.dataset_id}")
    records = ask(f"/api/3.0/mlflow/datasets/{dataset.dataset_id}/records?max_results=500")
    kept["records"] = {"records": records["records"]}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(slim(kept), separators=(",", ":")).encode()
    with gzip.GzipFile(folder / "server.json.gz", "wb", 9, mtime=0) as packed:
        packed.write(text)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "debug" / "evalmark")
    options.add_argument("--record", type=pathlib.Path, help="folder for what the server answered")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder, port = pathlib.Path(folder), free_port()
        server = f"http://127.0.0.1:{port}"
        process = start(folder, port)
        try:
            import mlflow

            mlflow.set_tracking_uri(server)
            dataset, runs = write()
            program = Program(options.program.resolve(), folder, server)
            compare(program, runs)
            check_source(program, dataset, server)
            if options.record:
                record(options.record, server, dataset, runs)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


if __name__ == "__main__":
    main()
