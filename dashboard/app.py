"""Serves the built site: pages, their scripts and fonts, with the headers that keep them safe.

The site is what `dashboard/frontend.py` was compiled to. This process never imports Reflex: the
pages hold no state on a server, so files are enough, and a hub that serves them stays small.
Nothing here decides who may look: pages are public files, the data behind them is not.
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from dashboard import routes
from protocols.errors import Unavailable

FALLBACK = "404.html"  # draws any route, and says so when there is none
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_YEAR_SECONDS = 31_536_000
_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"  # of what is no page: short, sent often
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # as the build writes them, the smallest first


@contextlib.asynccontextmanager
async def lifespan(_app: object = None) -> AsyncIterator[None]:
    """Nothing to open or close; there so that composers need not know that."""
    yield


def application(site: Path) -> Starlette:
    """Serves the site in that folder under `/`.

    Raises:
        Unavailable: The site was not built.
    """
    if not (site / FALLBACK).is_file():
        raise Unavailable(f"the pages are not built: {site / FALLBACK} is missing; run `make site`")
    return Starlette(routes=[Mount("/", app=_Site(site), name="pages")], lifespan=lifespan)


def script_hashes(site: Path) -> tuple[str, ...]:
    """The hashes of all inline scripts of the built pages: `sha256-…`, without quotes."""
    found = {script for page in sorted(site.rglob("*.html")) for script in _inline_scripts(page)}
    return tuple(f"sha256-{_digest(script)}" for script in sorted(found))


def content_security_policy(site: Path) -> str:
    """What the pages may load and run: this origin's files, and the scripts they were built with.

    Styles may stand in elements: bars and lanes are placed by them. Scripts may not.
    """
    scripts = " ".join(["'self'", *(f"'{one}'" for one in script_hashes(site))])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ],
    )


class _Site(StaticFiles):
    """The files, compressed where the build did that and the reader can read it."""

    def __init__(self, site: Path) -> None:
        super().__init__(directory=site, html=True)
        self._folder = site
        self._headers = {
            "content-security-policy": content_security_policy(site),
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }
        self._routes = tuple((route, _pattern(route)) for route in routes.ALL)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at that path; a page's own, or the one that draws any route."""
        response = await super().get_response(self._file(path), scope)
        if isinstance(response, FileResponse):
            response = self._smaller(response, scope)
        response.headers["cache-control"] = _lifetime(path, response.status_code)
        response.headers["vary"] = "accept-encoding"
        response.headers.update(self._headers)
        if path.startswith("assets/"):
            response.headers["content-security-policy"] = _FILE_POLICY
        return response

    def _file(self, path: str) -> str:
        """`tasks` is `tasks.html`; a route with parameters has one for all of them."""
        if path == "." or "." in Path(path).name:
            return path
        if _is_file(self._folder / f"{path}.html"):
            return f"{path}.html"
        for route, pattern in self._routes:
            if pattern.fullmatch(f"/{path}"):
                drawn = f"{routes.drawn_at(route)[1:]}.html"
                return drawn if _is_file(self._folder / drawn) else FALLBACK
        return path

    def _smaller(self, response: FileResponse, scope: Scope) -> Response:
        headers = Headers(scope=scope)
        reads = headers.get("accept-encoding", "")
        for encoding, suffix in _ENCODINGS:
            packed = Path(f"{response.path}{suffix}")
            if encoding not in reads or not packed.is_file():
                continue
            smaller = FileResponse(
                packed,
                status_code=response.status_code,
                media_type=response.media_type,
                headers={"content-encoding": encoding},
                stat_result=packed.stat(),
            )
            if self.is_not_modified(smaller.headers, headers):
                return NotModifiedResponse(smaller.headers)
            return smaller
        return response


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is longer than any file's
        return False


def _lifetime(path: str, status: int) -> str:
    is_named_by_content = path.startswith("assets/") and status == 200  # noqa: PLR2004  found
    return f"public, max-age={_YEAR_SECONDS}, immutable" if is_named_by_content else "no-cache"


def _inline_scripts(page: Path) -> Iterator[str]:
    yield from _INLINE_SCRIPT.findall(page.read_text())


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _pattern(route: str) -> re.Pattern[str]:
    """A route's pattern: each part in brackets stands for one part of a path."""
    parts = ("[^/]+" if part.startswith("[") else re.escape(part) for part in route.split("/"))
    return re.compile("/".join(parts))
