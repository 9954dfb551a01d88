"""Reads the parties' tables with errors that name line and column, and writes files whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

from naru.kernel.errors import BadRequest, NotFound

_HASH_BYTES: Final = 1 << 20
_FIELD_BYTES: Final = 1 << 20


def read_header(path: Path, encoding: str = "utf-8-sig") -> list[str]:
    """Names of the columns."""
    if path.suffix.lower() == ".parquet":
        with _parquet(path) as file:
            return [str(name) for name in file.schema_arrow.names]
    with _open(path, encoding) as file:
        for row in _csv_rows(path, file, encoding):
            return _checked_header(path, row)
    raise BadRequest(f"{path}: is empty; the first line must name the columns")


def read_rows(
    path: Path, columns: Sequence[str], encoding: str = "utf-8-sig"
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number (from 1; of a Parquet file the row's) and the cells of these columns, row after row.

    Raises:
        NotFound: no such file, or the table has no such column.
        BadRequest: with the line, and the column where there is one.
    """
    header = read_header(path, encoding)
    for column in columns:
        if column not in header:
            raise NotFound(f"{path} has no column {column}; it has {', '.join(header)}")
    places = [header.index(column) for column in columns]
    if path.suffix.lower() == ".parquet":
        yield from _parquet_rows(path, columns)
        return
    width = len(header)
    with _open(path, encoding) as file:
        rows = _csv_rows(path, file, encoding)
        next(rows)
        for row, number in rows.numbered():
            if len(row) != width:
                if not row:
                    continue  # an empty line
                at = min(len(row), width)
                near = header[at] if at < width else "the last one"
                raise BadRequest(
                    f"{path}, line {number}: {len(row)} fields where the header has {width} (first fault at "
                    f"column {at + 1}, {near}); a comma or a quote inside a text needs quotes around the text"
                )
            yield number, tuple([row[place] for place in places])


class _Rows(Iterator[list[str]]):
    """csv's rows, its errors told in ours."""

    def __init__(self, path: Path, file: TextIO, encoding: str) -> None:
        self._path, self._encoding = path, encoding
        self._reader = csv.reader(file, strict=True)

    def __next__(self) -> list[str]:
        began = self._reader.line_num + 1
        try:
            return next(self._reader)
        except csv.Error as error:
            raise BadRequest(f"{self._path}, line {began}: {error}") from None
        except UnicodeDecodeError:
            line, column = _find_undecodable(self._path, self._encoding)
            raise BadRequest(
                f"{self._path}, line {line}, column {column}: these bytes are no {self._encoding}; Korean "
                "spreadsheets often need --encoding cp949"
            ) from None

    def numbered(self) -> Iterator[tuple[list[str], int]]:
        while True:
            number = self._reader.line_num + 1
            try:
                yield next(self), number
            except StopIteration:
                return


def _find_undecodable(path: Path, encoding: str) -> tuple[int, int]:
    """Where the first bad byte is; the reader itself is a buffer ahead. Columns by commas, quoted ones
    too.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                return number, line[: error.start].count(b",") + 1
    return 0, 0


def _csv_rows(path: Path, file: TextIO, encoding: str) -> _Rows:
    return _Rows(path, file, encoding)


@contextmanager
def _open(path: Path, encoding: str) -> Iterator[TextIO]:
    csv.field_size_limit(_FIELD_BYTES)
    try:
        file = path.open("r", encoding=encoding, newline="")
    except FileNotFoundError:
        raise NotFound(f"{path} is not here") from None
    except LookupError:
        raise BadRequest(f"there is no encoding {encoding}; try utf-8 or cp949") from None
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}") from None
    with file:
        yield file


def _checked_header(path: Path, row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    for at, name in enumerate(names, 1):
        if not name or names.index(name) != at - 1:
            raise BadRequest(f"{path}, line 1, column {at}: each column needs a name of its own")
    return names


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - CSV needs no 170 MB of Arrow
    except ImportError:
        raise BadRequest(
            "Parquet needs pyarrow: install Naru with its extra `combine`, or give a CSV"
        ) from None
    try:
        return parquet.ParquetFile(path)
    except FileNotFoundError:
        raise NotFound(f"{path} is not here") from None
    except (ArrowException, OSError):
        raise BadRequest(f"{path} is no Parquet file") from None


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    number = 0
    with _parquet(path) as file:
        for batch in file.iter_batches(columns=list(columns)):
            cells = [map(_text, batch.column(name).to_pylist()) for name in columns]
            for row in zip(*cells, strict=True):
                number += 1
                yield number, row


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends well, and else never was."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with suppress(FileNotFoundError):
        beside.unlink()  # of a run that was killed
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """A CSV, whole or not at all; returns how many rows."""
    count = 0
    with replacing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def hash_file(path: Path) -> str:
    """SHA-256 in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASH_BYTES):
            found.update(part)
    return found.hexdigest()
