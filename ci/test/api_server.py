"""A stand-in for GitHub's and GitLab's REST APIs on this machine: comments, notes and uploads, and tokens without rights."""

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BOT = {"id": 41, "login": "github-actions[bot]", "type": "Bot"}
STRANGER = {"id": 7, "login": "stranger", "type": "User"}


class ApiServer:
    """Serves until it is closed. `answers` makes the next calls of a method fail with the statuses given."""

    def __init__(self, may_write=True):
        self.comments, self.uploads, self.calls, self.answers = [], [], [], {}
        self.may_write, self.count = may_write, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def _answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                data = json.loads(self.rfile.read(length)) if length else None
                status, answer, headers = outer.route(self.command, self.path, data)
                body = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def add(self, body, user=BOT):
        self.count += 1
        self.comments.append({"id": self.count, "body": body, "user": user, "author": user})
        return self.comments[-1]

    def route(self, method, path, data):
        self.calls.append(f"{method} {path}")
        if self.answers.get(method):
            return self.answers[method].pop(0), {"message": "made to fail"}, {}
        if method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}, {}
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        match parts.path.strip("/").split("/"):
            case ["user"]:
                return self._user()
            case ["repos", _, _, "issues", "7", "comments"] | ["projects", "12", "merge_requests", "7", "notes"]:
                return self._thread(method, query, data)
            case ["repos", _, _, "issues", "comments", number] | ["projects", "12", "merge_requests", "7", "notes", number]:
                return self._one(method, int(number), data)
            case ["repos", _, _, "code-scanning", "sarifs"]:
                self.uploads.append({**data, "sarif": json.loads(gzip.decompress(base64.b64decode(data["sarif"])))})
                return 202, {"id": "upload-1"}, {}
        return 404, {"message": "Not Found"}, {}

    def _user(self):
        return 403, {"message": "Resource not accessible by integration"}, {}

    def _thread(self, method, query, data):
        if method == "POST":
            return 201, self.add(data["body"]), {}
        size, page = int(query["per_page"]), int(query["page"])
        here = self.comments[(page - 1) * size : page * size]
        more = len(self.comments) > page * size
        return 200, here, {"X-Next-Page": str(page + 1) if more else ""}

    def _one(self, method, number, data):
        found = [comment for comment in self.comments if comment["id"] == number]
        if not found:
            return 404, {"message": "Not Found"}, {}
        if method == "DELETE":
            self.comments.remove(found[0])
            return 204, None, {}
        found[0]["body"] = data["body"]
        return 200, found[0], {}


class GitLabServer(ApiServer):
    """GitLab knows who a project access token is."""

    def _user(self):
        return 200, {"id": BOT["id"], "username": "project_12_bot"}, {}
