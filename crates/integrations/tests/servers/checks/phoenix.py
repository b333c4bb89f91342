"""arize-phoenix shows the requests of a run as spans of a model, in a project of the user's choice."""

import sys
from pathlib import Path

PACKAGES = ("arize-phoenix==20.26.1",)
TAKES_MINUTES = True


def check(world):
    port, grpc = world.port(), world.port()
    environment = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_WORKING_DIR": str(world.folder / "phoenix"),
    }
    (world.folder / "phoenix").mkdir()
    base = f"http://127.0.0.1:{port}"
    command = (Path(sys.executable).with_name("phoenix"), "serve")
    world.start(*command, ready=f"{base}/healthz", environment=environment, seconds=300)
    run = world.regressed_run(
        f"  - otlp: {{ url: '{base}', signals: [traces], content: true, resource: {{ openinference.project.name: evals }} }}\n"
    )
    world.run_evalmark("export", run, "--to", "otlp")

    def spans():
        found, cursor = [], ""
        while True:
            page = world.json(f"{base}/v1/projects/evals/spans?limit=100{cursor}")
            found += page["data"]
            if not page.get("next_cursor"):
                return found if len(found) >= 121 else None
            cursor = f"&cursor={page['next_cursor']}"

    found = world.eventually(spans, 60)
    kinds = [span["span_kind"] for span in found]
    assert kinds.count("LLM") == 120, sorted(set(kinds))
    assert len({span["context"]["trace_id"] for span in found}) == 1
    # Told again, it is the same spans.
    ids = {span["context"]["span_id"] for span in found}
    assert len(ids) == 121, len(ids)
    print(f"        phoenix: {found[0]}", file=sys.stderr)
