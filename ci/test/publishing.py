"""The action's `publish.py` against a stand-in for the API: one comment, whatever happens, and uploads."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from api_server import STRANGER, ApiServer

PUBLISH = Path(__file__).resolve().parents[1] / "github/publish.py"
TEXT = "## regressed\n\n| `a｜b` | <&> ${{ secrets.X }} \\ \"quoted\" 'single' $(id) `id` ü 🦀 |\n"


def publish(server, what, text, event=None, **more):
    """Returns what the step says; it never fails the job."""
    with tempfile.TemporaryDirectory() as folder:
        file, event_file = Path(folder, "report"), Path(folder, "event.json")
        if text is not None:
            file.write_text(text, encoding="utf-8")
        event_file.write_text(json.dumps({"pull_request": {"number": 7}} if event is None else event))
        environ = {
            "PATH": os.environ["PATH"],
            "GITHUB_API_URL": server.url,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_RUN_ID": "99",
            "GITHUB_EVENT_PATH": str(event_file),
            "GITHUB_WORKFLOW": "evalmark",
            "GITHUB_JOB": "gate",
            "GITHUB_SHA": "a" * 40,
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_WORKSPACE": "/work space",
            "GITHUB_TOKEN": "token-of-the-test",
            **more,
        }
        done = subprocess.run([sys.executable, PUBLISH, what, file], env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "token-of-the-test" not in done.stdout + done.stderr
        return done.stdout + done.stderr


def creates_then_updates():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        publish(server, "comment", "## pass\n")
        assert len(server.comments) == 1, server.comments
        body = server.comments[0]["body"]
        assert "## pass" in body and "regressed" not in body, body
        assert "https://github.example/owner/name/actions/runs/99" in body


def keeps_every_letter():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        assert TEXT in server.comments[0]["body"], server.comments


def jobs_have_their_own():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        publish(server, "comment", TEXT, COMMENT_KEY="other --> @everyone")
        assert len(server.comments) == 2, server.comments
        assert "@everyone" not in "".join(one["body"] for one in server.comments)


def finds_it_on_a_later_page():
    with ApiServer() as server:
        for number in range(150):
            server.add(f"talk {number}", STRANGER)
        publish(server, "comment", TEXT)
        for number in range(30):
            server.add(f"more talk {number}", STRANGER)
        publish(server, "comment", "## pass\n")
        assert len(server.comments) == 181
        assert "## pass" in server.comments[150]["body"]


def leaves_the_comments_of_others():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        ours = server.comments.pop()["body"]
        server.add(ours, STRANGER)
        server.add("quoted\n" + ours)
        publish(server, "comment", "## pass\n")
        assert [one["body"] for one in server.comments[:2]] == [ours, "quoted\n" + ours]
        assert len(server.comments) == 3


def leaves_one_of_two():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        server.add(server.comments[0]["body"])
        publish(server, "comment", "## pass\n")
        assert len(server.comments) == 1, server.comments


def replaces_a_deleted_one():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        server.answers["PATCH"] = [404]
        publish(server, "comment", "## pass\n")
        assert "## pass" in server.comments[-1]["body"]


def a_fork_gets_a_notice():
    with ApiServer(may_write=False) as server:
        said = publish(server, "comment", TEXT)
        assert "::notice" in said and "step summary" in said and "::error" not in said, said
        said = publish(server, "sarif", "{}")
        assert "::notice" in said, said


def a_moment_is_waited_for():
    with ApiServer() as server:
        publish(server, "comment", TEXT)
        server.answers["PATCH"] = [502]
        publish(server, "comment", "## pass\n")
        assert "## pass" in server.comments[0]["body"] and len(server.comments) == 1


def a_broken_api_is_a_warning():
    with ApiServer() as server:
        server.answers["POST"] = [500]
        assert "::warning" in publish(server, "comment", TEXT)
        assert server.comments == []
    assert "::warning" in publish(server, "comment", TEXT), "the server is gone"


def other_events_and_missing_files():
    with ApiServer() as server:
        assert "not a pull request" in publish(server, "comment", TEXT, event={"ref": "refs/heads/main"})
        assert "::notice" in publish(server, "comment", None)
        assert server.calls == []


def fits_the_limit():
    with ApiServer() as server:
        publish(server, "comment", "line of text\n" * 10_000)
        assert 60_000 < len(server.comments[0]["body"]) <= 65_536


def uploads_sarif():
    with ApiServer() as server:
        publish(server, "sarif", '{"version": "2.1.0", "runs": []}')
        upload = server.uploads[0]
        assert upload["sarif"]["version"] == "2.1.0"
        assert upload["ref"] == "refs/pull/7/merge" and upload["commit_sha"] == "a" * 40


def check(_, report):
    for one in (
        creates_then_updates,
        keeps_every_letter,
        jobs_have_their_own,
        finds_it_on_a_later_page,
        leaves_the_comments_of_others,
        leaves_one_of_two,
        replaces_a_deleted_one,
        a_fork_gets_a_notice,
        a_moment_is_waited_for,
        a_broken_api_is_a_warning,
        other_events_and_missing_files,
        fits_the_limit,
        uploads_sarif,
    ):
        report.check(f"publishing: {one.__name__.replace('_', ' ')}", one)
