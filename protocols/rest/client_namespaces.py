"""Namespaces of application channels, over HTTP."""

from protocols.operations.listings import Listing
from protocols.operations.namespaces import UNNAMED, Namespace, NamespaceRules
from protocols.rest.client_http import Http, part


class RestNamespaces:
    """Keeps the promise `protocols.operations.namespaces.NamespaceOperations`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def list(self) -> list[Namespace]:
        """All of them by name."""
        return (await self._http.model("GET", "/namespaces", Listing[Namespace])).items

    async def put(self, name: str, rules: NamespaceRules) -> Namespace:
        """There is a namespace of this name with these rules."""
        return await self._http.model("PUT", _path(name), Namespace, body=rules)

    async def delete(self, name: str) -> Namespace:
        """There is none of this name."""
        return await self._http.model("DELETE", _path(name), Namespace)


def _path(name: str) -> str:
    return f"/namespaces/{part(name or UNNAMED)}"
