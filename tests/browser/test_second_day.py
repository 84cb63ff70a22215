"""What a learner sees who comes back: figures and predictions without their kernel."""

import re

import nbformat
import pytest
from playwright.sync_api import expect
from test_panels import COMMON, FAULTY, KERNEL, MANY_CONTROLS

ANSWER = 'figures.predict("second day", "less", "more")'
TOO_MANY = MANY_CONTROLS.replace("0.5, 3, 0.5", "0.5, 90, 0.1")
SAVE = "window.jupyterapp.shell.currentWidget.context.save()"
END = "window.jupyterapp.serviceManager.sessions.shutdownAll()"
DISTRUST = """() => {
    for (const cell of window.jupyterapp.shell.currentWidget.context.model.cells) {
        if (cell.type === "code") cell.trusted = false;
    }
}"""


@pytest.fixture
def again(notebook, clone, jupyterlab):
    """Open a notebook with figures, the next time without what was there before."""
    texts = [COMMON, MANY_CONTROLS, ANSWER, TOO_MANY, FAULTY]
    cells = [nbformat.v4.new_code_cell(text) for text in texts]
    made = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(made, clone / "work" / "notebooks" / "days.ipynb")
    return lambda: notebook("notebooks/days.ipynb")


def test_figures_move_on_the_second_day_and_the_third(again, page, clone):
    first = again()
    first.run_all()
    assert first.errors() == []
    page.get_by_role("radio", name="more").check()
    first.catch_up()
    first.run_all()  # now the outputs know the choice
    expect(page.locator(".course-panel svg").first).to_be_visible()
    expect(page.locator(".course-figure")).to_have_count(0)
    page.evaluate(SAVE)
    for _day in (2, 3):
        page.evaluate(END)
        opened = again()
        figure = page.locator(".course-figure", has=page.locator("select"))
        caption = figure.locator(".course-caption")
        expect(caption).to_have_text("row 2, causal False, temperature 1.0")
        figure.get_by_role("combobox", name="query").select_option(index=3)
        figure.get_by_role("checkbox", name="causal").check()
        figure.get_by_role("slider", name="temperature").focus()
        page.keyboard.press("ArrowRight")
        expect(caption).to_have_text("row 3, causal True, temperature 1.5")
        page.keyboard.press("b")
        assert len(opened.cells()) == 5
        expect(page.get_by_role("radio", name="more")).to_be_checked()
        many = page.locator(".course-figure", has_text="moves once the notebook is run")
        expect(many.locator("svg")).to_be_visible()
        expect(page.get_by_text(re.compile("model not found"))).to_have_count(0)
        page.evaluate(SAVE)
    saved = clone / "work" / "notebooks" / "days.ipynb"
    assert saved.stat().st_size < 1e6
    # Run again, the live ones take over.
    opened.run_all()
    expect(page.locator(".course-panel svg").first).to_be_visible()
    expect(page.locator(".course-figure")).to_have_count(0)


def test_what_is_not_trusted_shows_its_picture(again, page):
    opened = again()
    opened.run_all()
    page.evaluate(DISTRUST)
    expect(page.locator(".jp-OutputArea img[alt^='row 2']").first).to_be_visible()
    expect(page.get_by_text("moves once the notebook is run").first).to_be_visible()
    expect(page.locator(".course-panel, .course-figure")).to_have_count(0)
