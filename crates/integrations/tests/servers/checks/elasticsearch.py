"""osmem-server speaks OpenSearch's API: documents arrive once, by bulk, with their template."""

import json
import sys
from pathlib import Path

PACKAGES = ("osmem-server==0.1.6",)


def check(world):
    import osmem_server

    port = world.port()
    base = f"http://127.0.0.1:{port}"
    program = Path(osmem_server.__file__).parent / "bin" / "osmem-server"
    world.start(program, "-addr", f"127.0.0.1:{port}", "-no-stdin-watch", ready=base)
    run = world.regressed_run(f"  - elasticsearch: {{ url: '{base}' }}\n")
    for _ in range(2):
        world.run_evalmark("export", run, "--to", "elasticsearch")
    found = world.json(f"{base}/logs-evalmark.runs-default/_search?size=100")["hits"]["hits"]
    documents = [hit["_source"] for hit in found]
    actions = sorted(document["event"]["action"] for document in documents)
    assert actions == ["comparison", "run", "score"], actions
    (score,) = (one["evalmark"]["score"] for one in documents if one["event"]["action"] == "score")
    assert abs(score - 80 / 120) < 1e-9, score
    print(f"        osmem: {len(documents)} documents", file=sys.stderr)
    refused_goes_again_alone(world, base, run)


def refused_goes_again_alone(world, base, run):
    """A field of a wrong type refuses one document; once it is mended, that one alone goes out again."""
    wrong = {"mappings": {"properties": {"evalmark": {"properties": {"score": {"type": "date"}}}}}}
    json_kind = {"content-type": "application/json"}
    world.send("PUT", f"{base}/refusing", json.dumps(wrong).encode(), **json_kind)
    world.suite(f"  - elasticsearch: {{ url: '{base}', index: refusing, setup: index }}\n", wrong=40)
    world.run_evalmark("export", run, "--to", "elasticsearch", code=4)
    taken = world.json(f"{base}/refusing/_search?size=100")["hits"]["hits"]
    assert sorted(hit["_source"]["event"]["action"] for hit in taken) == ["comparison", "run"], taken
    templates = world.json(f"{base}/_index_template/evalmark-refusing")["index_templates"]
    assert templates[0]["index_template"]["index_patterns"] == ["refusing"], templates
    world.send("DELETE", f"{base}/refusing", None)
    world.run_evalmark("outbox", "send")
    (again,) = world.json(f"{base}/refusing/_search?size=100")["hits"]["hits"]
    assert again["_source"]["event"]["action"] == "score", again
    fields = world.json(f"{base}/refusing/_mapping")["refusing"]["mappings"]["properties"]["evalmark"]["properties"]
    assert fields["score"]["type"] == "double" and fields["metric"]["type"] == "keyword", fields
    print("        osmem: the refused document went again alone, by the template's types", file=sys.stderr)
