"""The installed command: puts the factory's packages on the path and runs it.

The wheel carries our packages under `_app/`, so that names such as `agents` never collide with
other distributions in the same environment. A checkout has them at its top level already.
"""

import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the `pygent` command and leave with its exit code.

    Ctrl-C during the import ends the process as the signal does, without a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    application = Path(__file__).parent / "_app"
    if application.is_dir():
        sys.path.insert(0, str(application))
    from hub.cli.app import run  # noqa: PLC0415  the path is set only now

    run()
