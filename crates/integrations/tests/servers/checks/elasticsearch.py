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
    every_panel_finds_its_documents(world, base, run)
    refused_goes_again_alone(world, base, run)


def every_panel_finds_its_documents(world, base, run):
    """The dashboard's filters and aggregations, asked as Kibana asks them."""
    world.suite(f"  - elasticsearch: {{ url: '{base}', index: charted, setup: index }}\n", wrong=40)
    world.run_evalmark("export", run, "--to", "elasticsearch")
    text = world.run_evalmark("export", "kibana", "suite.yaml", "--index", "charted")
    objects = [json.loads(line) for line in text.splitlines()]
    by_id = {(one["type"], one["id"]): one for one in objects}
    for one in objects:
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in by_id, reference
    (pattern,) = (one for one in objects if one["type"] == "index-pattern")
    index = pattern["attributes"]["title"]
    answers = {}
    for one in objects:
        if one["type"] not in ("search", "visualization"):
            continue
        attributes = one["attributes"]
        source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
        body = {"size": 10, "query": {"bool": {"filter": [part["query"] for part in source["filter"]]}}}
        if one["type"] == "search":
            body["sort"] = [{field: order} for field, order in attributes["sort"]]
        else:
            body["aggs"] = aggregation(json.loads(attributes["visState"])["aggs"])
        answers[attributes["title"]] = world.post_json(f"{base}/{index}/_search", body)
    assert answers["Runs [support]"]["hits"]["total"]["value"] == 1, answers
    assert answers["Alarms of production [support]"]["hits"]["total"]["value"] == 0, answers
    (bucket,) = answers["Runs by answer [support]"]["aggregations"]["2"]["buckets"]
    assert [one["key"] for one in bucket["3"]["buckets"]] == ["regressed"], bucket
    (bucket,) = answers["Score: exact [support]"]["aggregations"]["2"]["buckets"]
    (prompt,) = bucket["3"]["buckets"]
    (model,) = prompt["4"]["buckets"]
    assert (prompt["key"], model["key"]) == ("production", "small"), bucket
    assert abs(model["1"]["value"] - 80 / 120) < 1e-9, model
    print(f"        osmem: {len(answers)} panels of the dashboard asked", file=sys.stderr)


def aggregation(parts):
    """The request that Kibana makes of a chart's state: groups within groups, the metric innermost."""
    metrics = {
        part["id"]: {part["type"]: part["params"]} for part in parts if part["schema"] == "metric" and part["type"] != "count"
    }
    found = metrics
    for part in reversed([part for part in parts if part["schema"] != "metric"]):
        params = part["params"]
        if part["type"] == "date_histogram":
            asked = {"field": params["field"], "calendar_interval": "1d", "min_doc_count": params["min_doc_count"]}
        else:
            asked = {"field": params["field"], "size": params["size"], "order": {params["orderBy"]: params["order"]}}
        found = {part["id"]: {part["type"]: asked, **({"aggs": found} if found else {})}}
    return found


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
