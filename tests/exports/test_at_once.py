"""Two at once: whoever decides where an issue goes waits for the others who do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from apps.exports.models import TaskExport
from apps.exports.policy import goes_now
from apps.issues.models import Issue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meanwhile(make_export: Callable[..., TaskExport]) -> Callable[..., Any]:
    """What becomes of a step on a held export while somebody decides about its issue."""

    def run(step: Callable[[TaskExport], Any], held: str) -> None:
        export = make_export(held=held)

        def work() -> None:
            try:
                connection.cursor().execute("SET lock_timeout = '300ms'")
                step(TaskExport.objects.get(pk=export.pk))
            finally:
                connection.close()

        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
            Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
            pool.submit(work).result()

    return run


@pytest.mark.parametrize(
    ("step", "held"),
    [(TaskExport.release, "by_hand"), (goes_now, "too_many")],
    ids=["a person lets it go", "its hour has room"],
)
def test_nobody_lets_an_export_go_while_its_issue_is_sent_elsewhere(
    meanwhile: Callable[..., Any], step: Callable[[TaskExport], Any], held: str
):
    with pytest.raises(OperationalError, match="lock timeout"):
        meanwhile(step, held)

    assert TaskExport.objects.get().held == held
