"""Compiled kernels on disk that are never older than their sources.

Numba keeps a compiled kernel until the kernel's own file changes. A kernel that calls functions of other files would
then go on with their old code after an update of a checkout. Hence every process looks once whether any source of the
package has changed since the kernels were compiled, and throws them away if so.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path

from eyehand.data.durable import replace_text

_PACKAGE = Path(__file__).parents[1]
_STAMP = Path(__file__).parent / "__pycache__" / "kernels.sha256"


@lru_cache(maxsize=1)
def refresh(package: Path = _PACKAGE, stamp: Path = _STAMP) -> bool:
    """Delete compiled kernels if a source has changed; says whether it did.

    Nothing happens where the package cannot be written to: there nobody changes a source either.

    Args:
        package: folder of the sources.
        stamp: file that holds the digest of the sources the kernels were compiled from.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = path.read_bytes()
        if b"numba" in content:
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + content)
    with contextlib.suppress(OSError):
        if stamp.exists() and stamp.read_text(encoding="utf-8").strip() == digest.hexdigest():
            return False
        for path in [*package.rglob("*.nbi"), *package.rglob("*.nbc")]:
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        replace_text(stamp, digest.hexdigest() + "\n")
        return True
    return False
