"""What the build does so that a page is seen and used sooner; runs only inside `reflex export`.

Reflex's runtime for a backend is left out, for there is none. Every page is drawn when the site is
built, those with parameters too, and carries its styles, so that it is seen before any script runs.
Scripts are few, all of a page's are asked for at once, and so is what it will read first.
Nothing here changes what a page shows.
"""

import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reflex.plugins import Plugin

from dashboard import routes

_RUNTIME = Path(__file__).parent / "runtime"
_MODULES = {  # of Reflex: the file of ours that stands for it
    "@emotion/react": "jsx.js",
    "$/utils/state": "state.js",
    "$/utils/context": "context.js",
}
_CHUNKS = {  # files that are loaded as one: what belongs to them; the first that fits
    "core": (
        r"/node_modules/(react|react-dom|react-router|scheduler|cookie|set-cookie-parser)/"
        r"|/\.web/(runtime|utils)/|/\.web/app/[^/]+$|/\.web/public/boundary|preload-helper"
    ),
    "frame": (
        r"/node_modules/(centrifuge|events)/|/\.web/public/"
        r"(api|charts|density|format|kept|key_map|keys|live|may|notices|overview_data|palette"
        r"|palette_data|parts|recent|run|shell|started|worker)\.jsx?$"
    ),
}
_GROUPS = "groups: ["
_ALIASES = "alias: ["
_HINT = re.compile(r'jsx\("link",\{[^{}]*href:reflexGlobalStyles[^{}]*\},\),')
_KEPT = "globalThis.pygentStyles = reflexGlobalStyles; // else the bundler leaves the file out"
_STYLED = re.compile(r"\bcss:\(")
_STYLES = "assets/__reflex_global_styles-*.css"
_PRELOADED = re.compile(r'<link rel="modulepreload" href="/(assets/[^"]+)"/>')
_MANIFEST = re.compile(r'import "/(assets/manifest-[^"]+)";')
_ROOT = re.compile(r'import \* as route0 from "/(assets/root-[^"]+)";')
_ENTRY = re.compile(r'import\("/(assets/entry\.client-[^"]+)"\);')
_PASSED_ON = re.compile(r'export\{([^}]+)\}from"\./([^"]+)";\s*')
_ONLY_RUN = re.compile(r'import"\./([^"]+)";\s*')
_NEEDED = re.compile(r'"(assets/[^"]+\.js)"')


class OwnRuntime(Plugin):
    """Puts small modules in the place of those with which Reflex speaks to a backend."""

    def get_static_assets(self, **_context: object) -> Sequence[tuple[Path, str | bytes]]:
        """The modules, for the bundler."""
        names = _MODULES.values()
        return [(Path("runtime") / name, (_RUNTIME / name).read_text()) for name in names]

    def pre_compile(self, **context: object) -> None:
        """Tell the bundler, when its settings are written."""
        modify = context["add_modify_task"]
        modify("vite.config.js", _bundled)  # pyright: ignore[reportCallIssue]

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """See that no page needed what was left out.

        Raises:
            RuntimeError: One does.
        """
        for source in (static_dir.parents[1] / "app").rglob("*.jsx"):
            if _STYLED.search(source.read_text()):
                raise RuntimeError(f"{source.name} has a style of its own; write a class instead")


class EarlyPages(Plugin):
    """Makes every page one that is seen before its scripts come. Before the offline shell."""

    def pre_compile(self, **context: object) -> None:
        """Draw all pages when the site is built, and leave their stylesheet to `post_build`."""
        modify = context["add_modify_task"]
        modify("react-router.config.js", _all_drawn)  # pyright: ignore[reportCallIssue]
        modify("app/_document.js", _without_stylesheet)  # pyright: ignore[reportCallIssue]

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """Write into each page its styles, and what it will need."""
        (styles,) = static_dir.glob(_STYLES)
        head = f"<style>{styles.read_text().strip()}</style>"
        reads = dict(_reads())
        for page in static_dir.rglob("*.html"):
            text = page.read_text()
            at = "/" + str(page.relative_to(static_dir)).removesuffix(".html")
            at = at.removesuffix("/index") or "/"
            early = _early(reads[at]) if at in reads else ""
            text = _entered(text, static_dir)
            scripts = "".join(_hints(text, static_dir))
            text = _PRELOADED.sub("", text)
            page.write_text(text.replace("</head>", f"{head}{early}{scripts}</head>", 1))
        styles.unlink()


def _bundled(config: str) -> str:
    aliases = [
        f'{{ find: "{module}", replacement: fileURLToPath(new URL("./runtime/{file}", '
        "import.meta.url)) },"
        for module, file in _MODULES.items()
    ]
    groups = [
        f"{{ name: {json.dumps(name)}, test: /{pattern.replace('/', chr(92) + '/')}/ }},"
        for name, pattern in _CHUNKS.items()
    ]
    config = _after(config, _ALIASES, "".join(aliases))
    return _after(config, _GROUPS, "".join(groups))


def _all_drawn(config: str) -> str:
    """With an address for each page, also where a parameter stands in it."""
    addresses = [routes.drawn_at(route) for route in routes.ALL]
    return _instead(config, '"prerender": true', f'"prerender": {json.dumps(addresses)}')


def _without_stylesheet(document: str) -> str:
    text, count = _HINT.subn("", document)
    if not count:
        raise RuntimeError("Reflex's document has no stylesheet where it had one")
    return f"{text}\n{_KEPT}\n"


def _reads() -> Iterator[tuple[str, str]]:
    """Where a page is drawn, and what it asks first; `[2]` is the second part of its address."""
    for route in routes.ALL:
        paths = " ".join(["/me", *routes.READS.get(route, ())])
        for place, part in enumerate(route.split("/")):
            if part.startswith("["):
                paths = paths.replace(part, f"[{place}]")
        if route != routes.LOGIN:
            yield routes.drawn_at(route), paths


def _early(paths: str) -> str:
    """The script that asks before the others, and the paths of the API it asks for."""
    return (
        f'<script data-reads="{html.escape(paths)}">{(_RUNTIME / "early.js").read_text()}</script>'
    )


def _hints(page: str, site: Path) -> Iterator[str]:
    """All scripts of a page, also those its own script asks for; after what is seen."""
    named = _PRELOADED.findall(page)
    later = [
        needed
        for script in named
        if "_index-" in script
        for needed in _NEEDED.findall((site / script).read_text())
    ]
    for script in dict.fromkeys([*named, *later]):
        yield f'<link rel="modulepreload" fetchpriority="low" href="/{script}"/>'


def _entered(page: str, site: Path) -> str:
    """The page with what its three smallest files say written into it: each was a round trip."""

    def manifest(found: re.Match[str]) -> str:
        return (site / found[1]).read_text()

    def root(found: re.Match[str]) -> str:
        passed = _one(_PASSED_ON, site / found[1])
        names = [one.split(" as ") for one in passed[1].split(",")]
        mine = ",".join(f"{inner} as root_{outer}" for inner, outer in names)
        kept = ",".join(f"{outer}:root_{outer}" for _, outer in names)
        return f'import{{{mine}}}from"/assets/{passed[2]}";const route0={{{kept}}};'

    def entry(found: re.Match[str]) -> str:
        return f'import("/assets/{_one(_ONLY_RUN, site / found[1])[1]}");'

    for pattern, written in ((_MANIFEST, manifest), (_ROOT, root), (_ENTRY, entry)):
        file = pattern.search(page)
        if file is None:
            raise RuntimeError(f"a page names no file like {pattern.pattern}")
        page = pattern.sub(written, page).replace(
            f'<link rel="modulepreload" href="/{file[1]}"/>', ""
        )
    return page


def _one(pattern: re.Pattern[str], file: Path) -> re.Match[str]:
    found = pattern.fullmatch(file.read_text())
    if found is None:
        raise RuntimeError(f"{file.name} is more than a way to another file")
    return found


def _after(text: str, mark: str, more: str) -> str:
    return _instead(text, mark, mark + more)


def _instead(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise RuntimeError(f"Reflex writes {old!r} elsewhere now, or not once")
    return text.replace(old, new)
