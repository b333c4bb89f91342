"""The pytest plugin: suites found in the tree become test items, one for each gated comparison.

It is loaded in every project that has this package installed, so it imports nothing of it before there is
a suite: what items are and how they run is in ``evalmark.pytest_suites``.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalmark.run import Run

#: Where suites are by default: in a folder ``suites``, and wherever they are called ``NAME.suite.yaml``.
DEFAULT_SUITES = ("**/suites/*.yaml", "**/suites/*.yml", "*.suite.yaml", "*.suite.yml")

#: How suite files end.
_SUFFIXES = (".yaml", ".yml", ".json")

#: Top-level keys of a suite. A file with fewer than two of them is something else.
_NAMES = "dataset|prompts|models|metrics|gate"
_YAML_KEYS = re.compile(rf"""^["']?({_NAMES})["']?\s*:""", re.MULTILINE)
_JSON_KEYS = re.compile(rf'"({_NAMES})"\s*:')

_GLOBS = pytest.StashKey[re.Pattern[str]]()
_SHARED = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options ``--evalmark-…`` and their settings."""
    group = parser.getgroup("evalmark", "evalmark suites")
    group.addoption(
        "--evalmark-inconclusive",
        choices=("fail", "xfail"),
        help="What a comparison that the run cannot decide is [default: the setting evalmark_inconclusive]",
    )
    group.addoption(
        "--evalmark-new-baseline",
        action="store_true",
        help="There may be no baseline yet: what would be compared with it is skipped",
    )
    group.addoption(
        "--evalmark-baseline",
        metavar="NAME|DIR",
        help="Baseline to compare with [default: each suite's `gate.baseline`]",
    )
    group.addoption(
        "--evalmark-out",
        metavar="DIR",
        help="Folder for runs and baselines [default: the setting evalmark_out]",
    )
    group.addoption(
        "--evalmark-args",
        action="append",
        default=[],
        metavar="ARGS",
        help="More arguments of `evalmark run`, such as '--max-cost 2 --concurrency 16'",
    )
    parser.addini(
        "evalmark_suites",
        "Globs of suite files, from the root directory; one without a slash matches names anywhere",
        type="linelist",
        default=list(DEFAULT_SUITES),
    )
    parser.addini(
        "evalmark_inconclusive", "What an inconclusive comparison is: fail or xfail", default="fail"
    )
    parser.addini("evalmark_out", "Folder for runs and baselines", default="reports")
    parser.addini("evalmark_args", "More arguments of `evalmark run`", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known and the globs ready."""
    config.addinivalue_line("markers", "evalmark: a gated comparison of an evalmark suite")
    chosen = config.getini("evalmark_inconclusive")
    if chosen not in ("fail", "xfail"):
        raise pytest.UsageError(f"evalmark_inconclusive is fail or xfail, not {chosen!r}")
    globs = [glob_to_pattern(glob) for glob in config.getini("evalmark_suites") if glob.strip()]
    config.stash[_GLOBS] = re.compile("|".join(globs) or r"(?!)")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes what the session's processes shared."""
    if (shared := config.stash.get(_SHARED, None)) and not hasattr(config, "workerinput"):
        shutil.rmtree(shared, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401
    """Tells a worker of pytest-xdist where the session's results are."""
    node.workerinput["evalmark_shared"] = str(shared_folder(node.config))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects a file that the setting names, or the command line, if it is a suite."""
    if file_path.suffix not in _SUFFIXES:
        return None
    is_named = parent.session.isinitpath(file_path)
    if not is_named and not _is_among(file_path, parent.config):
        return None
    if not is_suite(file_path):
        return None
    from evalmark.pytest_suites import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401
    """Says where the pages of the session's runs are."""
    pages: dict[str, None] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "evalmark_report":
                    pages[str(value)] = None
    if pages:
        terminalreporter.write_sep("=", "evalmark reports")
        for page in pages:
            terminalreporter.write_line(page)


@pytest.fixture
def run_suite(tmp_path: Path, pytestconfig: pytest.Config) -> Callable[..., Run[Any]]:
    """Runs an evalmark suite: ``run_suite(path, **options)``, as :func:`evalmark.run_suite` does.

    Paths begin at the root directory, and runs are kept in the test's ``tmp_path`` unless ``out`` says
    otherwise. Baselines beside the suite are found nevertheless.
    """
    from evalmark.suites import run_suite as run

    def run_it(path: str | Path, **options: Any) -> Run[Any]:  # noqa: ANN401
        defaults = {"out": tmp_path / "reports", "cwd": pytestconfig.rootpath}
        found: Run[Any] = run(path, **{**defaults, **options})
        return found

    return run_it


def shared_folder(config: pytest.Config) -> Path:
    """The folder that the processes of a session share: a worker's is the controller's."""
    if (shared := config.stash.get(_SHARED, None)) is None:
        named = getattr(config, "workerinput", {}).get("evalmark_shared")
        shared = Path(named or tempfile.mkdtemp(prefix="evalmark-pytest-"))
        config.stash[_SHARED] = shared
    return shared


def is_suite(path: Path) -> bool:
    """Whether a file has the look of a suite. One with mistakes has, and its mistakes are then told."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # JSON is YAML, and may be all on one line.
    keys = _JSON_KEYS if text.lstrip().startswith("{") else _YAML_KEYS
    return len(set(keys.findall(text))) >= 2


def glob_to_pattern(glob: str) -> str:
    """A glob as a regular expression of whole paths with slashes: ``**/`` is any number of folders."""
    if "/" not in glob:
        glob = f"**/{glob}"
    parts = re.split(r"(\*\*/|\*|\?)", glob)
    words = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return "(?:" + "".join(words.get(part, re.escape(part)) for part in parts) + r")\Z"


def _is_among(path: Path, config: pytest.Config) -> bool:
    try:
        relative = path.relative_to(config.rootpath)
    except ValueError:
        relative = Path(path.name)
    return config.stash[_GLOBS].match(relative.as_posix()) is not None
