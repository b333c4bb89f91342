"""Writes rows.arrow, other.arrow (the same rows with other labels) and rows.arrows with pyarrow: the rows of the tests' `data.csv`."""

import pyarrow as pa
from pyarrow import ipc

N_ROWS, ROWS_OF_A_BATCH = 3000, 500
COLOURS = ["red", "green", "blue"]


def write(name, shift, new):
    rows = range(N_ROWS)
    columns = {"id": [f"i{i:04}" for i in rows], "text": [f"question {i}" for i in rows], "label": [COLOURS[(i + shift) % 3] for i in rows]}
    table = pa.table(columns)
    with new(name, table.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table, max_chunksize=ROWS_OF_A_BATCH)


write("rows.arrow", 0, ipc.new_file)
write("other.arrow", 1, ipc.new_file)
write("rows.arrows", 0, ipc.new_stream)
