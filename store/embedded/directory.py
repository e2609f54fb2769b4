"""The places of an embedded server: its directory, locked, and a short one for its sockets.

It decides who may use a directory. What is in it is the business of the servers.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from protocols.errors import Conflict, Unavailable

ROOT = 0
MAX_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS


def fingerprint(directory: Path) -> str:
    """Eight characters that stand for this directory on this machine."""
    return hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:8]


def socket_directory(data_dir: Path) -> Path:
    """A short directory for this data directory and this user alone, made when it is not there.

    Socket paths are limited to about a hundred characters, paths of data directories are not.
    Nobody but the user can enter it; for root others may pass, but only to a directory within
    that is theirs, since Postgres does not run as root.

    Raises:
        Conflict: Somebody else has put something in its place.
    """
    place = Path("/tmp") / f"pygent-{fingerprint(data_dir)}-{os.geteuid()}"  # noqa: S108 - checked
    return ours_for_sockets(place)


def ours_for_sockets(place: Path) -> Path:
    """The directory, as `socket_directory` promises it."""
    return private_directory(place, mode=0o711 if os.geteuid() == ROOT else 0o700)


def private_directory(place: Path, *, mode: int = 0o700, uid: int = -1, gid: int = -1) -> Path:
    """A real directory of exactly this mode and owner, made when it is not there.

    Args:
        place: Its parent exists.
        mode: Permissions.
        uid: The owner; -1 is the current user. Only root may name another.
        gid: The group of a directory that is made; -1 is the current one.

    Raises:
        Conflict: It is a link, a file, or somebody else's.
    """
    owner = uid if uid >= 0 else os.geteuid()
    try:
        place.mkdir(mode=0o700)
        if uid >= 0:
            os.chown(place, uid, gid, follow_symlinks=False)
    except FileExistsError:
        pass

    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Conflict(f"{place} must be a directory, and is not; remove it")
    if found.st_uid != owner:
        raise Conflict(f"{place} must belong to user {owner}, and belongs to user {found.st_uid}")
    if stat.S_IMODE(found.st_mode) != mode:
        place.chmod(mode)
    return place


def socket_in(directory: Path, name: str) -> Path:
    """The path of a socket in this directory, short enough to be one."""
    path = directory / name
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise Unavailable(
            f"the socket path {path} is longer than {MAX_SOCKET_PATH} bytes;"
            " use socket_directory() or a shorter one"
        )
    return path


@contextmanager
def locked(directory: Path) -> Generator[Path]:
    """The directory by its absolute path, ours alone until the end of the block, or of us.

    Raises:
        Conflict: Another living process holds it; the message names both.
        Unavailable: It cannot be made or written.
    """
    directory = directory.absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{directory} cannot be used: {error.strerror}") from error

    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode() or "that is just starting"
            raise Conflict(
                f"{directory} is in use by process {holder};"
                " stop it first, or choose another data directory"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield directory
    finally:
        os.close(lock)
