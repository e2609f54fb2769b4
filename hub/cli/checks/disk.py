"""The data directory: whether it can be written, is free, has room, and is on a disk of its own."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hub.cli.checks.finding import Finding, fine, wrong

GIB = 1024**3
NEEDED_BYTES = GIB  # a new factory takes a tenth of it
NETWORK_DISKS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs"}
    | {"davfs", "webdav", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs"}
)
ELSEWHERE = "set PYGENT_DATA_DIR to a folder of yours on a local disk"


class Mount(Protocol):
    """A file system in its place, as psutil tells it."""

    @property
    def mountpoint(self) -> str: ...  # noqa: D102
    @property
    def fstype(self) -> str: ...  # noqa: D102


def data_directory(
    directory: Path,
    *,
    is_ours: bool,
    mounts: Sequence[Mount],
    needed_bytes: int = NEEDED_BYTES,
) -> Finding:
    """Embedded servers can keep their data there.

    Args:
        directory: It need not exist yet.
        is_ours: The factory that runs on it is known, so that its lock is no finding.
        mounts: The file systems of this machine.
        needed_bytes: As much must be free.
    """
    directory = directory.absolute()
    findings = (
        _unwritable(directory),
        None if is_ours else _in_use(directory),
        _full(directory, needed_bytes),
        _network(directory, mounts),
    )
    found = next((finding for finding in findings if finding is not None), None)
    return found or fine("data", f"{directory}, {_free(directory) / GIB:.1f} GiB free")


def _existing(directory: Path) -> Path:
    return next(place for place in (directory, *directory.parents) if _is_seen(place))


def _is_seen(place: Path) -> bool:
    try:
        return place.exists()
    except PermissionError:  # within a folder that we may not enter
        return False


def _unwritable(directory: Path) -> Finding | None:
    place = _existing(directory)
    try:
        with tempfile.TemporaryFile(dir=place):
            return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return wrong("data", f"{place} cannot be written: {reason}", cure=ELSEWHERE)


def _in_use(directory: Path) -> Finding | None:
    try:
        descriptor = os.open(directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace") or "that is just starting"
        return wrong(
            "data",
            f"{directory} is in use by process {holder}, which does not say that it is ready",
            cure="wait until it is, or stop that process and look at what it printed",
        )
    finally:
        os.close(descriptor)
    return None


def _full(directory: Path, needed_bytes: int) -> Finding | None:
    free = _free(directory)
    if free >= needed_bytes:
        return None
    seen = f"the disk of {directory} has {free / GIB:.1f} GiB left; {needed_bytes / GIB:.1f} needed"
    return wrong("data", seen, cure=f"make room there, or {ELSEWHERE}")


def _free(directory: Path) -> int:
    return shutil.disk_usage(_existing(directory)).free


def _network(directory: Path, mounts: Sequence[Mount]) -> Finding | None:
    place = _existing(directory).resolve()
    under = [mount for mount in mounts if place.is_relative_to(mount.mountpoint)]
    if not under:
        return None
    nearest = max(under, key=lambda mount: len(mount.mountpoint))
    if nearest.fstype not in NETWORK_DISKS:
        return None
    return wrong(
        "data",
        f"{directory} is on a network disk ({nearest.fstype}); databases lose data on those",
        cure=ELSEWHERE,
    )
