"""The report page as a person meets it: in a browser, from disk, at several widths, with keys.

Needs Chromium and its driver (Debian: `chromium`, `chromium-driver`) and is skipped without them.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import shutil
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest

from analysis.serve.server import serve
from tests.reading import read

webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
ui = pytest.importorskip("selenium.webdriver.support.ui")
errors = pytest.importorskip("selenium.common.exceptions")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
WIDTHS = (360, 800, 1280)
SERIOUS = {"serious", "critical"}
FIRST_PAINT_MS = 2000
# A machine under load is slow, and what is not there yet is no failure: only a wait that ends is.
LONGEST_WAIT = 60
NOT_YET = (
    errors.NoSuchElementException,
    errors.StaleElementReferenceException,
    errors.ElementNotInteractableException,
    errors.ElementClickInterceptedException,
    errors.JavascriptException,
)


@pytest.fixture(scope="module")
def page(whole_report) -> Path:
    return whole_report / "report.html"


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.execute_cdp_cmd("Network.enable", {})
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    look(browser, width=1280)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(page.as_uri())
    yield browser
    assert complaints(browser) == []


def look(browser, *, width: int, scheme: str = "light", media: str = "screen") -> None:
    """What the reader's device is like."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def wait_for(browser, condition):
    """What `condition` gives once it gives something true, whatever was not there yet before."""
    waiting = ui.WebDriverWait(browser, LONGEST_WAIT, 0.05, ignored_exceptions=NOT_YET)
    return waiting.until(condition)


def click(browser, by: str, value: str) -> None:
    """Click an element once it can be clicked."""
    wait_for(browser, lambda page: page.find_element(by, value).click() or True)


def complaints(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def fetched(browser) -> list[str]:
    """Addresses that the page asked the network for since the log was last read."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in asked if not url.startswith(("file:", "data:", "chrome:"))]


def shown(browser, name: str) -> str:
    return browser.find_element(By.ID, f"explore-{name}").text


def slide(browser, name: str, value: int) -> None:
    """Move a slider as its own event would."""
    browser.execute_script(
        "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('input', { bubbles: true }));", f"explore-{name}", value,
    )  # fmt: skip


def screenshot(browser, path: Path) -> Path:
    """The whole page as PNG."""
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    path.write_bytes(base64.b64decode(taken["data"]))
    return path


def test_it_opens_from_disk_and_asks_for_nothing(opened) -> None:
    assert opened.title == "Steering report"
    assert fetched(opened) == []
    assert complaints(opened) == []


def test_it_paints_at_once(opened) -> None:
    paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    painted = wait_for(opened, lambda page: page.execute_script(paint))
    assert painted < FIRST_PAINT_MS


def test_the_contents_lead_to_their_sections(opened) -> None:
    opened.find_element(By.CSS_SELECTOR, "nav summary").click()
    links = opened.find_elements(By.CSS_SELECTOR, "nav a")
    named = ["Audit", "Problem map"]
    assert [link.text for link in links][:2] == named
    for link in links:
        link.click()
        target = link.get_attribute("href").split("#")[1]
        assert opened.execute_script("return location.hash") == f"#{target}"
        heading = opened.find_element(By.ID, target)
        top = opened.execute_script("return arguments[0].getBoundingClientRect().top", heading)
        assert top < 900
        assert heading.text == link.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_screen(opened, tmp_path, width, scheme) -> None:
    look(opened, width=width, scheme=scheme)
    wait_for(opened, lambda page: page.execute_script("return window.innerWidth") == width)
    wide = opened.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    taken = screenshot(opened, tmp_path / f"{width}-{scheme}.png")
    assert taken.stat().st_size > 30_000
    colour = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 26)"}[scheme]


def test_the_slider_changes_the_numbers_and_their_query(opened, drawn_from) -> None:
    slide(opened, "alpha", 0)
    low, at_low = shown(opened, "result"), shown(opened, "alpha-text")
    opened.find_element(By.ID, "explore-alpha").send_keys(Keys.END)
    assert shown(opened, "alpha-text") != at_low
    assert shown(opened, "result") != low
    box = opened.find_element(By.ID, "explore-result-sql")
    rows = read(drawn_from, box.get_attribute("data-query")).to_pylist()
    assert len(rows) == 1
    assert f"{rows[0]['accuracy'] * 100:.1f} %" in shown(opened, "result")
    assert f"Gained\n{rows[0]['gained']}\n" in shown(opened, "result")


def test_direction_and_stratum_are_a_choice(opened, drawn_from) -> None:
    slide(opened, "alpha", 0)
    whole = shown(opened, "result")
    stratum = ui.Select(opened.find_element(By.ID, "explore-stratum"))
    stratum.select_by_index(1)
    part = shown(opened, "result")
    assert part != whole
    box = opened.find_element(By.ID, "explore-result-sql")
    (row,) = read(drawn_from, box.get_attribute("data-query")).to_pylist()
    assert f"Pairs\n{row['n_pairs']}\n" in part
    direction = ui.Select(opened.find_element(By.ID, "explore-direction"))
    direction.select_by_visible_text("random_000, control")
    assert not opened.find_element(By.ID, "explore-brush").is_displayed()
    direction.select_by_index(1)
    assert opened.find_element(By.ID, "explore-brush").is_displayed()


def test_chosen_problems_are_counted_as_the_store_counts_them(opened, drawn_from) -> None:
    slide(opened, "alpha", 0)
    slide(opened, "from", 5)
    slide(opened, "to", 24)
    assert shown(opened, "range").startswith("Problems 5 to 24 of ")
    box = opened.find_element(By.ID, "explore-selection-sql")
    rows = read(drawn_from, box.get_attribute("data-query")).to_pylist()
    assert len(rows) == 20
    assert f"Gained\n{sum(bool(row['gained']) for row in rows)}\n" in shown(opened, "selection")
    assert f"Lost\n{sum(bool(row['lost']) for row in rows)}\n" in shown(opened, "selection")
    listed = opened.execute_script("return document.querySelectorAll('#explore-rows tr').length")
    assert listed == 20


def test_dragging_over_problems_chooses_them(opened) -> None:
    grid = opened.find_element(By.ID, "explore-grid")
    opened.execute_script("arguments[0].scrollIntoView({ block: 'center' })", grid)
    before = shown(opened, "range")
    drag = webdriver.ActionChains(opened).move_to_element_with_offset(grid, 20, 0)
    drag.click_and_hold().move_by_offset(150, 0).release().perform()
    wait_for(opened, lambda page: shown(page, "range") != before)


def test_marks_name_their_rows_to_the_pointer_and_to_keys(opened) -> None:
    figure = opened.find_element(By.CSS_SELECTOR, "figure .drawing")
    opened.execute_script("arguments[0].scrollIntoView({ block: 'center' })", figure)
    tip = opened.find_element(By.CSS_SELECTOR, ".tip")
    point = figure.find_element(By.CSS_SELECTOR, "[aria-roledescription=point]")
    webdriver.ActionChains(opened).move_to_element(point).perform()
    wait_for(opened, lambda page: tip.is_displayed())
    assert "alpha" in tip.text
    assert "accuracy" in tip.text
    opened.execute_script("arguments[0].focus()", figure)
    figure.send_keys(Keys.ARROW_RIGHT)
    first = opened.find_element(By.CSS_SELECTOR, "[aria-live].unseen").get_attribute("textContent")
    figure.send_keys(Keys.ARROW_RIGHT)
    then = opened.find_element(By.CSS_SELECTOR, "[aria-live].unseen").get_attribute("textContent")
    assert first != then
    figure.send_keys(Keys.ESCAPE)
    wait_for(opened, lambda page: not tip.is_displayed())


def test_every_query_of_the_page_runs(opened, drawn_from) -> None:
    queries = opened.execute_script(
        "return [...document.querySelectorAll('[data-query]')].map(one => one.dataset.query)"
    )
    assert len(queries) > 10
    for query in dict.fromkeys(queries):
        assert read(drawn_from, query).num_columns > 0


def test_a_query_opens_with_one_click(opened) -> None:
    box = opened.find_element(By.CSS_SELECTOR, "details[data-query]")
    assert not box.find_element(By.TAG_NAME, "pre").is_displayed()
    box.find_element(By.TAG_NAME, "summary").click()
    assert box.find_element(By.TAG_NAME, "pre").text.startswith("steerstat sql ")


LINES = """
let most = 0;
for (const one of document.querySelectorAll("p, li, figcaption, summary")) {
  if (!one.checkVisibility()) continue;
  const lines = new Map();
  const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    for (let i = 0; i < text.length; i += 1) {
      range.setStart(text, i);
      range.setEnd(text, i + 1);
      const box = range.getClientRects()[0];
      if (box) lines.set(Math.round(box.top / 6), (lines.get(Math.round(box.top / 6)) ?? 0) + 1);
    }
  }
  most = Math.max(most, ...lines.values());
}
return most;
"""


def test_lines_are_short_and_the_page_is_soon_read(opened) -> None:
    assert 40 < opened.execute_script(LINES) <= 75
    first = opened.execute_script(
        "return [...document.querySelectorAll('.finding, .first figure .drawing')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().bottom)"
    )
    assert len(first) == 3
    assert max(first) < 900
    words = opened.execute_script("return document.querySelector('main').innerText").split()
    assert len(words) < 2500
    look(opened, width=1280, media="print")
    printed = opened.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pages = len(re.findall(rb"/Type /Page\b", base64.b64decode(printed["data"])))
    assert pages <= 8


def test_reasons_and_tables_come_when_they_are_asked_for(opened) -> None:
    mark = opened.find_element(By.CSS_SELECTOR, ".mark")
    assert not mark.find_element(By.TAG_NAME, "p").is_displayed()
    mark.find_element(By.TAG_NAME, "summary").click()
    assert "points" in mark.find_element(By.TAG_NAME, "p").text
    fold = opened.find_element(By.XPATH, "//summary[starts-with(., 'Every table')]/..")
    fold.find_element(By.TAG_NAME, "summary").click()
    table = fold.find_element(By.CSS_SELECTOR, "[data-name=effects-primary-codi]")
    column = (
        "return [...arguments[0].querySelectorAll('tbody tr')].filter(r => !r.hidden)"
        ".map(r => r.cells[7].textContent)"
    )
    button = table.find_elements(By.CSS_SELECTOR, "th button")[7]
    opened.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()
    values = [float(v.replace("−", "-")) for v in opened.execute_script(column, table)]
    assert values == sorted(values)
    assert len(set(values)) > 1
    save = table.find_element(By.CSS_SELECTOR, "a[download]")
    opened.execute_script("arguments[0].addEventListener('click', e => e.preventDefault())", save)
    save.click()
    href = unquote(save.get_attribute("href"))
    head, *rows = href.removeprefix("data:text/csv;charset=utf-8,").strip().split("\n")
    assert head.startswith("Direction,α,Pairs,Baseline")
    assert len(rows) == len(values)
    strata = fold.find_element(By.CSS_SELECTOR, "[data-name=strata-primary-codi]")
    strata.find_element(By.CSS_SELECTOR, "input").send_keys("2 steps")
    left = opened.execute_script(column.replace("cells[7]", "cells[2]"), strata)
    assert set(left) == {"2 steps"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_serious_finding(opened, scheme) -> None:
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("needs axe-core-python, which ships axe.min.js")
    look(opened, width=800, scheme=scheme)
    opened.execute_script((Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    opened.set_script_timeout(120)
    told = opened.execute_async_script(
        "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(done)"
    )
    serious = [
        (one["id"], one["nodes"][0]["html"][:120], one["nodes"][0]["failureSummary"])
        for one in told["violations"]
        if one["impact"] in SERIOUS
    ]
    assert serious == []


def test_paper_shows_tables_whole_and_no_controls(opened) -> None:
    look(opened, width=800, media="print")
    assert not opened.find_element(By.ID, "explorer").is_displayed()
    heights = opened.execute_script(
        "return [...document.querySelectorAll('main > .table .scroll')]"
        ".map(one => one.scrollHeight - one.clientHeight)"
    )
    assert max(heights) <= 2
    look(opened, width=700, media="print")  # A4 less its margins
    widths = opened.execute_script(
        "return [...document.querySelectorAll('main > .table .scroll')]"
        ".map(one => [one.scrollWidth - one.clientWidth, one.getAttribute('aria-label')])"
    )
    assert [one for one in widths if one[0] > 2] == []


def test_the_served_page_runs_its_queries(browser, drawn_from) -> None:
    look(browser, width=1280)
    server = serve(drawn_from, port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        browser.get(server.address)
        # The page reloads itself until the report is written.
        wait_for(browser, lambda page: page.title == "Steering report")
        address = wait_for(
            browser,
            lambda page: page.find_element(By.CSS_SELECTOR, "details[data-query] a").get_attribute(
                "href"
            ),
        )
        browser.get_log("browser")
        assert server.token in address
        browser.get(address)
        table = (By.CSS_SELECTOR, "#answer table")
        wait_for(browser, lambda page: page.find_element(*table).is_displayed())
        box = wait_for(browser, lambda page: page.find_element(By.ID, "q"))
        box.clear()
        box.send_keys("SELECT 'a' AS k, 41 + 1 AS v")
        click(browser, By.CSS_SELECTOR, "form button")
        wait_for(browser, lambda page: "42" in page.find_element(By.ID, "answer").text)
        assert complaints(browser) == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
