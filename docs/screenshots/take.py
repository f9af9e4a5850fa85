"""Takes the screenshots of the README from a running `make run`.

    make screenshots                 of `make run` with its defaults
    DATA_DIR=/tmp/x PORT=8123 .venv/bin/python docs/screenshots/take.py

Needs requirements/dev.txt and a Chromium on PATH. Logs in as the local operator, whose password lies in
DATA_DIR/secrets. Pictures end up beside this file, PAGE-LANGUAGE[-phone].png.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA_DIR = ROOT / os.environ.get("DATA_DIR", ".devstack")
WEB = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
LANGUAGES = ("uk", "en")
BIGGEST = 200_000  # bytes: they lie in the repository
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Shot(NamedTuple):
    name: str
    path: str


PAGES = (
    Shot("index", "/admin/"),
    Shot("inbox", "/admin/chat_messages/message/"),
    Shot("review", "/admin/issues/issue/?status__exact=new"),
    Shot("team", "/"),
)
SIZES = {"": {"width": 1280, "height": 800}, "-phone": {"width": 390, "height": 844}}


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    password_file = DATA_DIR / "secrets" / "operator_password"
    if chromium is None:
        sys.exit("there is no chromium on PATH")
    if not password_file.exists():
        sys.exit(f"{password_file} is not there: start `make run` with the same DATA_DIR first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for language in LANGUAGES:
            for suffix, size in SIZES.items():
                context = signed_in(browser, language, size, password_file.read_text().strip())
                for shot in PAGES:
                    take(context, shot, HERE / f"{shot.name}-{language}{suffix}.png")
                context.close()
        browser.close()


def signed_in(
    browser: Browser, language: str, size: dict[str, int], password: str
) -> BrowserContext:
    """A browser window of this size, in this language, with the operator's session."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale={"uk": "uk-UA", "en": "en-GB"}[language],
        timezone_id="Europe/Kyiv",
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": WEB}])
    page = context.new_page()
    page.goto(f"{WEB}/admin/login/?next=/admin/")
    page.fill("input[name=username]", "operator")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{WEB}/admin/")
    page.close()
    return context


def take(context: BrowserContext, shot: Shot, path: Path) -> None:
    page = context.new_page()
    answer = page.goto(f"{WEB}{shot.path}")
    if answer is None or not answer.ok:
        sys.exit(f"{shot.path} answers {answer.status if answer else 'nothing'}")
    settle(page)
    page.screenshot(path=path, animations="disabled")
    page.close()
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(ROOT)}  {size // 1000} kB\n")
    if size > BIGGEST:
        sys.exit(f"{path.name} is larger than {BIGGEST // 1000} kB")


def settle(page: Page) -> None:
    """Fonts, styles and charts are there; a live page's socket never becomes idle, so not that."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(700)


if __name__ == "__main__":
    main()
