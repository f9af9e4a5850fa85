"""Takes the screenshots of the README and of docs/ from a running `make run`.

    make screenshots                 of `make run` with its defaults
    DATA_DIR=/tmp/x PORT=8123 .venv/bin/python docs/screenshots/take.py

Needs requirements/dev.txt and a Chromium on PATH. Logs in as the local operator, whose password lies in
DATA_DIR/secrets. Pictures end up beside this file, PAGE-LANGUAGE[-phone].png. Names behind it take only
those pages. The pages of sources and trackers show what content.py and exports.py make for them and take
away again; the doctor asks a stub of Telegram, and trackers call an address, so `make run` must have been
started for them:

    TELEGRAM_API_URL=http://127.0.0.1:9061 OUTBOUND_PRIVATE_HOSTS=127.0.0.1 \\
    WEBHOOK_BASE_URL=https://tracker.smachno.example PUBLIC_URL=https://tracker.smachno.example make run
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from content import OLD_URL, ROOT, SAMPLE, sources
from exports import exports
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
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
    path: str  # may name numbers of content.py
    has_phone: bool = True
    press: str = ""  # a button, before the picture
    sample: str = ""  # is pasted before that
    show: str = ""  # what to scroll to


PAGES = (
    Shot("index", "/admin/"),
    Shot("inbox", "/admin/chat_messages/message/"),
    Shot("review", "/admin/issues/issue/?status__exact=new"),
    Shot("team", "/"),
    Shot("webhook", "/admin/sources/source/{bot}/webhook/", has_phone=False),
    Shot(
        "doctor", "/admin/sources/source/{bot}/webhook/", False, "form[action$='/doctor/'] button"
    ),
    Shot("chats", "/admin/sources/chat/?source__id__exact={bot}", has_phone=False),
    Shot("import", "/admin/sources/historyimport/{running}/change/", has_phone=False),
    Shot("gaps", "/admin/sources/gap/?source__id__exact={bot}", has_phone=False),
    Shot("people", "/admin/sources/author/?source__id__exact={bot}", has_phone=False),
    Shot(
        "mapping",
        "/admin/sources/source/{desk}/change/",
        False,
        "[name=_preview]",
        SAMPLE,
        "#preview",
    ),
    Shot("outbox", "/admin/exports/taskexport/outbox/", show="#outbox"),
    Shot("policy", "/admin/exports/exportpolicy/{policy}/change/", has_phone=False),
    Shot("preview", "/admin/exports/taskexport/preview/{issue}/?tracker={linear}", has_phone=False),
    Shot(
        "linear",
        "/admin/exports/tracker/{linear}/change/",
        has_phone=False,
        show="fieldset >> nth=2 >> .form-row",
    ),
    Shot(
        "redmine",
        "/admin/exports/tracker/{redmine}/change/",
        has_phone=False,
        show="[name=saved__calls_per_minute]",
    ),
    Shot("way-back", "/admin/exports/tracker/{linear}/way-back/", has_phone=False),
)
SIZES = {"": {"width": 1280, "height": 800}, "-phone": {"width": 390, "height": 844}}


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    password_file = DATA_DIR / "secrets" / "operator_password"
    if chromium is None:
        sys.exit("there is no chromium on PATH")
    if not password_file.exists():
        sys.exit(f"{password_file} is not there: start `make run` with the same DATA_DIR first")
    shots = [shot for shot in PAGES if shot.name in sys.argv[1:] or not sys.argv[1:]]
    with (
        telegram() as token,
        sources(token) as of_sources,
        exports() as of_trackers,
        sync_playwright() as playwright,
    ):
        numbers = {**of_sources, **of_trackers}
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for language in LANGUAGES:
            for suffix, size in SIZES.items():
                context = signed_in(browser, language, size, password_file.read_text().strip())
                for shot in shots:
                    if shot.has_phone or not suffix:
                        shot = shot._replace(path=shot.path.format(**numbers))
                        take(context, shot, HERE / f"{shot.name}-{language}{suffix}.png")
                context.close()
        browser.close()


@contextmanager
def telegram() -> Iterator[str]:
    """What the doctor asks, at the address that `make run` was given; the token of its bot."""
    sys.path.insert(0, str(ROOT))
    from tests.stubs import telegram as stub

    port = urlsplit(os.environ.get("TELEGRAM_API_URL", "")).port
    if port is None:
        yield stub.TOKEN
        return
    with stub.telegram_server(port=port) as server:
        server.bot["username"] = "smachno_tracker_bot"
        server.webhook |= {
            "url": OLD_URL,
            "last_error_date": int(time.time()) - 7200,
            "last_error_message": "SSL error {error:0A000086:SSL routines::certificate verify failed}",
            "pending_update_count": 341,
        }
        server.bot["can_read_all_group_messages"] = False
        for number, role in ((-1002148830671, "administrator"), (-1001998410022, "member")):
            server.add_chat(number)
            server.add_member(number, server.bot["id"], status=role)
        yield stub.TOKEN


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
    if shot.sample:
        page.fill("#sample", shot.sample)
    if shot.press:
        page.click(shot.press)
        page.wait_for_timeout(3_000)
        settle(page)
    if shot.show:
        page.eval_on_selector(shot.show, "element => element.scrollIntoView({block: 'end'})")
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
