"""Turns itself into a server that ends when its parent does; run as a script, never imported.

    python -I -S launcher.py PARENT_PID SIGNAL UID GID COMMAND [ARGUMENT…]

The embedded servers are started through it, because what it does must happen between fork and exec,
where a program with threads may not run Python. It drops root's rights (UID -1: keeps them), asks
Linux to send SIGNAL when the parent dies, however it dies, and becomes COMMAND with a clean
environment. Elsewhere than on Linux nobody sends that signal: there the next start ends the orphan.

It must come in this order: the C library is loaded while its files can still be read, and a change
of the user clears the signal of the parent's death.
"""

import ctypes
import os
import sys

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)

# Neither PGOPTIONS and the like nor a locale of the caller may change what a server does.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def become(command: list[str], *, parent: int, signal: int, uid: int, gid: int) -> None:
    """Replaces this process by the command; ends it when the parent is already gone."""
    library = ctypes.CDLL(None)

    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    if sys.platform == "linux":
        library.prctl(SET_PARENT_DEATH_SIGNAL, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that started this server has ended")

    os.execve(command[0], command, ENVIRONMENT)  # noqa: S606 - the caller's own fixed command


if __name__ == "__main__":
    _parent, _signal, _uid, _gid = map(int, sys.argv[1:5])
    become(sys.argv[5:], parent=_parent, signal=_signal, uid=_uid, gid=_gid)
