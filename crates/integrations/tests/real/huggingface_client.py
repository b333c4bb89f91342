"""Asks one server as huggingface_hub and as evalmark: what a hub answers is read alike.

The server plays a hub as `tests/it/huggingface.rs` has it: a repository with a README, a small file and a large one, which lies
on another server; some of them are packed. Of every split the rows must be the same, of the commit and of a branch, and
the token must reach the hub alone. See README.md.
"""

import argparse
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_token_of_the_comparison"
README = """---
configs:
- config_name: default
  data_files:
  - { split: train, path: data/train-* }
  - { split: test, path: data/test-* }
dataset_info:
  features:
  - { name: text, dtype: string }
  - name: label
    dtype:
      class_label:
        names: { '0': neg, '1': pos }
---
# A dataset
"""
ROWS = {
    "data/train-00000-of-00002.jsonl": [{"n": 1, "text": "good", "label": 1}, {"n": 2, "text": "bad", "label": 0}],
    "data/train-00001-of-00002.jsonl.gz": [{"n": 3, "text": "so so", "label": 0}],
    "data/test-00000-of-00001.jsonl": [{"n": 4, "text": "fine", "label": 1}, {"n": 5, "text": "poor", "label": 0}],
}
LARGE = "data/test-00000-of-00001.jsonl"


def content(name):
    text = "".join(json.dumps(row) + "\n" for row in ROWS[name]).encode()
    if not name.endswith(".gz"):
        return text
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(text)
    return packed.getvalue()


FILES = {"README.md": README.encode(), **{name: content(name) for name in ROWS}}


def git_blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Store(http.server.BaseHTTPRequestHandler):
    """Where the hub keeps large files."""

    keys = []

    def do_GET(self):
        self.keys.append(self.headers["authorization"])
        data = FILES[LARGE]
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Hub(Store):
    keys, store = [], ""

    def do_GET(self):
        self.keys.append(self.headers["authorization"])
        path = self.path.split("?")[0]
        if path.startswith("/api/datasets/org/set"):
            siblings = []
            for name, data in FILES.items():
                one = {"rfilename": name, "size": len(data), "blobId": git_blob(data)}
                if name == LARGE:
                    one["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 131}
                siblings.append(one)
            return self.answer(200, json.dumps({"id": "org/set", "sha": COMMIT, "private": True, "tags": [], "siblings": siblings}).encode(), {})
        name = path.split("/resolve/", 1)[-1].split("/", 1)[-1]
        if name not in FILES:
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        data = FILES[name]
        told = {"X-Repo-Commit": COMMIT, "ETag": f'"{git_blob(data)}"'}
        if name == LARGE:
            told |= {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data)), "Location": f"{self.store}/blob"}
            return self.answer(302, b"", told)
        return self.answer(200, data, told)

    do_HEAD = do_GET

    def answer(self, status, data, headers):
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


def started(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def by_client(address, split, revision, cache):
    """The rows of a split as huggingface_hub fetches them, and where it keeps them."""
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi(endpoint=address, token=TOKEN).dataset_info("org/set", revision=revision, files_metadata=True)
    rows = []
    for one in sorted(info.siblings, key=lambda one: one.rfilename):
        path = hf_hub_download("org/set", one.rfilename, repo_type="dataset", revision=revision, endpoint=address, token=TOKEN, cache_dir=cache)
        if one.rfilename.startswith(f"data/{split}-"):
            data = pathlib.Path(path).read_bytes()
            text = gzip.decompress(data) if path.endswith(".gz") else data
            rows += [json.loads(line) for line in text.decode().splitlines()]
    names = {0: "neg", 1: "pos"}
    return info.sha, [{**row, "label": names[row["label"]]} for row in rows]


def by_evalmark(program, source, work, place):
    suite = {
        "name": "s", "dataset": {"source": {"huggingface": source}, "target": "label"},
        "prompts": [{"name": "p", "template": "{{ text }}"}],
        "models": [{"name": "m", "provider": "recorded", "recorded": {"column": "text"}}],
        "metrics": [{"name": "exact", "exact": {}}],
    }
    (work / "suite.yaml").write_text(json.dumps(suite))
    out = work / f"rows-{len(list(work.iterdir()))}.jsonl"
    env = os.environ | {"HF_TOKEN": TOKEN, "XDG_CACHE_HOME": str(work / "cache"), "EVALMARK_ALLOW_KEY": f"HF_TOKEN@{place}"}
    for command in (["check", "--fetch", "suite.yaml"], ["run", "suite.yaml", "--run-id", out.stem, "--no-cache"]):
        ran = subprocess.run([program, *command], cwd=work, env=env, capture_output=True, text=True)
        if ran.returncode not in (0, 3, 4):
            raise SystemExit(f"evalmark: {ran.stdout}{ran.stderr}")
    import pyarrow.parquet

    samples = pyarrow.parquet.read_table(work / "reports/s" / out.stem / "samples.parquet").to_pylist()
    return sorted((sample["output"], (sample["targets"] or [None])[0]) for sample in samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evalmark", default=shutil.which("evalmark"), help="evalmark's program")
    options = parser.parse_args()
    Hub.store = started(Store)
    address = started(Hub)
    place = address.removeprefix("http://")
    n_same = 0
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for split in ("train", "test"):
            commit, theirs = by_client(address, split, "main", work / "hub")
            assert commit == COMMIT, commit
            theirs = sorted(((row["text"], row["label"]) for row in theirs), key=str)
            sources = {
                "the hub": {"dataset": "org/set", "split": split, "revision": COMMIT, "endpoint": address, "token_env": "HF_TOKEN"},
                "the client's cache": {"dataset": "org/set", "split": split, "folder": "hub"},
            }
            for name, source in sources.items():
                ours = sorted(by_evalmark(options.evalmark, source, work, place), key=str)
                is_same = ours == theirs
                n_same += is_same
                print(f"{split} from {name}: {len(ours)} rows, {'the same' if is_same else f'differ: {theirs} {ours}'}")
    sent = {f"Bearer {TOKEN}"}
    assert set(Hub.keys) <= sent | {None}, set(Hub.keys)
    assert set(Store.keys) == {None}, set(Store.keys)
    print(f"{n_same} of 4 the same; {len(Hub.keys)} requests of the hub, and {len(Store.keys)} of its store, none of them with the token")


main()
