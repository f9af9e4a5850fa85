"""What people decide with is in sight, on a laptop's screen and on a phone."""

import pytest
from django.urls import reverse

from apps.exports.models import Tracker

LIST = "admin:issues_issue_changelist"
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LONG = "Після оновлення застосунку не відкривається каталог товарів, і кошик стає порожнім щоразу"


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_the_buttons_of_the_queue_are_in_sight(open_page, administrator, make_issue, size):
    make_issue(LONG)
    page = open_page(administrator, reverse(LIST), viewport=size, locale="uk-UA")

    box = page.locator("#result_list .row-button, .result-list .row-button").last.bounding_box()

    assert box["x"] + box["width"] <= size["width"]


def test_the_page_of_a_replay_is_as_wide_as_a_phone(
    open_page, administrator, make_issue, make_message
):
    issue = make_issue(LONG, message=make_message(LONG))
    address = reverse("admin:replay", args=[issue.pk])
    page = open_page(administrator, address, viewport=PHONE, locale="uk-UA")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_address_that_a_tracker_calls_is_as_wide_as_a_phone(open_page, administrator, project):
    tracker = Tracker.objects.create(project=project, kind="linear", name="Linear")
    address = reverse("admin:exports_tracker_way_back", args=[tracker.pk])
    page = open_page(administrator, address, viewport=PHONE, locale="uk-UA")
    shown = page.locator("section code").first
    shown.evaluate(
        "element => element.textContent = 'https://tracker.example.com' + element.textContent"
    )

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
