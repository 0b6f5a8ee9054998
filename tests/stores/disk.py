"""The disk under SQLite, which can be made full or broken for everything that this process writes to a database."""

import ctypes
import errno

import apsw

_WRITE = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, use_errno=True
)


class Disk:
    """`room` is how many more writes succeed (None: any number); those after it fail with `error`."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.error = errno.ENOSPC
        self._calls = apsw.VFS("disk", base="unix")
        self._real = _WRITE(self._calls.xGetSystemCall("pwrite64") or 0)
        self._ours = _WRITE(self._write)
        self._calls.xSetSystemCall("pwrite64", ctypes.cast(self._ours, ctypes.c_void_p).value or 0)

    def restore(self) -> None:
        self._calls.xSetSystemCall("pwrite64", 0)
        self._calls.unregister()

    def _write(self, file: int, buffer: int, size: int, at: int) -> int:
        if self.room is not None:
            if self.room == 0:
                ctypes.set_errno(self.error)
                return -1
            self.room -= 1
        written: int = self._real(file, buffer, size, at)
        return written
