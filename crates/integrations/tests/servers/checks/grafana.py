"""Grafana's own types read the dashboard, and write it as it was; every query passes promtool."""

import json

PACKAGES = ("grafana-foundation-sdk==1769699379!11.6.0",)
PROGRAMS = (("promtool", "prometheus"),)

# What Grafana puts in the place of its variables.
VARIABLES = {"$__rate_interval": "5m", "$prompt": ".*", "$model": ".*"}


def check(world):
    from prometheus import promtool

    world.suite(more="logs: { fields: { output: $.answer } }\n")
    text = world.run_evalmark("export", "grafana", "suite.yaml")
    dashboard = json.loads(text)

    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    read = Dashboard.from_json(json.loads(text))
    written = json.loads(JSONEncoder(sort_keys=True).encode(read))
    lost = list(differences(dashboard, written))
    assert not lost, lost
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 15, queries
    for query in queries:
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        assert "$" not in query, query
        rules = {"groups": [{"name": "query", "rules": [{"record": "checked", "expr": query}]}]}
        path = world.folder / "query.yml"
        path.write_text(json.dumps(rules))
        promtool("check", "rules", str(path))


def differences(ours, theirs, place=""):
    """What Grafana's types do not know of the dashboard, or read otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            if name in theirs:
                yield from differences(value, theirs[name], f"{place}/{name}")
            elif value not in (None, [], {}):
                yield f"{place}/{name} is lost"
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{place} has {len(theirs)} of {len(ours)}"
        for i, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{place}/{i}")
    elif ours != theirs:
        yield f"{place} is {theirs!r}, not {ours!r}"
