"""Writes the files of this folder: the same rows by pandas, polars and pyarrow, and what they are as JSON.

    pip install pandas polars pyarrow && python write.py

`rows.jsonl` is made from the Python values, not from the files.
"""

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

BERLIN = ZoneInfo("Europe/Berlin")
ROWS = [
    {
        "id": 1,
        "text": "Größe, 注文",
        "price": Decimal("12.50"),
        "intent": "refund",
        "tags": ["a", "b"],
        "meta": {"lang": "de", "score": 0.5},
        "turns": [{"role": "user", "n": 1}, {"role": "bot", "n": 2}],
        "day": date(2024, 2, 29),
        "local": datetime(2024, 2, 29, 12, 30, 0, 250000),
        "at": datetime(2024, 7, 1, 12, 0, tzinfo=BERLIN),
        "clock": time(7, 5, 1),
        "took": timedelta(seconds=90, milliseconds=500),
        "big": 9007199254740993,
        "ok": True,
        "share": 0.1,
    },
    {key: None for key in (
        "text", "price", "intent", "tags", "meta", "turns", "day", "local", "at", "clock", "took", "big",
        "ok", "share",
    )} | {"id": 2},
    {
        "id": 3,
        "text": "",
        "price": Decimal("-0.05"),
        "intent": "delivery",
        "tags": [],
        "meta": {"lang": None, "score": -1.0},
        "turns": [],
        "day": date(1969, 12, 31),
        "local": datetime(1969, 12, 31, 23, 59, 59),
        "at": datetime(2024, 1, 1, 1, 0, tzinfo=BERLIN),
        "clock": time(23, 59, 59, 500000),
        "took": timedelta(0),
        "big": -1,
        "ok": False,
        "share": 1e300,
    },
]
SCHEMA = pa.schema([
    ("id", pa.int64()),
    ("text", pa.string()),
    ("price", pa.decimal128(10, 2)),
    ("intent", pa.dictionary(pa.int32(), pa.string())),
    ("tags", pa.list_(pa.string())),
    ("meta", pa.struct([("lang", pa.string()), ("score", pa.float64())])),
    ("turns", pa.list_(pa.struct([("role", pa.string()), ("n", pa.int32())]))),
    ("day", pa.date32()),
    ("local", pa.timestamp("us")),
    ("at", pa.timestamp("us", tz="Europe/Berlin")),
    ("clock", pa.time64("us")),
    ("took", pa.duration("us")),
    ("big", pa.int64()),
    ("ok", pa.bool_()),
    ("share", pa.float64()),
])
FIELDS = {
    "price": pl.Decimal(10, 2), "intent": pl.Categorical, "clock": pl.Time, "took": pl.Duration("us"),
    "at": pl.Datetime("us", "Europe/Berlin"), "local": pl.Datetime("us"),
}


def digits(value):
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text


def as_json(value):
    """A value as evalmark has it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        zone = "Z" if value.tzinfo else ""
        value = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        text = value.isoformat(timespec="microseconds")
        return text.rstrip("0").rstrip(".") + zone
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="microseconds").rstrip("0").rstrip(".")
    if isinstance(value, timedelta):
        return f"PT{digits(value.total_seconds())}S"
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return value


def main():
    table = pa.Table.from_pylist(ROWS, schema=SCHEMA)
    pq.write_table(table, "pyarrow.parquet", row_group_size=2, compression="zstd")
    feather.write_feather(table, "pyarrow.feather", compression="lz4")
    with pa.OSFile("pyarrow.arrows", "wb") as sink, pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_table(table, max_chunksize=2)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    frame.to_parquet("pandas.parquet", index=False)
    frame.to_feather("pandas.feather", compression="zstd")
    polars = pl.DataFrame(ROWS, schema_overrides=FIELDS).select(SCHEMA.names)
    polars.write_parquet("polars.parquet")
    polars.write_ipc("polars.arrow", compression="zstd")
    polars.write_ipc_stream("polars.arrows")
    with open("rows.jsonl", "w", encoding="utf-8", newline="\n") as out:
        for row in ROWS:
            row = {name: as_json(row[name]) for name in SCHEMA.names}
            print(json.dumps(row, ensure_ascii=False), file=out)
    versions = {"pandas": pd.__version__, "polars": pl.__version__, "pyarrow": pa.__version__}
    with open("versions.json", "w", encoding="utf-8") as out:
        print(json.dumps(versions), file=out)


main()
