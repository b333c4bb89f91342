"""rotel, a collector, takes a run's spans, events and metrics, in protobuf and in JSON, and prints them."""

import re
from pathlib import Path

PACKAGES = ("rotel==0.0.1a15",)


def check(world):
    import rotel

    program = next(Path(rotel.__file__).parent.rglob("rotel-agent"))
    grpc, http = world.port(), world.port()
    command = (
        *(program, "start", "--exporter", "blackhole"),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--debug-log", "traces", "--debug-log", "logs", "--debug-log", "metrics"),
        *("--debug-log-verbosity", "detailed"),
    )
    _, log = world.start(*command, ready=http)
    url = f"url: 'http://127.0.0.1:{http}'"
    run = world.regressed_run(
        f"  - otlp: {{ {url}, resource: {{ service.name: as-protobuf }} }}\n    name: protobuf\n"
        f"  - otlp: {{ {url}, resource: {{ service.name: as-json }}, protocol: http/json, content: true }}\n    name: json\n"
    )
    for name in ("protobuf", "json"):
        world.run_evalmark("export", run, "--to", name)

    def printed():
        text = log.read_text(errors="replace")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        return plain if plain.count("gen_ai.evaluation.result") >= 240 else None

    text = world.eventually(printed)
    for service in ("as-protobuf", "as-json"):
        assert service in text, service
    # A request's span each, and the run's.
    assert text.count("chat ") >= 240 and text.count("evaluation support") >= 2, text[-3000:]
    for word in ("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.evaluation.score.value", "evalmark_score"):
        assert word in text, word
    assert text.count("gen_ai.output.messages") == 120
