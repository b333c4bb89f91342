"""The action under act, as `ci/github-action.yml` uses it, on every case."""

from api_server import ApiServer
from fixtures import CASES, Case
from github_plain import explains, uploaded
from workflow import ROOT, act

RECIPE = (ROOT / "ci/github-action.yml").read_text()
SUITES = "          suites: suites/*.yaml\n"
# What the recipe leaves out: where evalmark comes from here, and what a later step sees.
OUTPUTS = """\
      - if: ${{ always() }}
        env:
          VERDICT: ${{ steps.evalmark.outputs.verdict }}
          CODE: ${{ steps.evalmark.outputs.exit-code }}
          FOLDER: ${{ steps.evalmark.outputs.report-dir }}
        run: |
          echo "outputs verdict=$VERDICT code=$CODE"
          ls "$FOLDER"
"""
VERDICTS = {"pass": "pass", "regressed": "regressed", "inconclusive": "inconclusive", "missing baseline": "incomparable"}
CODES = {"pass": 0, "regressed": 1, "inconclusive": 3, "missing baseline": 4}


def workflow(more=""):
    assert SUITES in RECIPE and "- uses: OWNER/" in RECIPE
    text = RECIPE.replace(SUITES, f"{SUITES}{more}")
    return text.replace("- uses: OWNER/", "- id: evalmark\n        uses: OWNER/") + OUTPUTS


def run(fixtures, case, server, more="          install: none\n", **environ):
    text = workflow(more)
    repository = fixtures.repository(case, text, ".github/workflows/evalmark.yml")
    return act(fixtures, repository, case, text, "--env", f"GITHUB_API_URL={server.url}", **environ)


def one(fixtures, case):
    with ApiServer() as server:
        done = run(fixtures, case, server)
        assert (done.code == 0) == case.passes, done.log
        explains(done, case)
        uploaded(done, "junit.xml")
        code = 0 if case.passes else CODES[case.change]
        assert f"outputs verdict={VERDICTS[case.change]} code={code}" in done.log, done.log
        assert len(server.comments) == (1 if case.pull_request else 0), server.calls
        for comment in server.comments:
            assert VERDICTS[case.change] in comment["body"] and "@everyone" not in comment["body"], comment


def updates_its_comment(fixtures):
    with ApiServer() as server:
        for change in ("regressed", "pass"):
            run(fixtures, Case(change, True, change == "pass"), server)
        assert len(server.comments) == 1, server.comments
        assert "regressed" not in server.comments[0]["body"], server.comments


def a_fork_passes_without_a_comment(fixtures):
    with ApiServer(may_write=False) as server:
        done = run(fixtures, Case("pass", True, True), server)
        assert done.code == 0 and any("no comment" in told for told in done.commands("notice")), done.log


def installs_the_package(fixtures):
    with ApiServer() as server:
        done = run(fixtures, Case("pass", True, True), server, "", **fixtures.package_index())
        assert done.code == 0, done.log
        assert "evalmark-venv" in done.log or "evalmark 0.1.0" in done.log, done.log


def uploads_sarif(fixtures):
    with ApiServer() as server:
        more = "          install: none\n          sarif: true\n"
        done = run(fixtures, Case("regressed", True, False), server, more)
        assert done.code == 1 and server.uploads, done.log
        results = server.uploads[0]["sarif"]["runs"][0]["results"]
        assert any("prompts/topics.j2" in str(result["locations"]) for result in results), results


def mistakes_are_told(fixtures):
    with ApiServer() as server:
        for more, word in (
            ("          install: none\n          inconclusive: maybe\n", "inconclusive"),
            ("          install: brew\n", "install"),
            ("          install: none\n          report-dir: .\n", "report-dir"),
            ("          install: none\n          args: --no-such-option\n", "no-such-option"),
            # It ends well, and has run nothing.
            ("          install: none\n          args: --help\n", "no verdict"),
        ):
            done = run(fixtures, Case("pass", True, True), server, more)
            assert done.code == 1 and any(word in told for told in done.commands("error")), done.log


def a_comment_does_not_outlive_its_verdict(fixtures):
    """Where evalmark ends without a verdict, the comment of an earlier run that passed says so."""
    with ApiServer() as server:
        run(fixtures, Case("pass", True, True), server)
        assert len(server.comments) == 1 and "no verdict" not in server.comments[0]["body"], server.comments
        mistakes = "args: --no-such-option", "args: --help", "inconclusive: maybe"
        for mistake in (*mistakes, "working-directory: suites"):
            done = run(fixtures, Case("pass", True, True), server, f"          install: none\n          {mistake}\n")
            assert done.code == 1, done.log
            (comment,) = server.comments
            assert "gave no verdict" in comment["body"], comment
            comment["body"] = comment["body"].replace("gave no verdict", "")


def inputs_are_data(fixtures):
    """A pattern that a shell would run is a pattern, and a file that is called like an option is a file."""
    with ApiServer() as server:
        text = workflow("          install: none\n").replace(
            "suites: suites/*.yaml", 'suites: "suites/$(touch owned)`touch owned`;touch owned.yaml"'
        )
        repository = fixtures.repository(Case("pass", True, True), text, ".github/workflows/evalmark.yml")
        done = act(fixtures, repository, Case("pass", True, True), text, "--env", f"GITHUB_API_URL={server.url}")
        assert done.code == 1 and any("no file fits" in told for told in done.commands("error")), done.log
        assert not list(repository.rglob("owned")), done.log


def check(fixtures, report):
    for case in CASES:
        report.check(f"action.yml: {case}", one, fixtures, case)
    for extra in (
        updates_its_comment,
        a_fork_passes_without_a_comment,
        installs_the_package,
        uploads_sarif,
        mistakes_are_told,
        a_comment_does_not_outlive_its_verdict,
        inputs_are_data,
    ):
        report.check(f"action.yml: {extra.__name__.replace('_', ' ')}", extra, fixtures)
