"""CSV files that spreadsheets open as they are meant.

RFC 4180 (CRLF, quotes doubled), UTF-8 with a byte order mark, without which Excel takes Chinese for
another encoding. A text that a spreadsheet would calculate gets an apostrophe in front ("CSV
Injection", owasp.org): names in a report come from people and from vendors.
"""

import codecs
import csv
import io
from collections.abc import Sequence

CALCULATED = frozenset("=+-@＝＋－＠")
"""What a formula begins with. Spreadsheets take the full-width forms for the plain ones."""
SHIELDED = frozenset("\t\r\n'")
"""Also shielded: characters that hide what follows, and the shield itself: so every text is what
its cell is without one shield."""
SHIELD = "'"


def shielded(text: str) -> str:
    """Return `text` such that no spreadsheet calculates it."""
    begins = text[:1]
    if begins in CALCULATED or begins in SHIELDED or text.lstrip()[:1] in CALCULATED:
        return SHIELD + text
    return text


class CsvFile:
    """A CSV file that grows row by row up to a size.

    Args:
        header: The first row.
        rows_most: Rows it takes besides the header.
        bytes_most: Bytes it takes, all included.

    Attributes:
        rows: Rows in it besides the header.
        is_cut: A row was left out because the file was full; so is every later one.
    """

    def __init__(self, header: Sequence[str], *, rows_most: int, bytes_most: int) -> None:
        self.rows = 0
        self.is_cut = False
        self._rows_most = rows_most
        self._bytes_most = bytes_most
        self._bytes = bytearray(codecs.BOM_UTF8 + _line(header))

    def add(self, row: Sequence[str | int]) -> bool:
        """Append a row and return True; False when the file is full.

        Texts are shielded; numbers stay numbers.
        """
        line = _line(row)
        fits = self.rows < self._rows_most and len(self._bytes) + len(line) <= self._bytes_most
        if self.is_cut or not fits:
            self.is_cut = True
            return False
        self._bytes += line
        self.rows += 1
        return True

    @property
    def content(self) -> bytes:
        """The file as it is now."""
        return bytes(self._bytes)


def _line(row: Sequence[str | int]) -> bytes:
    text = io.StringIO()
    cells = [shielded(cell) if isinstance(cell, str) else cell for cell in row]
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    # Half of a surrogate pair has no UTF-8; it came from broken JSON and is nobody's text.
    return text.getvalue().encode("utf-8", errors="replace")
