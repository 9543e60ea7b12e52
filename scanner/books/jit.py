"""How kernels are compiled: on first use, once per machine, into the user's cache directory.

``kernel`` marks a function that Python calls; ``inlined`` and ``subroutine`` those that only
kernels call. Nothing is
compiled at import.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import cgutils
from numba.extending import intrinsic


def cache_folder() -> Path:
    """Where compiled kernels are kept: a folder for each state of their sources.

    numba looks only at the file of the function itself, so a kernel whose callee in another file
    has changed would be taken from the cache as it was. Those sources are the columns of the memory
    and whatever imports this.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for sources in ("books/*.py", "engine/*.py", "fast/*.py", "feeds/frames.py"):
        for source in sorted(package.glob(sources)):
            text = source.read_bytes()
            if source.stem in {"layout", "jit"} or b"from scanner.books.jit import" in text:
                digest.update(text)
    # numba keeps what each place of the package has compiled apart.
    digest.update(os.fsencode(package))
    digest.update(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    return Path(platformdirs.user_cache_dir("crossbook")) / "kernels" / digest.hexdigest()[:16]


# numba has read the environment already if another module was the first to import it.
numba.config.CACHE_DIR = os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder()))

CHECKED = bool(numba.config.BOUNDSCHECK)
"""Whether views are arrays, with every index checked."""


def kernel(function: Callable[..., Any]) -> Any:
    """A compiled function, called from Python with scalars, bytes and one context address."""
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A compiled function that becomes part of the kernels that call it, whatever the compiler
    thinks of that. It looks at memory through views (``scanner.books.memory``) and makes no array
    of its own, so there are no references to count."""
    options = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": CHECKED}
    return numba.njit(forceinline=True, **options)(function)


def subroutine(function: Callable[..., Any]) -> Any:
    """As ``inlined``, but one that the kernels call, for it is large."""
    return numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=CHECKED)(function)


@intrinsic  # type: ignore[untyped-decorator]
def pointer(typing_context: Any, address: Any) -> Any:
    """An integer address as a pointer for ``numba.carray``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return numba.types.voidptr(address), code


@intrinsic  # type: ignore[untyped-decorator]
def bytes_address(typing_context: Any, raw: Any) -> Any:
    """Where the content of a ``bytes`` object lies."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        buffer = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(buffer.data, cgutils.intp_t)

    return numba.types.intp(raw), code
