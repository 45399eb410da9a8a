"""JupyterLab with the extension, in Chromium: what it costs at the start, and how fast the panel's graph is.

The least of several pages, each with empty caches; of frames the median. Needs Chromium, and the extension that
`make lab` builds.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.lab_page import OURS, SAMPLE_US, browser, missing, open_lab, own_seconds, page, server, write_notebook
from bench.measure import Line

STARTS, OPENINGS, LARGE_OPENINGS = 5, 5, 3
SMALL, LARGE = "small.ipynb", "large.ipynb"
STEPS = {SMALL: 50, LARGE: 1000}
MOVES = 120

_SHOW = """
(count) => new Promise(done => {
  const began = performance.now();
  const look = () => document.querySelectorAll('#mlstack-panel .mlstack-node').length === count
    ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
    : requestAnimationFrame(look);
  jupyterapp.commands.execute('mlstack:show-panel');
  look();
})
"""
_WATCH_FRAMES = """
() => {
  window.frames_ms = [];
  let last = performance.now();
  const next = now => { window.frames_ms.push(now - last); last = now; window.watching = requestAnimationFrame(next); };
  window.watching = requestAnimationFrame(next);
}
"""
_FRAMES = "() => { cancelAnimationFrame(window.watching); return window.frames_ms.slice(2); }"


def lines() -> Iterator[Line]:
    lacking = missing()
    if lacking:
        print(f"JupyterLab in a browser is left out: {lacking}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch:
        home, root = Path(scratch, "home"), Path(scratch, "root")
        for folder in (home, root, root / ".mlstack"):
            folder.mkdir()
        for name, steps in STEPS.items():
            write_notebook(root / name, ["%load_ext mlstack_nb", "n = 0", *map(_step, range(steps))])
        with server(home, root) as url, browser() as running:
            yield from _start(running, url)
            yield from _graphs(running, url)


def _step(number: int) -> str:
    """Reads one or two of the fourteen before it: a graph as wide, and with as many crossings, as those of people."""
    read = {number - 1 - number * number % min(number, 14)} if number else set()
    read |= {number - 1} if number % 3 == 1 and number > 1 else set()
    return f"%%step s{number} -> x{number}\nx{number} = {' + '.join(f'x{one}' for one in sorted(read)) or 'n'}"


def _start(running: Any, url: str) -> Iterator[Line]:
    spent: dict[str, list[float]] = {"": [], SMALL: []}
    loaded = 0
    for notebook in [*spent] * STARTS:
        with page(running, url) as one:
            answers: list[Any] = []
            one.on("response", lambda answer, seen=answers: seen.append(answer))
            spent[notebook].append(_own_ms(one, url, notebook))
            ours = {answer.url: answer for answer in answers if OURS in answer.url}
            loaded = sum(len(gzip.compress(answer.body())) for answer in ours.values())
    yield Line("JupyterLab starts: CPU of the main thread", min(spent[""]), "ms", 50)
    yield Line("the same with a notebook of 50 steps", min(spent[SMALL]), "ms", 50)
    yield Line("loaded at the start, compressed", loaded / 1e3, "kB", 400)


def _own_ms(page: Any, url: str, notebook: str) -> float:
    session = page.context.new_cdp_session(page)
    session.send("Profiler.enable")
    session.send("Profiler.setSamplingInterval", {"interval": SAMPLE_US})
    session.send("Profiler.start")
    open_lab(page, url, notebook)
    return own_seconds(session.send("Profiler.stop")["profile"]) * 1e3


def _graphs(running: Any, url: str) -> Iterator[Line]:
    small = [_opening(running, url, SMALL)[0] for _ in range(OPENINGS)]
    yield Line("the panel shows 50 steps after", min(small), "ms", 300)
    large = [_opening(running, url, LARGE) for _ in range(LARGE_OPENINGS)]
    yield Line("the panel shows 1,000 steps after", min(one for one, _, _ in large), "ms", 2000)
    yield Line("1,000 steps, a frame while they are moved", median(moved for _, moved, _ in large), "ms", 1000 / 30)
    yield Line("1,000 steps, a frame while zoomed", median(zoomed for _, _, zoomed in large), "ms", 1000 / 30)


def _opening(running: Any, url: str, notebook: str) -> tuple[float, float, float]:
    """Milliseconds until the graph is there, of a frame while it is dragged, of a frame while it is zoomed."""
    with page(running, url) as one:
        with one.expect_response(lambda answer: "/pipeline" in answer.url):
            open_lab(one, url, notebook)
        shown = float(one.evaluate(_SHOW, STEPS[notebook]))
        one.locator("#mlstack-panel").get_by_role("button", name="Show all of the graph").click()
        box = one.locator(".mlstack-graph-canvas").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        return shown, median(_dragged(one, middle)), median(_zoomed(one, middle))


def _dragged(page: Any, at: tuple[float, float]) -> list[float]:
    page.mouse.move(*at)
    page.mouse.down()
    page.evaluate(_WATCH_FRAMES)
    for sign in (1, -1):
        page.mouse.move(at[0] + sign * 60, at[1] + sign * 150, steps=MOVES // 2)
    page.mouse.up()
    return list(page.evaluate(_FRAMES))


def _zoomed(page: Any, at: tuple[float, float]) -> list[float]:
    """From all of the graph to single steps, and back."""
    page.mouse.move(*at)
    page.evaluate(_WATCH_FRAMES)
    for delta in (-40, 40):
        for _ in range(MOVES // 2):
            page.mouse.wheel(0, delta)
    return list(page.evaluate(_FRAMES))
