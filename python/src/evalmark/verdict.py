"""The verdict of a gate, as ``verdict.json`` holds it: frozen, typed, and decided by the program.

Nothing here is computed anew: every interval, p-value and answer is the one that the program wrote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from evalmark.errors import EvalmarkError, FormatVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The five answers; ``improved`` and ``pass`` pass.
Answer = Literal["improved", "pass", "inconclusive", "regressed", "incomparable"]
#: What a comparison's estimate and bounds are: candidate minus baseline, candidate over baseline, or
#: the candidate's own mean, which is held to a limit.
Measure = Literal["difference", "ratio", "level"]
#: Which values of a metric are better.
Direction = Literal["higher", "lower"]

#: Versions of ``verdict.json`` that are read.
READABLE_VERSIONS = range(1, 2)

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items stood behind a comparison, by variant."""

    baseline_planned: int
    candidate_planned: int
    #: Items of both, with the same content.
    shared: int
    #: Shared items that both variants scored.
    paired: int
    baseline_missing: int
    candidate_missing: int


@dataclass(frozen=True, slots=True)
class Flip:
    """An item whose score differs, in units of the metric."""

    item_id: str
    baseline: float
    candidate: float


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Items that the two variants do not share; ids of at most a few dozen of each kind."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    n_added: int = 0
    n_removed: int = 0
    n_changed: int = 0
    #: Share of the larger variant's items that pair up, from 0 to 1.
    paired_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one variant (prompt x model) against its baseline.

    ``estimate``, ``lower``, ``upper`` and ``margin`` are in units of the metric for a ``difference``
    (0.03 is 3 points of a share) and for a ``level``; of a ``ratio`` the estimate and its bounds are
    candidate over baseline, and the margin is the growth that is still acceptable, as a share.
    """

    prompt: str
    model: str
    metric: str
    answer: Answer
    #: The answer in a sentence, with the figures as every table has them.
    says: str
    notes: tuple[str, ...]
    margin: float
    #: One-sided error rate of each bound.
    alpha: float
    method: str
    counts: Counts
    measure: Measure = "difference"
    direction: Direction = "higher"
    #: Where the metric's values lie: ``binary``, ``unit`` (0 to 1), or what else the program says.
    range: str = "unbounded"
    minimum: float | None = None
    maximum: float | None = None
    #: Items with a human label in both variants, where the scores are a judge's.
    labels: int | None = None
    baseline_mean: float | None = None
    candidate_mean: float | None = None
    estimate: float | None = None
    #: One-sided bounds on the estimate.
    lower: float | None = None
    upper: float | None = None
    p_regressed: float | None = None
    #: The same, adjusted for the number of comparisons.
    p_regressed_adjusted: float | None = None
    p_pass: float | None = None
    unpaired: Unpaired = Unpaired()
    effective_n: float | None = None
    only_baseline: int | None = None
    only_candidate: int | None = None
    #: Share of the paired items whose score differs, from 0 to 1.
    discordance: float | None = None
    #: The smallest drop that this many items detect with 80 % power.
    detectable_drop: float | None = None
    items_needed: int | None = None
    seed: int | None = None
    #: Items whose score differs, the worst first; at most a few dozen.
    flips: tuple[Flip, ...] = ()
    #: All of them.
    n_flips: int = 0

    @property
    def passes(self) -> bool:
        """Whether a gate may go green on it."""
        return self.answer in ("improved", "pass")


@dataclass(frozen=True, slots=True)
class SliceFinding:
    """A comparison within a part of the dataset; exploratory, and it decides nothing."""

    slice: str
    #: ``None`` where the cell is empty.
    value: str | None
    #: Share of false discoveries among all slices that stand out as much.
    q: float
    stands_out: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs from the baseline besides chance."""

    kind: str
    #: The prompt, model or metric that it is about; empty for the dataset and the run.
    name: str
    says: str
    baseline: Any = None
    candidate: Any = None


@dataclass(frozen=True, slots=True)
class Override:
    """Who passed a verdict over that fails, and why."""

    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate answers."""

    format_version: int
    suite: str
    run_id: str
    #: What the run was compared with.
    baseline: str
    answer: Answer
    says: str
    #: How several comparisons were combined.
    correction: str
    #: One for each gated metric of each variant, and one for each limit that a mean is held to.
    comparisons: tuple[Comparison, ...]
    slices: tuple[SliceFinding, ...] = ()
    #: ``None`` where the run is compared with no other run.
    changes: tuple[Change, ...] | None = None
    baseline_digest: str | None = None
    #: Where somebody passed the verdict over; ``verdict.json`` of a run has none.
    override: Override | None = None

    @property
    def passes(self) -> bool:
        """Whether a gate may go green on it."""
        return self.answer in ("improved", "pass")

    def comparison(self, prompt: str, model: str, metric: str) -> Comparison:
        """The comparison with the baseline of one metric of one variant.

        Raises:
            KeyError: there is none of these names.
        """
        for comparison in self.comparisons:
            names = (comparison.prompt, comparison.model, comparison.metric)
            if names == (prompt, model, metric) and comparison.measure != "level":
                return comparison
        raise KeyError((prompt, model, metric))

    def of_metric(self, metric: str) -> tuple[Comparison, ...]:
        """The comparisons of one metric, in the order of the verdict."""
        return tuple(one for one in self.comparisons if one.metric == metric)


def read_verdict(path: str | Path) -> Verdict:
    """Reads a ``verdict.json``.

    Raises:
        FormatVersionError: it is of a version that is not read.
        EvalmarkError: it is damaged.
    """
    path = Path(path)
    return verdict_of_json(path.read_text(encoding="utf-8"), path)


def verdict_of_json(text: str, path: Path) -> Verdict:
    """The verdict that a JSON text holds; ``path`` says in errors where it stands."""
    try:
        found = json.loads(text)
        version = found.get("format_version") if isinstance(found, dict) else None
        if version not in READABLE_VERSIONS:
            raise FormatVersionError(path, version, READABLE_VERSIONS)
        return _verdict(found)
    except (ValueError, KeyError, TypeError) as error:
        raise EvalmarkError(f"{path} is damaged: {error!r}") from error


def _verdict(found: Mapping[str, Any]) -> Verdict:
    changes, override = found.get("changes"), found.get("override")
    return _row(
        Verdict,
        found,
        comparisons=tuple(map(_comparison, found["comparisons"])),
        slices=tuple(
            _row(SliceFinding, one, comparison=_comparison(one["comparison"]))
            for one in found.get("slices", ())
        ),
        changes=None if changes is None else tuple(_row(Change, one) for one in changes),
        override=None if override is None else _row(Override, override),
    )


def _comparison(found: Mapping[str, Any]) -> Comparison:
    unpaired = found.get("unpaired", {})
    lists = {key: tuple(unpaired.get(key, ())) for key in ("added", "removed", "changed")}
    return _row(
        Comparison,
        found,
        notes=tuple(found["notes"]),
        counts=_row(Counts, found["counts"]),
        unpaired=_row(Unpaired, unpaired, **lists),
        flips=tuple(_row(Flip, flip) for flip in found["flips"]),
    )


def _row(kind: type[_Row], found: Mapping[str, Any], **made: object) -> _Row:
    """A dataclass of an object's values; keys that later versions add are left alone."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{**{key: value for key, value in found.items() if key in names}, **made})
