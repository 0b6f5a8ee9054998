"""The system's crypt(3), for hashes that began in a shadow file. It computes outside the interpreter's lock.

The C libraries of Linux have it (libxcrypt's, musl's own); where there is none, such hashes cannot be imported.
"""

import ctypes
from contextlib import suppress
from hmac import compare_digest

_LONGEST = 255  # bytes that every implementation reads whole
_STATE = 1 << 18  # bytes, more than the state of any


def _find() -> "ctypes._NamedFuncPointer | None":
    for library in ("libcrypt.so.1", "libcrypt.so.2", None):
        with suppress(OSError, AttributeError):
            found = ctypes.CDLL(library).crypt_r
            found.argtypes, found.restype = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p), ctypes.c_char_p
            return found
    return None


_CRYPT = _find()
AVAILABLE = _CRYPT is not None


def matches(secret: bytes, hashed: str) -> bool:
    """Whether `hashed`, in the form of crypt(3), is of `secret`. No longer secret than 255 bytes ever matches."""
    # C sees neither what follows a zero byte nor, in some libraries, a long secret: such a one is checked, and wrong.
    seen = secret[:_LONGEST].partition(b"\0")[0]
    made = _CRYPT(seen, hashed.encode(), ctypes.create_string_buffer(_STATE)) if _CRYPT else None
    return made is not None and compare_digest(made, hashed.encode()) and len(seen) == len(secret)
