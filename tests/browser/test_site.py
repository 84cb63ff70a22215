"""The site: its pages, built from the stored notebooks, in headless Chromium."""

import functools
import gzip
import json
import re
from html.parser import HTMLParser
from itertools import product
from urllib.parse import urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from course_utils.figures.packed import unpack
from course_utils.learner.syllabus import LESSONS
from tools.browser import served
from tools.site import build, pages

pytest.importorskip("sphinx", reason="python3 course.py test installs it")

MOST = 400_000  # bytes of a page, zipped
PAGES = ["index", *(f"{kind}/index" for kind in pages.KINDS)]
PAGES += [f"{k}/{x.name}" for k in pages.KINDS for x in pages.lessons(k)]


@pytest.fixture(scope="session")
def site(root, tmp_path_factory):
    """The folder of the pages; a warning while they are built fails the tests."""
    folder = tmp_path_factory.mktemp("site") / "site"
    assert build.build(root, folder) == 0
    return folder


@pytest.fixture(scope="session")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture
def visit(page, address):
    """Open a page of the site by its name; a request to elsewhere fails the test."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    def opened(name, width=1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{address}/{name}.html")
        return page

    yield opened
    assert [x for x in asked if not x.startswith((address, "data:"))] == []


class Parsed(HTMLParser):
    """The links, the ids and the packed figures of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.figures, self._inside = [], set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        self.links += [attributes[x] for x in ("href", "src") if attributes.get(x)]
        self._inside = attributes.get("class") == "course-packed"

    def handle_data(self, data):
        if self._inside:
            self.figures.append(data)

    def handle_endtag(self, tag):
        self._inside = False


@functools.cache
def parsed(file):
    return Parsed(file.read_text(encoding="utf-8"))


def figures(site, name):
    every = [json.loads(x) for x in parsed(site / f"{name}.html").figures]
    return [x for x in every if "controls" in x]


def test_every_page_is_there_and_light_and_its_links_lead_somewhere(site):
    for name in PAGES:
        file = site / f"{name}.html"
        assert len(gzip.compress(file.read_bytes())) < MOST, name
        for link in parsed(file).links:
            if re.match("https?:|data:", link):
                continue
            path, anchor = urldefrag(link.partition("?")[0])
            there = (file.parent / path).resolve() if path else file
            assert there.exists(), (name, link)
            if anchor and there.suffix == ".html":
                assert anchor in parsed(there).ids, (name, link)


def test_nothing_is_loaded_from_elsewhere(site):
    loads = re.compile(
        r"""(src|srcset)=["']https?:|url\(["']?https?:|@import ["']http"""
    )
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        found = loads.search(file.read_text(encoding="utf-8"))
        assert found is None, (file.name, found)


def test_a_notebook_can_be_downloaded_from_its_page(site, root):
    for name in PAGES:
        if not name.endswith("index"):
            assert f"{name.split('/')[1]}.ipynb" in parsed(site / f"{name}.html").links
            given = (site / f"{name}.ipynb").read_bytes()
            assert given == (root / f"{name}.ipynb").read_bytes()


def test_the_figures_of_every_lesson_are_in_its_page(site):
    for lesson in LESSONS:
        assert figures(site, f"notebooks/{lesson.name}"), lesson.name


# The rule on contrast takes most of axe's time, and all pages share their colours.
COLOURS = {"rules": {"color-contrast": {"enabled": False}}}
EACH = ("index", *(f"{kind}/01_soft_lookup" for kind in pages.KINDS))
REST = (pytest.param(x, marks=pytest.mark.thorough) for x in PAGES if x not in EACH)

# Pages of exercises and solutions are made alike: one of each kind on each day.
AXE = [
    *(x for x in PAGES if x in EACH or x.endswith("index") or "notebooks/" in x),
    *(
        pytest.param(x, marks=pytest.mark.thorough)
        for x in PAGES
        if not (x in EACH or x.endswith("index") or "notebooks/" in x)
    ),
]


@pytest.mark.parametrize("name", AXE)
def test_a_page_has_no_fault_for_axe_and_fits_a_phone(name, visit):
    page = visit(name)
    assert violations(page, COLOURS) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("name", [*EACH, *REST])
def test_the_colours_of_a_page_part_well_by_day_and_night(name, visit):
    page = visit(name)
    for theme in ("light", "dark"):
        page.evaluate("x => { document.documentElement.dataset.theme = x; }", theme)
        page.evaluate("Promise.all(document.getAnimations().map(x => x.finished))")
        assert violations(page, {"runOnly": ["color-contrast"]}) == [], theme


def violations(page, options):
    found = Axe().run(page, options=options).response["violations"]
    return [(x["id"], [n["html"][:200] for n in x["nodes"][:3]]) for x in found]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_control_moves_its_figure_to_the_right_numbers(lesson, site, visit):
    name = f"notebooks/{lesson.name}"
    page = visit(name)
    shown = page.locator(".course-figure:has(.course-picture)")
    packed = figures(site, name)
    assert shown.count() == len(packed)
    for i, figure in enumerate(packed):
        labels = words(figure)
        at = [control["start"] for control in figure["controls"]]
        picture = shown.nth(i).locator(".course-picture > svg")
        expect(picture).to_have_attribute("aria-label", labels[tuple(at)])
        inputs = shown.nth(i).locator("input, select")
        for j, control in enumerate(figure["controls"]):
            last = len(control["stops"]) - 1
            for key, to in (("End", last), ("Home", 0)):
                move(inputs.nth(j), control["kind"], key, to)
                at[j] = to
                expect(picture).to_have_attribute("aria-label", labels[tuple(at)])
        if at:
            shown.nth(i).get_by_role("button", name="Reset").click()
            start = tuple(control["start"] for control in figure["controls"])
            expect(picture).to_have_attribute("aria-label", labels[start])


def words(figure):
    """Return what each state's picture says, by where its controls stand."""
    stops = [range(len(control["stops"])) for control in figure["controls"]]
    svgs = unpack(json.dumps(figure))
    return dict(zip(product(*stops), map(label, svgs), strict=True))


def label(svg):
    return Svg(svg).label


class Svg(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.label = ""
        self.feed(text[: text.index(">") + 1])

    def handle_starttag(self, tag, attrs):
        self.label = dict(attrs)["aria-label"]


def move(control, kind, key, to):
    """Move a control by keys, as somebody without a mouse does."""
    if kind == "checkbox":
        if control.is_checked() != bool(to):
            control.press("Space")
    else:
        control.press(key)


def test_an_outcome_says_what_was_predicted(visit):
    page = visit("notebooks/00_watch_a_model_look_back")
    outcome = page.locator(".course-figure", has_text="What happens")
    expect(outcome.first).to_contain_text("You made no prediction.")
    options = page.locator(".course-question").first.locator("input")
    options.nth(1).press("Space")
    expect(outcome.first).to_contain_text("You predicted this.")
    options.nth(1).press("ArrowDown")
    expect(outcome.first).to_contain_text("You predicted: it goes on with a name")


def test_the_search_finds_a_lesson(visit, page, address):
    visit("index")
    page.goto(f"{address}/search.html?q=bahdanau")
    found = page.locator("ul.search li a", has_text="Watch a model look back")
    expect(found.first).to_be_visible()


def test_a_page_prints_light_and_without_what_only_works_on_a_screen(visit):
    page = visit("notebooks/01_soft_lookup")
    theme = "document.documentElement.dataset.theme"
    page.evaluate(f"{theme} = 'dark'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(theme) == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"
    page.emulate_media(media="print")
    expect(page.locator(".course-controls").first).to_be_hidden()
    expect(page.locator(".course-picture svg").first).to_be_visible()


def test_pages_lead_to_the_course_in_the_browser_only_if_it_is_there(root):
    lesson = LESSONS[1]
    path = root / "notebooks" / f"{lesson.name}.ipynb"
    for browser in (False, True):
        text = pages.page(path, lesson, browser=browser).cells[0].source
        assert ("Run it in the browser" in text) is browser
