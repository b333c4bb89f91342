"""Writes workbook.xlsx with openpyxl: the values of a sheet as people make them.

    pip install openpyxl && python write_workbook.py
"""

from datetime import date, datetime, time, timedelta

from openpyxl import Workbook
from openpyxl.utils import get_column_letter


def main():
    book = Workbook()
    notes = book.active
    notes.title = "Notes"
    notes["A1"] = "Read the other sheet"
    sheet = book.create_sheet("Tickets")
    # A title above the header, as in many a report.
    sheet["B1"] = "Tickets of May"
    header = ["id", "text", "n", "share", "day", "at", "clock", "took", "ok", "group", "empty"]
    for column, name in enumerate(header, start=2):
        sheet[f"{get_column_letter(column)}3"] = name
    rows = [
        [1, "Größe 注文", 3, 0.1, date(2024, 2, 29), datetime(2024, 2, 29, 12, 30), time(7, 5, 1),
         timedelta(hours=30), True, "a", None],
        [2, "two\nlines", -12.5, 1e300, date(1900, 3, 1), datetime(1999, 12, 31, 23, 59, 59), time(0, 0),
         timedelta(seconds=1.5), False, None, None],
        [3, " =1+1", 123456789012, 0, None, None, None, None, None, "b", None],
    ]
    for number, row in enumerate(rows, start=4):
        for column, value in enumerate(row, start=2):
            cell = sheet[f"{get_column_letter(column)}{number}"]
            cell.value = value
            if isinstance(value, timedelta):
                cell.number_format = "[h]:mm:ss"
    sheet["C6"].data_type = "s"
    sheet.merge_cells("K4:K5")
    # An error, and a formula that nothing has computed.
    sheet["B8"], sheet["C8"], sheet["D8"] = 4, "broken", "#N/A"
    sheet["B9"], sheet["C9"], sheet["D9"] = 5, "formula", "=1+1"
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    book.save("workbook.xlsx")


main()
