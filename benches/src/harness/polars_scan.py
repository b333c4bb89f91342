"""Reads the columns that a gate reads out of files of scores, with polars and nothing else."""

import sys

import polars

COLUMNS = [
    "item_id",
    "item_hash",
    "cluster",
    "prompt",
    "model",
    "epoch",
    "metric",
    "score",
    "label",
    "counts",
    "applies",
]

for path in sys.argv[1:]:
    frame = polars.scan_parquet(path).select(COLUMNS).collect()
    if frame.height == 0:
        sys.exit(f"{path} has no rows")
    del frame
