"""`python -m bench [--quick] [--minutes N] [--list] [NAME …]`: what we promise, and its limit.

Without names all benches run, one after the other. The exit code is 1 when a limit is not met.
"""

import argparse
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from time import perf_counter

import anyio

from bench.result import Result

Run = Callable[..., Awaitable[list[Result]] | list[Result]]


def main() -> int:
    """Runs what is asked for and prints a line for each number."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="*", help="benches to run; all when none is named")
    parser.add_argument("--quick", action="store_true", help="shorter, and less to be relied on")
    parser.add_argument("--minutes", type=float, help="how long benches watch that watch for long")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    chosen = parser.parse_args()

    benches = _benches()
    if unknown := sorted(set(chosen.name) - benches.keys()):
        parser.error(f"there is no bench {unknown[0]}; there are {', '.join(benches)}")
    if chosen.list:
        for name, module in benches.items():
            print(f"{name:<16} {(inspect.getdoc(module) or '').splitlines()[0]}")
        return 0
    options = {"quick": chosen.quick, "minutes": chosen.minutes}
    is_met = [_print(name, options) for name in chosen.name or benches]
    return 0 if all(is_met) else 1


def _benches() -> dict[str, object]:
    """Modules of this folder that can be run."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    modules = {name: import_module(f"bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def _print(name: str, options: Mapping[str, object]) -> bool:
    started = perf_counter()
    print(f"{name}{' (quick)' if options['quick'] else ''}", flush=True)
    results = _results(import_module(f"bench.{name}").run, options)
    for result in results:
        print(_line(result), flush=True)
    print(f"  {perf_counter() - started:.0f} s\n", flush=True)
    return all(result.is_met is not False for result in results)


def _results(run: Run, options: Mapping[str, object]) -> list[Result]:
    known = inspect.signature(run).parameters
    wanted = {name: value for name, value in options.items() if name in known}

    async def waited() -> list[Result]:
        results = run(**wanted)
        return await results if inspect.isawaitable(results) else results

    return anyio.run(waited, backend_options={"use_uvloop": True})


def _line(result: Result) -> str:
    value = f"{result.value:,.0f}" if abs(result.value) >= 1000 else f"{result.value:.4g}"
    verdict = {True: "met", False: "NOT MET", None: ""}[result.is_met]
    limit = f"limit {result.limit}" if result.limit else ""
    return f"  {result.name:<72} {value:>10} {result.unit:<10} {limit:<14} {verdict}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
