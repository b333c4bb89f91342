"""A server that keeps what it is sent, and answers each API well enough for its own SDK."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
MESSAGE = {"role": "assistant", "content": "Paris"}
REPLIES = {
    "/chat/completions": {
        "id": "c", "object": "chat.completion", "created": 0, "model": "m", "usage": USAGE,
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
    },
    "/v1/completions": {
        "id": "c", "object": "text_completion", "created": 0, "model": "m", "usage": USAGE,
        "choices": [{"index": 0, "text": "Paris", "finish_reason": "stop", "logprobs": None}],
    },
    "/embeddings": {
        "object": "list", "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3},
        "data": [{"object": "embedding", "index": 0, "embedding": [1.0, 0.0]}],
    },
    "/responses": {
        "id": "r", "object": "response", "created_at": 0, "model": "m", "status": "completed", "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "usage": {
            "input_tokens": 3, "output_tokens": 1, "total_tokens": 4,
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
        },
        "output": [{
            "id": "m", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Paris", "annotations": []}],
        }],
    },
    "/messages": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": None,
        "content": [{"type": "text", "text": "Paris"}], "usage": {"input_tokens": 3, "output_tokens": 1},
    },
    ":generateContent": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Paris"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
    },
    "/v2/chat": {
        "id": "c", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Paris"}]},
        "usage": {"tokens": {"input_tokens": 3, "output_tokens": 1}},
    },
    "/v2/embed": {
        "id": "e", "response_type": "embeddings_by_type", "texts": ["Paris"], "embeddings": {"float": [[1.0, 0.0]]},
    },
    "/converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Paris"}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4}, "metrics": {"latencyMs": 1},
    },
}  # fmt: skip


@dataclass
class Recorded:
    """A request: its path with the query, its headers in small letters, its body."""

    path: str
    headers: dict[str, str]
    body: dict


@contextmanager
def recorder():
    """The address of a recording server, and the list that its requests go to."""
    requests: list[Recorded] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append(Recorded(self.path, headers, json.loads(body or b"{}")))
            path = self.path.split("?")[0]
            reply = next((reply for end, reply in REPLIES.items() if path.endswith(end)), None)
            text = json.dumps(reply if reply else {"error": {"message": "unknown path"}}).encode()
            self.send_response(200 if reply else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
