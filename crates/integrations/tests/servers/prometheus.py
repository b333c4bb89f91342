"""Prometheus and Alertmanager for checks: started on free ports, and asked over their APIs."""

import json
import subprocess
import urllib.parse

CONFIG = """\
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [rules.yml]
scrape_configs:
  - job_name: checked
    honor_labels: {honor_labels}
{login}    static_configs: [{{ targets: {targets} }}]
alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: {alerts} }}] }}] }}
"""

ALERTMANAGER = """\
route: { receiver: nobody, group_wait: 0s }
receivers: [{ name: nobody }]
"""


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, world, address):
        self.world, self.address = world, address

    def series(self, query):
        """What a query finds."""
        text = urllib.parse.quote(query)
        return self.world.json(f"http://{self.address}/api/v1/query?query={text}")["data"]["result"]

    def value(self, query):
        """The one value that a query finds, once it is there."""
        (found,) = self.world.eventually(lambda: self.series(query))
        return float(found["value"][1])


def start_prometheus(world, targets=(), rules="groups: []\n", alerts=None, honor_labels=False, login="", flags=()):
    """Starts Prometheus; its configuration and rules pass promtool before. `login` is YAML of the scrape's own."""
    port, folder = world.port(), world.folder / "prometheus"
    folder.mkdir()
    (folder / "rules.yml").write_text(rules)
    config = folder / "prometheus.yml"
    login = "".join(f"    {line}\n" for line in login.splitlines())
    config.write_text(
        CONFIG.format(
            honor_labels=str(honor_labels).lower(),
            login=login,
            targets=json.dumps(list(targets)),
            alerts=json.dumps([alerts] if alerts else []),
        )
    )
    promtool("check", "config", str(config))
    address = f"127.0.0.1:{port}"
    world.start(
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        *flags,
        ready=f"http://{address}/-/ready",
    )
    return Prometheus(world, address)


def start_alertmanager(world):
    """Starts Alertmanager; answers with its address."""
    address, folder = f"127.0.0.1:{world.port()}", world.folder / "alertmanager"
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(ALERTMANAGER)
    world.start(
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        ready=f"http://{address}/-/ready",
    )
    return address


def promtool(*arguments, stdin=None):
    """Runs promtool, and fails as it does."""
    ran = subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"promtool {' '.join(arguments)}: {ran.stdout}{ran.stderr}"
    return ran.stdout + ran.stderr
