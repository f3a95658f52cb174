"""`python -m eyehand`: the same as the command `eyehand`."""

from __future__ import annotations

import sys

from eyehand.cli import main

if __name__ == "__main__":
    sys.exit(main())
