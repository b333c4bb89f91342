"""An application that asks a model and is traced by the SDK of OpenTelemetry for Python: `app.py INSTRUMENTATION PROTOCOL`.

`OPENAI_BASE_URL` says where the model is, `OTEL_EXPORTER_OTLP_ENDPOINT` where spans go.
"""

import importlib
import sys

import openai
from opentelemetry import _logs, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

INSTRUMENTATIONS = {
    "opentelemetry": "opentelemetry.instrumentation.openai_v2",
    "openllmetry": "opentelemetry.instrumentation.openai",
    "openinference": "openinference.instrumentation.openai",
}
EXPORTERS = {"http/protobuf": "opentelemetry.exporter.otlp.proto.http", "grpc": "opentelemetry.exporter.otlp.proto.grpc"}
TOOLS = [{"type": "function", "function": {"name": "refund", "parameters": {"type": "object", "properties": {}}}}]


def main(instrumentation, protocol):
    exporters = EXPORTERS[protocol]
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(importlib.import_module(f"{exporters}.trace_exporter").OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(importlib.import_module(f"{exporters}._log_exporter").OTLPLogExporter()))
    _logs.set_logger_provider(logs)
    importlib.import_module(INSTRUMENTATIONS[instrumentation]).OpenAIInstrumentor().instrument()
    ask(openai.OpenAI(api_key="unused", max_retries=0))
    spans.shutdown()
    logs.shutdown()


def ask(client):
    """Four requests: answered, streamed, a call of a tool, and one that the model refuses."""

    def chat(text, **more):
        messages = [{"role": "system", "content": "You answer customers."}, {"role": "user", "content": text}]
        return client.chat.completions.create(model="small", messages=messages, **more)

    with trace.get_tracer("app").start_as_current_span("handle tickets"):
        chat("Where is parcel 1?")
        for _ in chat("Where is parcel 2?", stream=True, stream_options={"include_usage": True}):
            pass
        chat("Refund parcel 3.", tools=TOOLS)
        try:
            chat("Fail for parcel 4.")
        except openai.APIStatusError:
            pass


main(*sys.argv[1:])
