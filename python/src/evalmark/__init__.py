"""Runs of evalmark as data frames, their verdicts as typed values, and the program itself.

>>> import evalmark
>>> run = evalmark.read_run("reports/quickstart/RUN")  # doctest: +SKIP
>>> run.leaderboard("intent")  # doctest: +SKIP
>>> run.verdict.answer  # doctest: +SKIP
'improved'

The command comes with the package: ``evalmark``, or ``python -m evalmark``. Statistics are the
program's; nothing here computes an interval or a p-value.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalmark.binary import find_binary
    from evalmark.comparing import PairedDifferences, leaderboard, paired_differences
    from evalmark.errors import (
        BinaryNotFoundError,
        CommandError,
        EvalmarkError,
        FormatVersionError,
        MissingFileError,
        MissingLibraryError,
        NoRunError,
        PairingError,
        ProgramError,
    )
    from evalmark.run import Run, read_run
    from evalmark.suites import SuitePlan, gate, plan_suite, run_suite
    from evalmark.verdict import (
        Change,
        Comparison,
        Counts,
        Flip,
        SliceFinding,
        Unpaired,
        Verdict,
        read_verdict,
    )

__all__ = [
    "BinaryNotFoundError",
    "Change",
    "CommandError",
    "Comparison",
    "Counts",
    "EvalmarkError",
    "Flip",
    "FormatVersionError",
    "MissingFileError",
    "MissingLibraryError",
    "NoRunError",
    "PairedDifferences",
    "PairingError",
    "ProgramError",
    "Run",
    "SliceFinding",
    "SuitePlan",
    "Unpaired",
    "Verdict",
    "find_binary",
    "gate",
    "leaderboard",
    "paired_differences",
    "plan_suite",
    "read_run",
    "read_verdict",
    "run_suite",
]

#: Where each name stands. It is imported when it is first used: the pytest plugin is loaded in every
#: project that has this package, and must cost nothing there.
_HOME = {
    "BinaryNotFoundError": "evalmark.errors",
    "Change": "evalmark.verdict",
    "CommandError": "evalmark.errors",
    "Comparison": "evalmark.verdict",
    "Counts": "evalmark.verdict",
    "EvalmarkError": "evalmark.errors",
    "Flip": "evalmark.verdict",
    "FormatVersionError": "evalmark.errors",
    "MissingFileError": "evalmark.errors",
    "MissingLibraryError": "evalmark.errors",
    "NoRunError": "evalmark.errors",
    "PairedDifferences": "evalmark.comparing",
    "PairingError": "evalmark.errors",
    "ProgramError": "evalmark.errors",
    "Run": "evalmark.run",
    "SliceFinding": "evalmark.verdict",
    "SuitePlan": "evalmark.suites",
    "Unpaired": "evalmark.verdict",
    "Verdict": "evalmark.verdict",
    "find_binary": "evalmark.binary",
    "gate": "evalmark.suites",
    "leaderboard": "evalmark.comparing",
    "paired_differences": "evalmark.comparing",
    "plan_suite": "evalmark.suites",
    "read_run": "evalmark.run",
    "read_verdict": "evalmark.verdict",
    "run_suite": "evalmark.suites",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
