"""PyGent Factory from one's own programs: `import pygent`.

    with pygent.Client() as client:
        print(client.run("guide", "What is an attempt?"))

The code lies in `protocols/sdk/`. In a wheel it lies beside this file, with what it needs of the
language, under a name that is ours alone (decision 8); nothing else of the factory is imported.
"""

from protocols.sdk import *  # noqa: F403  one list of names, in the SDK itself
from protocols.sdk import __all__ as __all__
