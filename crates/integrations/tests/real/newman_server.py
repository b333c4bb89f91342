"""The API that newman.py asks: the same answer to the same request, and a list of what was asked."""

import cgi
import http.server
import io
import json
import urllib.parse

CITIES = {"1": ("Paris", 2100000, "France"), "2": ("Rome", 2800000, "Italy"), "3": ("Bern", 134000, "Switzerland")}
CAPITALS = {country: name for name, _, country in CITIES.values()}


class Api(http.server.BaseHTTPRequestHandler):
    seen = []

    def answer(self, status, value, headers=()):
        text = value if isinstance(value, str) else json.dumps(value)
        data = text.encode()
        self.send_response(status)
        kind = "text/plain; charset=utf-8" if isinstance(value, str) else "application/json"
        for name, header in [("content-type", kind), ("content-length", str(len(data))), *headers]:
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(data)
        self.seen[-1]["reply"] = {"status": status, "headers": dict([("content-type", kind), *headers]), "body": text}

    def handle_one(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
        kept = {"content-type", "authorization", "x-api-key", "accept-language", "x-team"}
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() in kept}
        text = body.decode("utf-8", "replace")
        if headers.get("content-type", "").startswith("multipart/form-data"):
            form = cgi.FieldStorage(io.BytesIO(body), self.headers, environ={"REQUEST_METHOD": "POST"})
            text = json.dumps([[part.name, part.value] for part in form.list])
            headers["content-type"] = "multipart/form-data"
        path = urllib.parse.unquote(url.path)
        self.seen.append({"method": self.command, "path": path, "query": query, "headers": headers, "body": text})
        self.route(path, dict(query), headers, text)

    do_GET = do_POST = do_PUT = do_PATCH = handle_one

    def route(self, path, query, headers, body):
        parts = path.strip("/").split("/")
        trace = [("x-request-id", f"r-{len(body)}")]
        if parts[0] == "private" and headers.get("authorization") not in ("Bearer sesame", "Basic YW5uOnNlc2FtZQ=="):
            return self.answer(401, {"error": {"code": 401, "message": "who are you?"}})
        if parts[0] == "keyed" and headers.get("x-api-key") != "sesame":
            return self.answer(403, {"error": "no key"})
        if parts[-2:-1] == ["cities"]:
            city = CITIES.get(parts[-1])
            if not city:
                return self.answer(404, {"error": {"code": 404, "message": f"no city {parts[-1]}"}}, trace)
            return self.answer(200, {"id": int(parts[-1]), "name": city[0], "population": city[1], "tags": ["city", "capital"],
                                     "where": {"country": city[2]}, "mayor": None, "old": True}, trace)
        if parts[-1] == "search":
            found = [name for name, _, _ in CITIES.values() if query.get("q", "").lower() in name.lower()]
            return self.answer(200, {"query": query, "found": found[:int(query.get("limit", "9"))]}, trace)
        if parts[-1] == "chat":
            try:
                asked = json.loads(body)
            except json.JSONDecodeError:
                return self.answer(400, {"error": "not JSON"}, trace)
            messages = asked.get("messages")
            question = asked.get("question") or (messages[-1]["content"] if messages else "")
            answer = next((capital for country, capital in CAPITALS.items() if country in question), "I do not know.")
            if asked.get("style") == "long":
                answer = f"The capital is {answer}."
            return self.answer(200, {"answer": answer, "n": asked.get("n"), "choices": [{"message": {"content": answer}}],
                                     "usage": {"total_tokens": len(question.split())}}, trace)
        if parts[-1] == "graphql":
            asked = json.loads(body)
            return self.answer(200, {"data": {"capital": CAPITALS.get(asked["variables"].get("country"))}}, trace)
        if parts[-1] == "plain":
            return self.answer(200, f"You said: {body}", trace)
        if parts[-1] == "create":
            return self.answer(201, {"created": True}, trace)
        if parts[-1] == "empty":
            return self.answer(200, "", trace)
        return self.answer(200, {"method": self.command, "path": path, "query": query, "body": body}, trace)

    def log_message(self, *_):
        pass
