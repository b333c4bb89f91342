"""Applications that the SDKs of OpenTelemetry trace, for Python and JavaScript and by three instrumentations each, send
what their model answered to a monitor whose suite has no word on logs."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PACKAGES = (
    "httpx==0.28.1",
    "openai==3.57.0",
    "openinference-instrumentation-openai==0.1.66",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-instrumentation-openai-v2==2.4b0",
    "opentelemetry-sdk==1.45.2",
    # The version that the instrumentation above was made with.
    "opentelemetry-util-genai==0.4b0",
    "pyarrow==26.0.1",
)
NPM_PACKAGES = (
    "@arizeai/openinference-instrumentation-openai@4.2.7",
    "@opentelemetry/instrumentation-openai@0.21.0",
    "@opentelemetry/sdk-node@0.223.0",
    "@traceloop/instrumentation-openai@0.27.0",
    "openai@6.49.0",
)
PROGRAMS = (("node", "nodejs"), ("npm", "npm"))

APPLICATIONS = Path(__file__).resolve().parents[1] / "applications"

SUITE = """\
name: support
dataset: { path: rows.csv, id: id }
prompts: [{ name: production, template: "{{ text }}" }]
models: [{ name: small, provider: recorded, recorded: { column: answer } }]
metrics: [{ name: brief, length_within: { unit: words, max: 6 } }]
"""


def check(world):
    (world.folder / "rows.csv").write_text("id,text,answer\n1,Where is it?,At the door.\n")
    (world.folder / "suite.yaml").write_text(SUITE)
    port = world.port()
    command = (world.evalmark, "monitor", "suite.yaml", "--from", f"otlp://127.0.0.1:{port}")
    process, _ = world.start(*command, ready=port)
    model = start_model()
    for application in each_application():
        send(application, port, model)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 0, process.returncode
    # An application is one trace.
    traces = {}
    for record in records(world):
        traces.setdefault(record["record_id"].split(":")[0], []).append(record)
    for application, found in zip(each_application(), traces.values(), strict=True):
        assert_all_is_there(application, found)
    state = json.loads((world.folder / "reports/support/monitor/state.json").read_text())
    assert state["damaged"] == [], state["damaged"]


@dataclass(frozen=True)
class Application:
    """An application: its language, what traces it, and how it sends."""

    language: str
    instrumentation: str
    protocol: str

    def command(self):
        if self.language == "javascript":
            return ("node", APPLICATIONS / "app.cjs", self.instrumentation)
        return (sys.executable, APPLICATIONS / "app.py", self.instrumentation, self.protocol)

    def loses(self):
        """What its instrumentation does not send, as seen with the versions above."""
        return self.language == "javascript" and self.instrumentation != "opentelemetry"


def each_application():
    for instrumentation in ("opentelemetry", "openllmetry", "openinference"):
        for protocol in ("http/protobuf", "grpc"):
            yield Application("python", instrumentation, protocol)
        for protocol in ("http/protobuf", "http/json", "grpc"):
            yield Application("javascript", instrumentation, protocol)


def send(application, port, model):
    """Runs an application until it has sent what it did."""
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model}/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": application.protocol,
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
        "OTEL_SERVICE_NAME": "support",
    }
    ran = subprocess.run(
        application.command(), env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, f"{application}:\n{ran.stdout}\n{ran.stderr}"


def records(world):
    """What the monitor has stored, in its order."""
    from pyarrow import parquet

    segments = sorted((world.folder / "reports/support/monitor").glob("*.parquet"))
    found = [row for segment in segments for row in parquet.read_table(segment).to_pylist()]
    return sorted(found, key=lambda row: row["line"])


def assert_all_is_there(application, found):
    """Asserts that an application's four requests are records, with all that is known of them."""
    asked = {json.loads(record["input"]).get("input"): record for record in found}
    expected = {"Where is parcel 1?", "Where is parcel 2?", "Refund parcel 3."}
    if not application.loses():
        expected.add("Fail for parcel 4.")
    assert set(asked) == expected and len(found) == len(expected), (application, found)
    for text, record in asked.items():
        said = (application, record)
        conversation = json.loads(record["input"])["messages"]
        assert [message["role"] for message in conversation] == ["system", "user"], said
        if text.startswith("Fail"):
            assert record["outcome"] == "failed" and "no such parcel" in record["error"], said
            continue
        streamed_away = application.loses() and text == "Where is parcel 2?"
        tool = text.startswith("Refund")
        output = '[{"name":"refund","arguments":{"parcel":3}}]' if tool else "It is at the door."
        assert record["outcome"] == "answered" and record["output"] == output, said
        assert record["finish_reason"] == ("tool_calls" if tool else "stop"), said
        assert record["latency_ms"] > 0 and record["score.brief"] == 1.0, said
        if not streamed_away:
            assert record["model"] == "small-2026-11-01", said
            assert (record["input_tokens"], record["output_tokens"]) == (21, 6), said


def start_model():
    """A model that answers as OpenAI's API does; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = request["messages"][-1]["content"]
        if text.startswith("Fail"):
            return self.answer(400, "application/json", json.dumps({"error": {"message": "no such parcel", "type": "invalid"}}))
        usage = {"prompt_tokens": 21, "completion_tokens": 6, "total_tokens": 27}
        whole = {"id": "answer-1", "created": 1790000000, "model": "small-2026-11-01"}
        if request.get("stream"):
            deltas = [{"role": "assistant", "content": "It is "}, {"content": "at the door."}]
            chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
            chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
            events = [{**whole, "object": "chat.completion.chunk", "choices": [chunk]} for chunk in chunks]
            events.append({**whole, "object": "chat.completion.chunk", "choices": [], "usage": usage})
            lines = [f"data: {json.dumps(event)}\n\n" for event in events]
            return self.answer(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))
        message = {"role": "assistant", "content": "It is at the door."}
        reason = "stop"
        if request.get("tools"):
            call = {"id": "call-1", "type": "function", "function": {"name": "refund", "arguments": '{"parcel": 3}'}}
            message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        self.answer(200, "application/json", json.dumps({**whole, "object": "chat.completion", "choices": [choice], "usage": usage}))

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
