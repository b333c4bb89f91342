"""Runs the collections in newman/ through newman and through evalmark, and compares requests, answers and tests.

Both ask the API of newman_server.py. The same requests must arrive (method, path, query, headers, body), the same
answers be recorded, and every test that is carried over must pass and fail alike. With --record, what newman decided
and what the API answered is kept in expected.json, by which an ordinary test holds evalmark. See README.md.
"""

import argparse
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pyarrow.parquet

from newman_server import Api

HERE = pathlib.Path(__file__).parent / "newman"
KEYS = {"API_KEY": "sesame", "TOKEN_KEY": "sesame", "MANY_CASES_API_KEY": "sesame", "CITY_API_BASIC_KEY": "YW5uOnNlc2FtZQ=="}


def files(folder):
    data = next((path for path in folder.glob("data.*")), None)
    environment = folder / "environment.json"
    return folder / "collection.json", data, environment if environment.exists() else None


def by_newman(folder, program, work):
    collection, data, environment = files(folder)
    out = work / "newman.json"
    command = [program, "run", str(collection), "-r", "json", "--reporter-json-export", str(out)]
    command += ["-d", str(data)] if data else []
    # The secrets that evalmark has from its environment.
    command += ["-e", str(environment)] if environment else []
    for name in ("apiKey", "token", "password"):
        command += ["--env-var", f"{name}=sesame"]
    ran = subprocess.run(command, capture_output=True, text=True)
    if not out.exists():
        raise SystemExit(f"newman: {ran.stdout[-1500:]}{ran.stderr[-1500:]}")
    found, answers = {}, {}
    for execution in json.loads(out.read_text())["run"]["executions"]:
        key = (execution["item"]["name"], execution["cursor"]["iteration"] + 1)
        stream = execution.get("response", {}).get("stream", {})
        answers[key] = bytes(stream.get("data", [])).decode()
        for assertion in execution.get("assertions") or []:
            found.setdefault((*key, assertion["assertion"]), []).append("error" not in assertion)
    return found, answers


def by_evalmark(folder, program, work):
    collection, data, environment = files(folder)
    out = work / "evalmark"
    run = lambda *arguments: subprocess.run([program, *arguments], capture_output=True, text=True, cwd=work, env=os.environ | KEYS)
    command = ["import", "postman", str(collection), "--out", str(out), "--format", "json"]
    command += ["--data", str(data)] if data else []
    command += ["--environment", str(environment)] if environment else []
    imported = run(*command)
    if imported.returncode:
        raise SystemExit(f"evalmark: {imported.stderr}")
    for path in out.rglob("*"):
        if path.is_file() and "sesame" in path.read_text():
            raise SystemExit(f"a secret stands in {path}")
    told = json.loads(imported.stdout)
    told = told.get("suites") or [told]
    found, answers = {}, {}
    for suite in told:
        name = suite["name"]
        ran = run("run", str(out / f"suites/{name}.yaml"), "--out", str(out / "reports"), "--run-id", "r", "--no-cache")
        if ran.returncode:
            raise SystemExit(f"evalmark: {ran.stderr}")
        key = lambda item: (re.sub(r" #\d+$", "", item).rsplit(" / ", 1)[-1], int((re.findall(r" #(\d+)$", item) or ["1"])[0]))
        for row in pyarrow.parquet.read_table(out / f"reports/{name}/r/samples.parquet").to_pylist():
            answers[key(row["item_id"])] = row["output"] if row["error"] is None else f"failed: {row['error']}"
        for row in pyarrow.parquet.read_table(out / f"reports/{name}/r/scores.parquet").to_pylist():
            if row["applies"] and row["metric"] != "length":
                metric = re.sub(r"-\d+$", "", row["metric"])
                found.setdefault((*key(row["item_id"]), metric), []).append(row["passed"])
    return found, answers, [lost for suite in told for lost in suite["not_carried"]]


def asked():
    """What arrived, without what only tells who asks."""
    seen, Api.seen[:] = [dict(one) for one in Api.seen], []
    return seen


def canonical(requests):
    return sorted(json.dumps({key: one[key] for key in ("method", "path", "query", "headers", "body")}, sort_keys=True)
                  for one in requests if one["path"] != "/left-out")


def compare(folder, options):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        asked()
        theirs, their_answers = by_newman(folder, options.newman, work)
        their_requests = asked()
        ours, our_answers, lost = by_evalmark(folder, options.evalmark, work)
        our_requests = asked()
    differ, left_out = [], []
    out = {one["what"].removeprefix("the request `").removesuffix("`").rsplit(" / ", 1)[-1] for one in lost if one["what"].startswith("the request `")}
    their_answers = {key: text for key, text in their_answers.items() if key[0] not in out}
    a, b = canonical(their_requests), canonical(our_requests)
    for one in a:
        if one in b:
            b.remove(one)
        else:
            differ.append(f"request of newman alone: {one}")
    differ += [f"request of evalmark alone: {one}" for one in b]
    for key in sorted(set(their_answers) | set(our_answers)):
        if their_answers.get(key) != our_answers.get(key):
            differ.append(f"answer {key}: newman {their_answers.get(key)!r}, evalmark {our_answers.get(key)!r}")
    told = {name for one in lost for name in re.findall(r"^the test `(.*?)` of ", one["what"])}
    same = 0
    for key in sorted(set(theirs) | set(ours)):
        if theirs.get(key) == ours.get(key):
            same += len(theirs[key])
        elif key not in ours and (key[2] in told or key[0] in out or any(one["what"].startswith("a statement of ") for one in lost)):
            left_out.append(f"{key}: {theirs[key]}")
        else:
            differ.append(f"{key}: newman {theirs.get(key)}, evalmark {ours.get(key)}")
    print(f"{folder.name}: {len(their_requests)} requests, {same} tests the same, {len(differ)} differ, {len(left_out)} not carried over")
    for line in differ:
        print("   differs", line)
    for line in left_out:
        print("   not carried over", line)
    if options.verbose:
        for one in lost:
            print("   told", one["place"], one["what"], one["why"])
    if options.record:
        kept = [[*key, passes] for key, passes in sorted(theirs.items()) if key in ours]
        tests = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in kept)
        requests = ",\n  ".join(sorted({json.dumps(one, ensure_ascii=False) for one in their_requests if one["path"] != "/left-out"}))
        (folder / "expected.json").write_text(f'{{"tests": [\n  {tests}],\n "requests": [\n  {requests}]}}\n')
    return len(their_requests), same, len(differ), len(left_out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newman", default=shutil.which("newman"), help="newman's program")
    parser.add_argument("--evalmark", default="evalmark", help="evalmark's program")
    parser.add_argument("--record", action="store_true", help="keep what newman decides")
    parser.add_argument("--verbose", action="store_true", help="show what evalmark tells")
    parser.add_argument("names", nargs="*", help="collections; default: all")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18767), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folders = [HERE / name for name in options.names] or sorted(path for path in HERE.iterdir() if path.is_dir())
    sums = [sum(column) for column in zip(*(compare(folder, options) for folder in folders))]
    print(f"{len(folders)} collections: {sums[0]} requests, {sums[1]} tests the same, {sums[2]} differ, {sums[3]} not carried over")


main()
