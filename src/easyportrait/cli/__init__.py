"""The command line: one thin file per command, over the same core as Python.

Exit status 0 means all done; otherwise the error's own (errors.py). Nothing but results
goes to stdout.
"""

import os
import sys
import warnings

from ..errors import EasyPortraitError


def main() -> None:
    """Run the command line and leave with its exit status."""
    # before NumPy is loaded: work goes to all cores by threads of ours, and OpenBLAS's own
    # would fight them over every small product
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .app import app
    from .common import complain

    # limits are ours to check (image/io.py), and what else Pillow notices in a stranger's
    # picture would fill a server's log, and its memory: Python keeps each text
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        app(prog_name="easyportrait")
    except EasyPortraitError as error:
        complain(error)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.exit(1)
