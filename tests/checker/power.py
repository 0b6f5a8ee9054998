"""A power cut, without the machine's: what SQLite wrote and did not sync is undone after everybody was killed.

Installed in a server (site/sitecustomize.py), it has each write note beside the file what was there before, and each sync
forget the notes. Writers queue at the gate, so that two never note at once.
"""

import os
import struct
from pathlib import Path

import apsw

_NOTE = struct.Struct("<qqq")  # where, how much of the file was there, and how large the file was


def install() -> None:
    global _vfs  # noqa: PLW0603 - apsw forgets one that nobody holds
    _vfs = _Vfs()


def cut(database: Path) -> int:
    """Undoes what was not synced, with all who had it open dead; how many writes that were."""
    return sum(_undo(file) for file in (database, Path(f"{database}-wal")))


def _undo(file: Path) -> int:
    notes, writes = Path(f"{file}-unsynced"), []
    data, at = notes.read_bytes() if notes.exists() and file.exists() else b"", 0
    while at + _NOTE.size <= len(data):
        where, length, size = _NOTE.unpack_from(data, at)
        at += _NOTE.size + length
        if at <= len(data):  # else it died while noting, before it wrote
            writes.append((where, data[at - length : at], size))
    for where, before, size in reversed(writes):
        os.truncate(file, size)
        with file.open("r+b") as opened:
            opened.seek(where)
            opened.write(before)
    notes.unlink(missing_ok=True)
    return len(writes)


class _Vfs(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("unsynced", "unix", makedefault=True)

    def xOpen(self, name: object, flags: list[int]) -> "_File":
        return _File(name, flags)


class _File(apsw.VFSFile):
    def __init__(self, name: object, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        kinds = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL
        self._notes: int | None = None
        if isinstance(path, str) and flags[0] & kinds:
            self._notes = os.open(f"{path}-unsynced", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._notes is not None:
            size = self.xFileSize()
            before = self.xRead(min(len(data), size - offset), offset) if offset < size else b""
            os.write(self._notes, _NOTE.pack(offset, len(before), size) + before)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        if self._notes is not None:
            os.ftruncate(self._notes, 0)

    def xClose(self) -> None:
        super().xClose()
        if self._notes is not None:
            os.close(self._notes)
            self._notes = None
