"""As `tests/exports/test_deaths.py`, around a real Redmine. DEATHS=50 makes it fifty of each."""

from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.exports.models import TaskExport
from tests.exports.deaths import DEATHS, TIMES, Vendor, Worker, exactly_one_task_each
from tests.exports.real_redmine.server import KEYS, PATIENCE, RealRedmine
from tests.stubs.redmine.server import redmine_server

pytestmark = pytest.mark.django_db(transaction=True)


class Behind:
    """The real Redmine, in the place of a stub's store: faults happen on the way there and back."""

    def __init__(self, real: RealRedmine) -> None:
        self._real = real
        self._field = real.id_of("custom_fields", "TaskTracker id")
        self._last = real.sql("SELECT coalesce(max(id), 0) FROM issues")[0][0]

    def answer(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        there = HTTPConnection(urlsplit(self._real.url).netloc, timeout=PATIENCE)
        try:
            there.request(method, target, body, dict(headers))
            answer = there.getresponse()
            return answer.status, answer.read()
        finally:
            there.close()

    @property
    def creations(self) -> list[str]:
        """The key of every issue that was made since."""
        return [key for _number, key in self._made()]

    def id_of(self, key: str) -> str | None:
        ids = [number for number, its in self._made() if its == key]
        return f"#{ids[0]}" if ids else None

    def _made(self) -> list[tuple[int, str]]:
        rows = self._real.sql(
            "SELECT issues.id, coalesce(value, '') FROM issues LEFT JOIN custom_values"
            " ON customized_id = issues.id AND customized_type = 'Issue' AND custom_field_id = ?"
            " WHERE issues.id > ? ORDER BY issues.id",
            self._field,
            self._last,
        )
        return [(int(number), str(key)) for number, key in rows]


@pytest.fixture
def vendor(server: RealRedmine) -> Iterator[Vendor]:
    with redmine_server(lambda: Behind(server)) as proxy:
        config = {
            "url": proxy.url,
            "api_key": KEYS["bot"],
            "project": server.id_of("projects", "Payments"),
            "key_field": server.id_of("custom_fields", "TaskTracker id"),
            "calls_per_minute": "6000",
        }
        # It looks first, twice, and asks for the priorities.
        yield Vendor("redmine", proxy, config, 3, lambda key: proxy.store.id_of(key))


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_exactly_one_issue_whatever_breaks(
    death: Callable[..., None],
    worker: Worker,
    vendor: Vendor,
    make_work: Callable[[Any], TaskExport],
):
    exports = [make_work(vendor) for _ in range(TIMES)]

    exactly_one_task_each(death, worker, vendor, exports)
