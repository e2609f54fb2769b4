"""`python -m deploy.reference [--check]`: write the marked places, or say which are outdated."""

import sys

from deploy.reference.pages import outdated, write


def main(*arguments: str) -> int:
    """The exit code: 1 when pages are not what the code says, and were only to be checked."""
    if "--check" in arguments:
        pages = outdated()
        for page in pages:
            sys.stderr.write(f"{page} is not what the code says; run `make docs`\n")
        return 1 if pages else 0
    for page in write():
        sys.stdout.write(f"{page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
