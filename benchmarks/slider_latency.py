"""Time sliders in a real browser: the course's panel beside ipywidgets' interact.

    python3 benchmarks/slider_latency.py          # two minutes; prints a table

All show the same attention matrix and bars, one panel with a second control, in one
notebook, in JupyterLab in headless
Chromium. Measured are the time from a key press to the changed picture, and how many
pictures appear in a drag of two seconds. Then fifty quick moves are made, the window is
resized, and the last picture has to be that of the last value, at an unchanged height.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import browser  # noqa: E402

PRESSES = 40
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
COMMON = """\
import numpy as np
from course_utils import softmax
words = "the cat sat on the mat because it was tired".split()
scores = 2 * np.random.default_rng(3).normal(size=(10, 10))
"""
PANEL = """\
from course_utils import figures

def draw(temperature):
    weights = figures.AttentionWeights(
        softmax(scores, temperature=temperature), queries=words, keys=words
    )
    return figures.beside(
        figures.matrix(weights, title="Who looks at whom", row=7),
        figures.bars(weights.weights[7], words, title="Where it looks"),
        caption=f"temperature {temperature:.2f}",
    )

slider = figures.slider(0.05, 5.0, 0.05, start=1.0, label="temperature")
figures.panel(draw, temperature=slider)
"""
TWO = PANEL.replace("(temperature)", "(temperature, row)").replace("7", "row")
TWO = TWO.replace("slider(0.05, 5.0, 0.05", "slider(0.05, 2.0, 0.05").replace(
    "temperature=slider)",
    'temperature=slider, row=figures.slider(0, 9, 1, start=7, label="row"))',
)
INTERACT = """\
import ipywidgets
import matplotlib.pyplot as plt

@ipywidgets.interact(temperature=(0.05, 5.0, 0.05))
def show(temperature=1.0):
    weights = softmax(scores, temperature=temperature)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6))
    left.imshow(weights, vmin=0, vmax=1, cmap="Blues")
    left.set_xticks(range(10), words, rotation=60)
    left.set_yticks(range(10), words)
    right.bar(range(10), weights[7])
    right.set_xticks(range(10), words, rotation=60)
    right.set_ylim(0, 1)
    plt.show()
"""
# What tells one picture from the next, in each of the two.
PICTURES = {
    "panel": "document.querySelector('.course-picture .caption')?.textContent",
    "two": "document.querySelectorAll('.course-picture svg .caption')[1]?.textContent",
    "interact": "document.querySelector('.widget-output img')?.src",
}
WATCH = """() => {
    const print = () => %s;
    const seen = window.seen = {times: [], prints: [print()], start: 0, key: []};
    document.addEventListener("keydown", () => {
        seen.start = performance.now();
    }, true);
    new MutationObserver(() => {
        const now = print();
        if (now === undefined || now === seen.prints.at(-1)) return;
        seen.prints.push(now);
        seen.times.push(performance.now() - seen.start);
    }).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributes: true
    });
}"""


def measure(notebook, kind):
    """Return the milliseconds of each press, the pictures of a drag, and faults."""
    page = notebook.page
    slider = page.get_by_role("slider").nth(list(PICTURES).index(kind))
    if kind == "interact":
        slider = page.locator(".widget-interact").get_by_role("slider")
    notebook.show(slider)
    page.evaluate(WATCH % PICTURES[kind])
    slider.focus()
    times = []
    for i in range(PRESSES + 5):
        before = page.evaluate("seen.times.length")
        page.keyboard.press("ArrowRight" if i % 20 < 10 else "ArrowLeft")
        page.wait_for_function(f"seen.times.length > {before}")
        times.append(page.evaluate("seen.times.at(-1)"))
        page.wait_for_timeout(60)
    height = picture_height(page, kind)
    box = slider.bounding_box()
    track = slider.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
    span = track.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(span["x"], y)
    page.wait_for_timeout(800)
    before = page.evaluate("seen.prints.length")
    start = page.evaluate("performance.now()")
    moves = 0
    while (elapsed := page.evaluate("performance.now()") - start) < 2000:
        page.mouse.move(span["x"] + span["width"] * elapsed / 2000, y)
        moves += 1
    frames = page.evaluate("seen.prints.length") - before
    page.mouse.up()
    page.wait_for_timeout(2500)
    faults = []
    if picture_height(page, kind) != height:
        faults.append("the height changed")
    if kind == "panel":
        faults += stale(page, slider)
    return times[5:], frames, moves, faults


def picture_height(page, kind):
    """Return the height of what holds the picture."""
    where = ".widget-interact" if kind == "interact" else ".course-panel"
    number = 1 if kind == "two" else 0
    return page.locator(where).nth(number).bounding_box()["height"]


def stale(page, slider):
    """Say so if the panel's picture is not that of the slider's value."""
    value = slider.get_attribute("aria-valuetext")
    caption = page.evaluate(PICTURES["panel"])
    if caption == f"temperature {value}":
        return []
    return [f"the slider is at {value}, the picture at {caption!r}"]


def last_is_last(notebook):
    """Move the panel's slider fifty times, and say what is wrong afterwards."""
    page = notebook.page
    slider = page.get_by_role("slider").first
    notebook.show(slider)
    slider.focus()
    faults = []
    for i in range(50):
        page.keyboard.press("ArrowLeft" if i % 7 else "PageUp")
        if i % 10 == 0:
            page.set_viewport_size({"width": 1100 + 4 * i, "height": 900})
    page.wait_for_timeout(500)
    for key in ("", "Home", "End"):
        if key:
            page.keyboard.press(key)
            page.wait_for_timeout(300)
        faults += stale(page, slider)
    if page.locator(".course-panel").first.locator(".course-picture svg").count() != 1:
        faults.append("there is more than one picture")
    return faults


def main():
    cells = [nbformat.v4.new_code_cell(x) for x in (COMMON, PANEL, TWO, INTERACT)]
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name, "notebooks"), Path(name, "home")
        folder.mkdir()
        home.mkdir()
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata=KERNEL),
            folder / "sliders.ipynb",
        )
        os.environ["PYTHONPATH"] = str(ROOT)
        command = [sys.executable, "-m", "jupyterlab"]
        command.append(f"--ServerApp.root_dir={folder}")
        with browser.jupyterlab(command, home) as address, browser.chromium() as chrome:
            page = chrome.new_page(viewport={"width": 1280, "height": 900})
            notebook = browser.Notebook(page, address, "sliders.ipynb")
            notebook.run_all()
            assert notebook.errors() == [], json.dumps(notebook.errors())
            page.wait_for_timeout(2000)
            results = {kind: measure(notebook, kind) for kind in PICTURES}
            faults = results["panel"][3] + last_is_last(notebook)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("            key press to picture, ms     pictures in a drag of 2 s")
    print("            median     p95")
    for kind, (times, frames, moves, _faults) in results.items():
        high = quantiles(times, n=20)[-1]
        print(f"{kind:10} {median(times):7.1f} {high:7.1f} {frames:20} ({moves} moves)")
    ours, theirs = results["panel"], results["interact"]
    print(
        f"medians {median(ours[0]):.1f} ms (target 16), with two controls "
        f"{median(results['two'][0]):.1f} ms (target 33)\n"
        f"ratios: median 1/{median(theirs[0]) / median(ours[0]):.1f} (target 1/6), "
        f"pictures {ours[1] / max(theirs[1], 1):.1f} (target 4)"
    )
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
