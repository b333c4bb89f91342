"""osmem-server speaks OpenSearch's API: documents of an index become records, each once, also of one time and with more to come."""

import json
import os
import signal
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

PACKAGES = ("osmem-server==0.1.6",)

LOGS = """\
logs:
  fields: { id: $.trace, time: "$['@timestamp']", output: $.answer, target: $.right, error: $.error }
"""


def check(world):
    import osmem_server

    port = world.port()
    base = f"http://127.0.0.1:{port}"
    program = Path(osmem_server.__file__).parent / "bin" / "osmem-server"
    world.start(program, "-addr", f"127.0.0.1:{port}", "-no-stdin-watch", ready=base)
    mapping = {"mappings": {"properties": {"@timestamp": {"type": "date"}, "kind": {"type": "keyword"}}}}
    world.send("PUT", f"{base}/app-1", json.dumps(mapping).encode(), **{"content-type": "application/json"})
    world.suite(wrong=4, more=LOGS)
    # Pages end among documents of one time: 2,500 of them share 25 times.
    first = datetime.now(timezone.utc) - timedelta(days=3)
    put(world, base, range(2500), lambda i: first + timedelta(seconds=i // 100))
    place = f"elasticsearch:{base}/app-*?query=kind:chat"
    assert read(world, place)["read_now"]["kept"] == 2500
    assert "nothing new" in world.run_evalmark("monitor", "suite.yaml", "--from", place)
    # Later ones of the last time that was read, later times, and what is too young to have all others beside it.
    put(world, base, range(2500, 2600), lambda i: first + timedelta(seconds=24 + (i - 2500) // 50))
    put(world, base, range(2600, 2700), lambda i: datetime.now(timezone.utc))
    put(world, base, range(2700, 2710), lambda i: first + timedelta(seconds=30), kind="other")
    now = read(world, place)
    assert (now["read_now"]["kept"], now["lines"]["kept"]) == (100, 2600), now
    follow(world, f"{place}&delay=0")
    status = json.loads(world.run_evalmark("monitor", "status", "suite.yaml", "--format", "json"))
    exact = next(one for one in status["metrics"] if one["metric"] == "exact")
    assert exact["all"]["n_items"] == 2430 and abs(exact["all"]["mean"] - 1350 / 2430) < 1e-9, exact["all"]
    print("        osmem: 2700 documents, each once", file=sys.stderr)


def put(world, base, numbers, at, kind="chat"):
    lines = []
    for i in numbers:
        document = {"@timestamp": at(i).isoformat(timespec="milliseconds"), "kind": kind, "trace": f"t{i}"}
        document |= {"answer": "yes" if i % 2 else "no", "right": "yes"}
        if i % 10 == 0:
            document["error"] = "upstream timed out"
        lines += [json.dumps({"create": {"_index": "app-1", "_id": f"d{i}"}}), json.dumps(document)]
    body = ("\n".join(lines) + "\n").encode()
    world.send("POST", f"{base}/_bulk?refresh=true", body, **{"content-type": "application/x-ndjson"})


def read(world, place):
    return json.loads(world.run_evalmark("monitor", "suite.yaml", "--from", place, "--format", "json"))


def follow(world, place):
    """Whoever follows sees what was too young, and is told by the records that are committed."""
    port = world.port()
    address = f"127.0.0.1:{port}"
    command = (world.evalmark, "monitor", "suite.yaml", "--from", place, "--follow", "--metrics", address)
    process, _ = world.start(*command, ready=f"http://{address}/metrics")
    world.eventually(lambda: "evalmark_monitor_records_total{suite=\"support\"} 2700" in world.get(f"http://{address}/metrics"), 40)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 0, process.returncode
