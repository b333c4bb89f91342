"""Parquet files and rows as data frames of polars or pandas; neither is imported before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from evalmark.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The libraries that frames may be of.
FrameKind = Literal["polars", "pandas"]

#: A data frame: ``polars.DataFrame`` or ``pandas.DataFrame``.
FrameT = TypeVar("FrameT")
FrameT_co = TypeVar("FrameT_co", covariant=True)

#: The type of a column: text, a number, a count.
ColumnType = Literal["text", "float", "int"]


class Frames(Protocol[FrameT_co]):
    """Makes frames of one library."""

    def read(self, path: Path) -> FrameT_co:
        """The rows of a Parquet file."""

    def of_rows(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, ColumnType]) -> FrameT_co:
        """A frame of these columns, also where there are no rows."""

    def rows(self, path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
        """These columns of a Parquet file as dictionaries, with ``None`` where a value is missing.

        Columns that the file does not have are left out.
        """


class PolarsFrames:
    """Frames of polars, which reads Parquet by itself."""

    def __init__(self) -> None:
        self._polars: Any = _library("polars", "polars", '`read_run(path, frame="pandas")`')

    def read(self, path: Path) -> Any:  # noqa: ANN401
        """The rows of a Parquet file."""
        return self._polars.read_parquet(path, glob=False)

    def of_rows(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, ColumnType]) -> Any:  # noqa: ANN401
        """A frame of these columns."""
        polars = self._polars
        types = {"text": polars.String, "float": polars.Float64, "int": polars.Int64}
        schema = {name: types[kind] for name, kind in columns.items()}
        return polars.DataFrame(list(rows), schema=schema)

    def rows(self, path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
        """These columns of a Parquet file as dictionaries."""
        frame = self.read(path)
        found: list[dict[str, Any]] = frame.select(
            [column for column in columns if column in frame.columns]
        ).to_dicts()
        return found


class PandasFrames:
    """Frames of pandas, which reads Parquet with pyarrow."""

    def __init__(self) -> None:
        self._pandas: Any = _library("pandas", "pandas", "`read_run(path)` with polars")
        _library("pyarrow", "pandas", "`read_run(path)` with polars")

    def read(self, path: Path) -> Any:  # noqa: ANN401
        """The rows of a Parquet file."""
        return self._pandas.read_parquet(path, engine="pyarrow")

    def of_rows(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, ColumnType]) -> Any:  # noqa: ANN401
        """A frame of these columns."""
        # Nullable counts: a missing one must not turn the others into floats.
        types = {"text": "string", "float": "float64", "int": "Int64"}
        frame = self._pandas.DataFrame(list(rows), columns=list(columns))
        return frame.astype({name: types[kind] for name, kind in columns.items()})

    def rows(self, path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
        """These columns of a Parquet file as dictionaries."""
        parquet = importlib.import_module("pyarrow.parquet")
        table = parquet.read_table(path)
        found: list[dict[str, Any]] = table.select(
            [column for column in columns if column in table.column_names]
        ).to_pylist()
        return found


def frames_of(kind: FrameKind) -> Frames[Any]:
    """What makes frames of a library.

    Raises:
        MissingLibraryError: the library is not installed.
        ValueError: there is no such kind.
    """
    if kind == "polars":
        return PolarsFrames()
    if kind == "pandas":
        return PandasFrames()
    raise ValueError(f'frame is "polars" or "pandas", not {kind!r}')


def _library(name: str, extra: str, instead: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingLibraryError(name, extra, instead) from None
