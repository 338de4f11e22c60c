"""The Space in a browser: everything a visitor does, on the real OAuth path, against the loopback Hub and judge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfscore.demo import example_files
from hfscore.loopback import LoopbackHub
from tests.space_app import browser, free_port, on_the_hub, serving, wait_for

pytest.importorskip("gradio")

REPO = "maintainer/space-traces"


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: HFSCORE_SCREENSHOTS, or a temporary folder."""
    folder = Path(os.environ.get("HFSCORE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(chrome: Any, hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    hub.create_dataset(REPO, example_files())
    port = free_port()
    log = tmp_path_factory.mktemp("space") / "log.txt"
    with serving(on_the_hub(hub.endpoint, port), port, log=log) as (url, process):
        wait_for(port, process)
        yield url
    said = log.read_text()  # gradio itself asks for the package `spaces`, which the Hub installs
    assert said.count("Traceback") == said.count("in watchfn_spaces"), said[-3000:]


def opened(chrome: Any, url: str, **options: Any) -> Any:
    context = chrome.new_context(viewport={"width": 1280, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(url)
    page.locator("#score").wait_for()
    return page


def log_in(page: Any, hub: LoopbackHub, user: str) -> None:
    page.context.add_cookies([{"name": "hub_user", "value": user, "url": hub.endpoint}])
    page.locator("#login").click()
    page.get_by_text(f"Logout ({user})").wait_for()


WATCH = """() => { const seen = window.seen = []; new MutationObserver(() => seen.push(
  document.querySelector("#status").innerText)).observe(document.body, {childList: true, subtree: true}); }"""


def watch(page: Any) -> None:
    """Keep every text that the status shows from now on."""
    page.evaluate(WATCH)


def seen(page: Any) -> str:
    return "\n".join(page.evaluate("() => window.seen"))


def done(page: Any, seconds: float = 60) -> None:
    page.locator("#status").get_by_text("Done.").wait_for(timeout=seconds * 1000)


def test_from_score_to_pull_request(chrome: Any, site: str, hub: LoopbackHub, shots: Path) -> None:
    page = opened(chrome, site)
    page.get_by_label("Dataset").fill(REPO)
    page.get_by_label("Questions").fill("20")
    watch(page)
    page.get_by_role("button", name="Score", exact=True).click()
    done(page)
    assert "starting" in seen(page)
    assert "scoring" in seen(page)
    assert "Final answer" in page.locator("#results").inner_text()
    page.get_by_role("tab", name="Card", exact=True).click()
    page.get_by_text("Log in to open a pull request").wait_for()
    assert not page.locator("#open-pr").is_enabled()
    log_in(page, hub, "maintainer")
    page.get_by_role("tab", name="Card", exact=True).click()
    page.frame_locator("#card-page iframe").get_by_role("heading", name="Reasoning quality").wait_for()
    page.get_by_role("button", name="Open pull request").click()
    page.locator("#card-status a").wait_for()
    page.screenshot(path=shots / "card.png", full_page=True)
    pull = next(one for one in hub.discussions(REPO) if one.is_pull_request)
    assert page.locator("#card-status a").get_attribute("href").endswith(f"/discussions/{pull.num}")
    assert pull.author == "maintainer"
    assert b"## Reasoning quality" in hub.read(REPO, "README.md", f"refs/pr/{pull.num}")
    page.context.close()
