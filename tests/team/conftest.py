"""The real server in a process of its own, and a real browser in front of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from apps.sources.models import Project

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds


class Server:
    """granian with the ASGI application on the test database."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-log"]
        command += ["--port", str(self.port), "tasktracker.asgi:application"]
        database = connection.settings_dict
        login = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
        place = f"{database['HOST']}:{database['PORT']}/{database['NAME']}"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tasktracker.settings.test",
            "DATABASE_URL": f"postgresql://{login}@{place}",
        }
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=15)
            self.process = None


@pytest.fixture(scope="session")
def static_files(django_db_setup: None) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(scope="package")
def one_server(static_files: None) -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(transactional_db: None, one_server: Server) -> Server:
    if one_server.process is None:
        one_server.start()
    return one_server


# Not for the session: while Playwright's event loop runs in this thread, no async test can.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        # A laptop may have no Chromium at all; `.ci/run` installs it, so nothing is skipped there.
        pytest.skip("no /usr/bin/chromium: apt-get install chromium")
    switches = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
    switches += ["disable-background-networking", "disable-component-update", "disable-sync"]
    with sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; Django would refuse its database to it.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        # A page that lost its server waits up to ten seconds before it tries again.
        expect.set_options(timeout=PATIENCE * 1000)
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[f"--{switch}" for switch in switches]
        )
        yield browser
        browser.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def member(project: Project) -> Any:
    user = get_user_model().objects.create_user("olena")
    project.members.add(user)
    return user


@pytest.fixture
def administrator(db: None) -> Any:
    return get_user_model().objects.create_superuser("root", password="long enough to keep")


@pytest.fixture
def open_page(server: Server, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A page of the site as this user sees it."""
    contexts = []

    def open_one(user: Any, path: str = "/", **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(server.url + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
