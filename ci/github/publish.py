"""Delivers a report through GitHub's REST API: the pull request's one comment, or an upload to code scanning.

Where the token may not do it, as in pull requests from forks, a notice says so and the step ends well: the verdict is
in the step summary all the same. Only the standard library is used.
"""

import base64
import gzip
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request

from commands import tell

# GitHub takes no longer comment.
COMMENT_LIMIT = 65_536
# A thread of more comments than this many pages of a hundred is not searched further.
PAGES = 50
ATTEMPTS = 3


class Refused(Exception):
    """GitHub answered with a status other than success."""

    def __init__(self, status, message):
        super().__init__(f"{message} (status {status})")
        self.status = status


class Api:
    """The REST API, as the environment of a job names it."""

    def __init__(self, environ):
        self.root = environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        self.repository = f"{self.root}/repos/{environ['GITHUB_REPOSITORY']}"
        self.token = environ["GITHUB_TOKEN"]

    def call(self, method, url, data=None):
        """Returns the answer as JSON. What only failed for a moment is asked again, unless it could happen twice."""
        for attempt in range(ATTEMPTS):
            try:
                return self.once(method, url, data)
            except Refused as refused:
                if refused.status < 500 or method == "POST" or attempt + 1 == ATTEMPTS:
                    raise
            time.sleep(2**attempt)

    def once(self, method, url, data):
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header("User-Agent", "evalmark")
        body = None
        if data is not None:
            body = json.dumps(data).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with OPENER.open(request, body, timeout=30) as response:
                text = response.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise Refused(error.code, message_of(error.read(10_000))) from None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the API alone."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def message_of(body):
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "no message"


def pull_request(environ):
    """Returns the number of the pull request that the job runs for, if it runs for one."""
    with open(environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
        event = json.load(file)
    return (event.get("pull_request") or {}).get("number")


def marker(environ):
    """Returns the first line of our comment, which nobody sees."""
    key = environ.get("COMMENT_KEY") or f"{environ.get('GITHUB_WORKFLOW', '')}/{environ.get('GITHUB_JOB', '')}"
    return f"<!-- evalmark:comment:{hashlib.sha256(key.encode()).hexdigest()[:16]} -->"


def login(api):
    """Returns who the token's comments are by, or None for a job's own token, which may not ask that."""
    try:
        return api.call("GET", f"{api.root}/user")["login"]
    except Refused as refused:
        if refused.status in (401, 403, 404):
            return None
        raise


def own_comments(api, number, mark):
    """Returns the ids of our comments, the oldest first. Whoever else writes our marker is not us."""
    me = login(api)
    ids = []
    for page in range(1, PAGES + 1):
        comments = api.call("GET", f"{api.repository}/issues/{number}/comments?per_page=100&page={page}")
        for comment in comments:
            user = comment.get("user") or {}
            ours = user.get("login") == me if me else user.get("type") == "Bot"
            if ours and (comment.get("body") or "").startswith(mark):
                ids.append(comment["id"])
        if len(comments) < 100:
            break
    return ids


def body_of(path, mark, environ):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    run = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    end = f"\n[Log and report of this run]({run})\n"
    room = COMMENT_LIMIT - len(mark) - len(end) - 100
    if len(text) > room:
        text = text[:room].rpartition("\n")[0] + "\n\nThe rest is in the step summary.\n"
    return f"{mark}\n{text}{end}"


def comment(api, path, environ):
    number = pull_request(environ)
    if number is None:
        print("evalmark: not a pull request, no comment")
        return
    mark = marker(environ)
    body = body_of(path, mark, environ)
    ids = own_comments(api, number, mark)
    # Two jobs at the same moment may both have written one.
    for extra in ids[1:]:
        api.call("DELETE", f"{api.repository}/issues/comments/{extra}")
    if ids:
        try:
            api.call("PATCH", f"{api.repository}/issues/comments/{ids[0]}", {"body": body})
            print(f"evalmark: comment {ids[0]} of pull request {number} is up to date")
            return
        except Refused as refused:
            # Somebody has deleted it meanwhile.
            if refused.status != 404:
                raise
    created = api.call("POST", f"{api.repository}/issues/{number}/comments", {"body": body})
    print(f"evalmark: comment {created['id']} of pull request {number} is new")


def sarif(api, path, environ):
    with open(path, "rb") as file:
        packed = base64.b64encode(gzip.compress(file.read(), mtime=0)).decode()
    upload = {
        "commit_sha": environ["GITHUB_SHA"],
        "ref": environ["GITHUB_REF"],
        "sarif": packed,
        "tool_name": "evalmark",
        "checkout_uri": "file://" + environ["GITHUB_WORKSPACE"],
    }
    answer = api.call("POST", f"{api.repository}/code-scanning/sarifs", upload)
    print(f"evalmark: upload {answer['id']} to code scanning")


def main(arguments, environ):
    what, path = arguments
    deliver = {"comment": (comment, "comment"), "sarif": (sarif, "upload to code scanning")}
    run, noun = deliver[what]
    if not os.path.isfile(path):
        tell("notice", f"no {noun}: evalmark has written no such report")
        return
    try:
        run(Api(environ), path, environ)
    except Refused as refused:
        if refused.status in (401, 403, 404):
            tell("notice", f"no {noun}: the token may not write it ({refused}). The verdict is in the step summary.")
        else:
            tell("warning", f"no {noun}: {refused}")
    except (urllib.error.URLError, OSError, ValueError) as error:
        tell("warning", f"no {noun}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
