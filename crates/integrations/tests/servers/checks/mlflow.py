"""MLflow's server gets a run once, and its own client reads it back."""

PACKAGES = ("mlflow==3.17.2",)
TAKES_MINUTES = True


def check(world):
    import json
    import sys
    from pathlib import Path

    port = world.port()
    address = f"http://127.0.0.1:{port}"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    world.start(
        Path(sys.executable).with_name("mlflow"),
        *("server", "--host", "127.0.0.1", "--port", port, "--workers", 1),
        *("--backend-store-uri", f"sqlite:///{world.folder}/mlflow.db", "--artifacts-destination", "artefacts"),
        ready=f"{address}/health",
        environment=quiet,
        seconds=180,
    )
    run = world.regressed_run(f"  - mlflow: {{ url: '{address}', traces: true, texts: true }}\n")
    for _ in range(2):
        world.run_evalmark("export", run, "--to", "mlflow")

    from mlflow import MlflowClient

    client = MlflowClient(address)
    (experiment,) = (one for one in client.search_experiments() if one.name != "Default")
    (kept,) = client.search_runs([experiment.experiment_id])
    values = list(kept.data.metrics.values())
    assert any(abs(value - 80 / 120) < 1e-9 for value in values), kept.data.metrics
    traces = client.search_traces(locations=[experiment.experiment_id], max_results=500)
    assert len(traces) == 120, len(traces)
    for trace in traces:
        (score,) = trace.info.assessments
        (span,) = client.get_trace(trace.info.trace_id).data.spans if trace is traces[0] else trace.data.spans
        assert score.name == "exact" and score.feedback.value in (0.0, 1.0), score
        assert span.inputs and span.outputs, span
        assert trace.info.trace_metadata["mlflow.sourceRun"] == kept.info.run_id
    mean = sum(trace.info.assessments[0].feedback.value for trace in traces) / len(traces)
    assert abs(mean - 80 / 120) < 1e-9, mean
    tables = {one["path"] for one in json.loads(kept.data.tags["mlflow.loggedArtifacts"])}
    assert tables == {"scores.json", "samples.json"}, tables
    table = Path(client.download_artifacts(kept.info.run_id, "samples.json")).read_text()
    assert len(json.loads(table)["data"]) == 120
    print(f"        mlflow: {len(traces)} traces, tables {sorted(tables)}", file=sys.stderr)
    print(f"        mlflow: {kept.data.metrics} {kept.data.params}", file=sys.stderr)
