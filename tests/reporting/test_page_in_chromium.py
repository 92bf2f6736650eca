"""The page in a browser: it requests nothing but its file, is accessible, and its buttons copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from humouse_doctor.core.gating import Policy
from humouse_doctor.core.pictures import Pictures
from humouse_doctor.core.view import SurveyView, TrialsView
from humouse_doctor.gate.comparing import compare
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting.html import page as html
from humouse_doctor.reporting.html import survey as survey_page
from humouse_doctor.reporting.layout import Layout
from tests.reporting.builders import DIFF, collapsed, gated, healthy, pictures, with_history
from tests.survey.builders import survey
from tests.verify.builders import searched

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed here", allow_module_level=True)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LONG = "runs/" + "a_very_long_name_without_any_blank" * 30 + ".pt"
#: The width of an A4 page in CSS pixels, without its margins.
_PAPER = 718
Scheme = Literal["light", "dark"]


@dataclass
class Tab:
    """An open page, with the requests and messages since it was opened."""

    page: Any
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind, with names too long for any line."""
    folder = tmp_path_factory.mktemp("pages")
    alone = judged_alone(with_history(collapsed(_LONG)), Policy(), "0.1.0")
    crowd = gated()
    crowd = replace(crowd, entries=(*crowd.entries, *alone.entries))
    made = {
        "run": html.render(alone, outcome=searched(), comparison=compare(healthy_with_pictures(), collapsed(_LONG))),
        "gate": html.render(crowd, outcome=searched()),
        "trials": html.render_view(
            TrialsView(outcome=searched(), following=(f"humouse-doctor verify {_LONG} --search",)), Layout()
        ),
        "survey": survey_page.render_view(SurveyView(survey=survey(), following=("humouse-doctor inspect x",)), Layout()),
    }
    paths = {name: folder / f"{name} #1.html" for name in made}
    for name, path in paths.items():
        path.write_text(made[name], encoding="utf-8")
    return paths


def healthy_with_pictures() -> Any:
    drawn: Pictures = replace(pictures(), space="deltas", reach=None)
    return replace(healthy(), pictures=drawn)


@pytest.fixture(scope="module")
def windows(browser: Any) -> dict[bool, Any]:
    """One window with scripts and one without: to open a new one takes longer than to load a page."""
    return {scripts: browser.new_context(java_script_enabled=scripts).new_page() for scripts in (True, False)}


@pytest.fixture
def visit(windows: dict[bool, Any], pages: dict[str, Path]) -> Callable[..., Any]:
    @contextmanager
    def opened(
        name: str,
        *,
        width: int = 1280,
        scheme: Scheme = "light",
        scripts: bool = True,
        reduced_motion: str = "no-preference",
        permissions: Sequence[str] = (),
    ) -> Iterator[Tab]:
        tab = Tab(windows[scripts])
        heard = {
            "request": lambda request: tab.requests.append(request.url),
            "console": lambda message: tab.troubles.append(message.text),
            "pageerror": lambda error: tab.troubles.append(str(error)),
        }
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(media="screen", color_scheme=scheme, reduced_motion=reduced_motion)
        tab.page.context.grant_permissions(list(permissions))
        for event, listener in heard.items():
            tab.page.on(event, listener)
        try:
            tab.page.goto(pages[name].as_uri())
            yield tab
        finally:
            for event, listener in heard.items():
                tab.page.remove_listener(event, listener)
            tab.page.context.clear_permissions()

    return opened


Visit = Callable[..., Any]


@pytest.mark.parametrize("name", ["run", "gate"])
def test_only_the_file_itself_is_asked_for_and_nothing_fails(visit: Visit, pages: dict[str, Path], name: str) -> None:
    with visit(name) as tab:
        tab.page.wait_for_timeout(200)

        assert tab.requests == [pages[name].as_uri()]
        assert tab.troubles == []
        assert tab.page.locator("h1").count() == 1


@pytest.mark.parametrize("name", ["run", "gate", "trials"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_read_it(visit: Visit, name: str, scheme: Scheme) -> None:
    with visit(name, scheme=scheme) as tab:
        tab.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")

        found = axe_api.Axe().run(tab.page)

        troubles = [(trouble["id"], [node["html"] for node in trouble["nodes"]]) for trouble in found.response["violations"]]
        assert troubles == []


@pytest.mark.parametrize("name", ["run", "gate", "trials"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_is_wider_than_the_window(visit: Visit, name: str, width: int) -> None:
    with visit(name, width=width) as tab:
        tab.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")

        assert tab.page.evaluate("document.documentElement.scrollWidth") == width
        sticking_out = tab.page.evaluate(
            """[...document.querySelectorAll("main *")].filter((part) => !part.closest(".scroll, pre, .unseen, svg")
               && part.getBoundingClientRect().right > innerWidth + 0.5).map((part) => part.outerHTML.slice(0, 80))"""
        )
        assert sticking_out == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_causes_and_patch_begin_within_the_first_two_screens(visit: Visit, width: int, height: int) -> None:
    with visit("trials", width=width) as tab:
        tab.page.set_content(
            html.render(judged_alone(collapsed(), Policy(), "0.1.0"), following=("humouse-doctor suggest-config x",))
        )
        places = tab.page.evaluate(
            "['next', 'run1-causes', 'run1-patch'].map((id) => document.getElementById(id).getBoundingClientRect().top)"
        )

    assert places == sorted(places)
    assert places[0] < height / 2
    assert places[-1] < 2 * height


@pytest.mark.parametrize(
    ("name", "table", "columns", "scrolls"),
    [
        ("trials", ".arms", ["Arm", "Effect", "Healthy seeds"], True),
        ("gate", ".summary", ["Gate", "Input", "Verdict", "First to look at"], False),
        ("survey", ".runs", ["Run", "Verdict", "First cause"], True),
        ("run", ".moved", ["Metric", "Before", "After"], True),
    ],
)
def test_on_a_phone_the_first_columns_are_in_sight_and_a_table_says_that_it_scrolls(
    visit: Visit, name: str, table: str, columns: list[str], scrolls: bool
) -> None:
    with visit(name, width=390) as tab:
        tab.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        seen = tab.page.evaluate(
            """(table) => { const box = document.querySelector(table).closest(".scroll"), frame = box.getBoundingClientRect();
               const inside = (cell) => cell.offsetWidth && cell.getBoundingClientRect().right <= frame.right;
               return { hint: getComputedStyle(box, "::before").content, wide: box.scrollWidth > box.clientWidth,
                 heads: [...box.querySelectorAll("thead th")].filter(inside).map((cell) => cell.innerText.trim()) } }""",
            table,
        )

    assert seen["heads"][: len(columns)] == columns
    assert seen["wide"] is scrolls
    assert ("Scroll this table sideways" in seen["hint"]) is scrolls


@pytest.mark.parametrize(
    ("label", "copied"),
    [
        ("Copy the diff", DIFF),
        (
            "Copy the overrides",
            "experiment.model.generator.activation_xy=linear \\\n++experiment.training.warmup_latent_normalize=false",
        ),
    ],
)
def test_a_button_copies_its_text(visit: Visit, label: str, copied: str) -> None:
    with visit("run", permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.page.get_by_role("button", name=label).click()
        tab.page.get_by_role("status").get_by_text("Copied").wait_for()

        assert tab.page.evaluate("navigator.clipboard.readText()") == copied
        assert tab.troubles == []


def test_without_a_clipboard_the_text_is_selected(visit: Visit) -> None:
    with visit("run") as tab:
        tab.page.evaluate(
            """() => {
                Object.defineProperty(navigator, "clipboard", {value: undefined});
                document.execCommand = () => false;
            }"""
        )
        tab.page.get_by_role("button", name="Copy the overrides").click()

        tab.page.get_by_role("button", name="Selected: press Ctrl+C").wait_for()
        assert tab.page.evaluate("getSelection().toString()").startswith("experiment.model.generator.activation_xy=linear")


def test_a_closed_run_opens_by_keyboard_and_shows_where_the_focus_is(visit: Visit) -> None:
    with visit("gate") as tab:
        details = tab.page.locator("details.input:not([open])").first
        name = details.get_attribute("id")
        assert name is not None
        tab.page.keyboard.press("Tab")  # so that the browser takes the keyboard to be in use
        details.locator("> summary").focus()
        assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

        tab.page.keyboard.press("Enter")

        assert tab.page.evaluate(f"document.getElementById('{name}').open")


def test_the_first_tab_leads_past_the_head(visit: Visit) -> None:
    with visit("run") as tab:
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("document.activeElement.textContent") == "Skip to the report"
        assert tab.page.get_by_text("Skip to the report").bounding_box()["width"] > 50

        tab.page.keyboard.press("Enter")

        assert tab.page.evaluate("document.activeElement.id") == "main"


def test_without_scripts_all_is_there_but_the_buttons(visit: Visit) -> None:
    with visit("run", scripts=False) as tab:
        assert tab.page.get_by_role("heading", level=1).is_visible()
        assert tab.page.get_by_text("92.2% of the targets lie beyond").first.is_visible()
        assert tab.page.locator("#run1-diff").is_visible()
        assert tab.page.get_by_role("button").count() == 0


def test_on_paper_everything_is_open_and_dark_on_white(visit: Visit) -> None:
    with visit("gate", width=_PAPER, scheme="dark") as tab:
        hidden = tab.page.locator("details:not([open]) dl").first
        assert not hidden.is_visible()

        tab.page.emulate_media(media="print", color_scheme="dark")

        assert hidden.is_visible()
        assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not tab.page.get_by_role("button").first.is_visible()
        assert tab.page.evaluate("document.documentElement.scrollWidth") == _PAPER
        settings = tab.page.locator("details:not([open]) table.settings").first
        assert settings.is_visible()
        assert settings.bounding_box()["height"] > 20


def test_plots_follow_the_scheme(visit: Visit) -> None:
    strokes = []
    for scheme in ("light", "dark"):
        with visit("run", scheme=scheme) as tab:
            strokes.append(tab.page.evaluate("getComputedStyle(document.querySelector('.s-targets')).stroke"))

    assert len(set(strokes)) == 2


def test_labels_in_plots_are_large_enough_on_a_phone_and_do_not_overlap(visit: Visit) -> None:
    with visit("run", width=360) as tab:
        sizes, overlaps = tab.page.evaluate(
            """() => {
                const sizes = [], overlaps = [];
                for (const plot of document.querySelectorAll("figure.plot > svg")) {
                    if (!plot.getBoundingClientRect().width) continue;
                    const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
                    const boxes = [...plot.querySelectorAll("text")].map((text) => {
                        sizes.push(parseFloat(getComputedStyle(text).fontSize) * scale);
                        return [text.textContent, text.getBoundingClientRect()];
                    });
                    boxes.forEach(([said, one], place) => boxes.slice(place + 1).forEach(([other, two]) => {
                        const apart = one.right <= two.left || two.right <= one.left
                            || one.bottom - 3 <= two.top || two.bottom - 3 <= one.top;
                        if (!apart) overlaps.push([plot.querySelector("title").textContent, said, other]);
                    }));
                }
                return [sizes, overlaps];
            }"""
        )

        assert min(sizes) > 9.5
        assert overlaps == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_real_and_generated_paths_stand_side_by_side(visit: Visit, width: int) -> None:
    with visit("run", width=width) as tab:
        real, generated = (tab.page.locator(f"figure:has(#run1-{name}-title)").bounding_box() for name in ("real", "generated"))

        assert abs(real["y"] - generated["y"]) < 1
        assert real["x"] + real["width"] < generated["x"]
        assert real["width"] == pytest.approx(generated["width"], abs=1)


def test_paths_are_played_and_stopped_but_not_to_those_who_want_no_motion(visit: Visit) -> None:
    place = "document.querySelector('#run1-plots .walk circle').getAttribute('cx')"
    with visit("run") as tab:
        start = tab.page.evaluate(place)
        tab.page.locator("[data-plays=run1-plots]").click()
        tab.page.evaluate(  # wait_for_function compiles text, which the page's policy forbids
            f"new Promise((done) => (function again() {{ {place} === '{start}' ? requestAnimationFrame(again) : done(); }})())"
        )
        tab.page.get_by_role("button", name="Stop").click()

        assert tab.page.evaluate(place) == start
        assert tab.page.get_by_role("button", name="Play the paths").count() == 1
        assert tab.troubles == []
    with visit("run", reduced_motion="reduce") as tab:
        assert not tab.page.locator("[data-plays=run1-plots]").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1440)])
def test_a_survey_can_be_read_sorted_and_filtered_by_everyone(
    visit: Visit, pages: dict[str, Path], scheme: Scheme, width: int
) -> None:
    with visit("survey", scheme=scheme, width=width) as tab:
        page = tab.page
        first = page.locator("#table tbody tr:not([hidden]) th").first
        assert (first.text_content(), page.get_by_text("24 of 24 runs").count()) == ("0", 1)

        page.get_by_role("button", name="Spread").focus()
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").text_content() == "Spread"
        page.keyboard.press("Enter")
        assert first.text_content() == "21"  # the largest spread; a run without one comes last or first, never among numbers
        page.get_by_role("button", name="Run").click()
        assert page.locator("#table tbody th").all_text_contents() == [str(number) for number in range(24)]

        page.get_by_label("Filter by any word").fill("tanh HD201")
        assert page.get_by_role("status").get_by_text("11 of 24 runs").count() == 1
        page.get_by_label("State").select_option("healthy")
        assert page.locator("#table tbody tr:not([hidden])").count() == 0
        page.get_by_label("Filter by any word").fill("")
        assert page.locator("#table tbody tr:not([hidden])").count() == 7

        troubles = axe_api.Axe().run(page).response["violations"]
        assert [(trouble["id"], [node["html"] for node in trouble["nodes"]]) for trouble in troubles] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert (tab.requests, tab.troubles) == ([pages["survey"].as_uri()], [])


def test_a_survey_has_all_runs_without_scripts_and_on_paper(visit: Visit) -> None:
    with visit("survey", scripts=False) as tab:
        assert tab.page.locator("#table tbody tr").count() == 24
        assert not tab.page.locator(".filters").is_visible()
        tab.page.emulate_media(media="print")
        assert tab.page.locator("#table tbody tr").last.is_visible()
