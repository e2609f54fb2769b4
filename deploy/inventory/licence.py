"""Which licences may be shipped: permissive ones, and others only by the component's name.

A choice (`OR`) is good when one of its branches is; a sum (`AND`) when all of its parts are.
"""

from collections.abc import Sequence
from functools import cache

from license_expression import (
    AND,
    ExpressionError,
    LicenseExpression,
    Licensing,
    get_spdx_licensing,
)

from deploy.inventory.component import Component
from deploy.inventory.facts import Accepted

PERMISSIVE = frozenset(
    {
        *("0BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "Unlicense", "Zlib"),
        *("Apache-2.0", "BSL-1.0", "CC0-1.0", "PSF-2.0", "CNRI-Python", "PostgreSQL", "OLDAP-2.8"),
        *("Unicode-3.0", "Unicode-DFS-2016", "X11-distribute-modifications-variant"),
        *("CDLA-Permissive-2.0", "OFL-1.1"),  # of data and of fonts
    }
)
# What these exceptions permit makes the licence no stricter.
HARMLESS = frozenset({"Apache-2.0 WITH LLVM-exception"})

WORDS = {  # as metadata of older packages words a licence
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def refused(components: Sequence[Component], accepted: Sequence[Accepted]) -> list[str]:
    """A sentence for each component that may not be shipped."""
    by_name = {(entry.name, entry.licence) for entry in accepted}
    return [
        f"{c.name} {c.version} ({c.within or 'by itself'}): {c.licence or 'no licence known'}"
        " is not permissive and was not accepted by name in deploy/inventory/facts.toml"
        for c in components
        if not is_permissive(c.licence) and (c.name, c.licence) not in by_name
    ]


@cache
def is_permissive(licence: str) -> bool:
    """Whether everything it demands is to keep its text.

    Raises:
        ValueError: It is no SPDX expression.
    """
    if not licence:
        return False
    try:
        parsed = spdx().parse(licence, validate=True)
    except ExpressionError as error:
        raise ValueError(f"{licence!r} is no SPDX expression") from error
    return parsed is not None and _is_permissive(parsed)


def _is_permissive(node: LicenseExpression) -> bool:
    if not node.args:
        return str(node) in PERMISSIVE | HARMLESS
    parts = [_is_permissive(part) for part in node.args]
    return all(parts) if isinstance(node, AND) else any(parts)


@cache
def spdx() -> Licensing:
    """The list of SPDX; takes half a second."""
    return get_spdx_licensing()
