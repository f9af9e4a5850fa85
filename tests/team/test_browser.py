"""The open page in a real browser: what happens in the flow shows up without a reload."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.exports.models import BREAK_AFTER, TaskExport
from apps.issues.models import Issue
from apps.issues.triage import open_issue
from apps.messages.ingest import store
from apps.sources import intake

CONNECTED = re.compile("connected")


@pytest.fixture
def make_issue(project):
    def make(title):
        issue = Issue.objects.create(
            project=project,
            title=title,
            category="bug",
            priority="high",
            reported_at="2026-03-02T09:00:00Z",
        )
        Issue.announce([issue.pk], issue.status, is_new=True)
        return issue

    return make


def until_connected(page):
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "connected")


def test_a_message_appears_at_once_and_is_confirmed_when_it_is_stored(
    open_page, member, make_envelope
):
    page = open_page(member)
    until_connected(page)
    envelope = make_envelope("Не відкривається каталог")

    intake.accept(envelope)
    row = page.locator("[data-list=messages] .row", has_text="Не відкривається каталог")
    expect(row).to_have_class(re.compile("is-pending"))
    store(envelope)

    expect(row).not_to_have_class(re.compile("is-pending"))
    expect(row).to_have_count(1)
    expect(row.locator("[data-field=initials]")).to_have_text("О")


def test_an_issue_appears_and_follows_its_status(open_page, member, make_issue):
    page = open_page(member)
    until_connected(page)
    expect(page.get_by_text("No issues yet.")).to_be_visible()

    issue = make_issue("Checkout answers 502")
    row = page.locator("[data-list=tasks] .row", has_text="Checkout answers 502")
    expect(row.locator("[data-badge=status]")).to_have_text("New")
    issue.change_status("approved")

    expect(row.locator("[data-badge=status]")).to_have_text("Approved")
    expect(page.get_by_text("No issues yet.")).to_be_hidden()
    expect(page.locator("[data-live-region=numbers]")).to_contain_text(re.compile(r"1\s*In work"))


def test_issues_of_an_archive_come_into_the_list_in_silence(open_page, member, make_message):
    page = open_page(member)
    until_connected(page)

    open_issue(make_message("Звіт губить рядки", is_history=True, category="bug", priority="low"))

    expect(page.locator("[data-list=tasks] .row")).to_have_count(1)
    expect(page.locator("[aria-live]", has_text="Звіт")).to_have_count(0)


def test_a_hostile_message_is_only_text(open_page, member, make_envelope):
    page = open_page(member)
    until_connected(page)
    hostile = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"

    intake.accept(make_envelope(hostile, author_name=hostile, avatar_url="javascript:alert(1)"))

    row = page.locator("[data-list=messages] .row")
    expect(row.locator("[data-field=content]")).to_have_text(hostile)
    expect(row.locator("img, b")).to_have_count(0)
    expect(page).to_have_title("Task Tracker")


def test_the_page_says_that_the_server_is_away_and_catches_up_when_it_is_back(
    open_page, member, server, make_issue
):
    page = open_page(member)
    until_connected(page)

    server.stop()
    expect(page.locator("[data-live-indicator]")).to_have_text(re.compile("Reconnecting|Offline"))
    make_issue("Happened meanwhile")
    server.start()

    expect(page.locator("[data-list=tasks]")).to_contain_text("Happened meanwhile")
    until_connected(page)


def test_the_stream_respects_the_filter_of_the_page(open_page, member, make_envelope):
    page = open_page(member, "/?author=Тарас")
    until_connected(page)

    intake.accept(make_envelope("не для нас", author_name="Олена"))
    intake.accept(make_envelope("для нас", author_name="Тарас"))

    expect(page.locator("[data-list=messages] .row [data-field=content]")).to_have_text(["для нас"])


def test_logging_out_elsewhere_leads_to_the_login_after_a_reload(open_page, member):
    page = open_page(member)
    page.get_by_role("button", name="Log out").click()

    expect(page).to_have_url(re.compile("/login/"))


def test_the_language_is_switched_by_a_button(open_page, member):
    page = open_page(member)
    page.get_by_role("button", name="UK").click()

    expect(page.locator("html")).to_have_attribute("lang", "uk")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    scheme, open_page, member, make_message
):
    make_message("дуже" * 100, author="Ім'я" * 20)
    page = open_page(
        member, viewport={"width": 360, "height": 740}, is_mobile=True, color_scheme=scheme
    )
    until_connected(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_admins_inbox_takes_new_rows_in_place(open_page, administrator, make_message):
    make_message("перше")
    page = open_page(administrator, reverse("admin:chat_messages_message_changelist"))
    until_connected(page)

    message = make_message("друге")
    message.announce([message.pk], message.status)

    expect(page.locator("#result_list")).to_contain_text("друге")
    page.locator("#action-toggle").check()
    expect(page.locator("input.action-select:checked")).to_have_count(2)


def test_selected_rows_are_never_taken_away(open_page, administrator, make_message):
    make_message("перше")
    page = open_page(administrator, reverse("admin:chat_messages_message_changelist"))
    until_connected(page)
    page.locator("input.action-select").first.check()

    message = make_message("друге")
    message.announce([message.pk], message.status)

    expect(page.locator(".live-refresh")).to_be_visible()
    expect(page.locator("#result_list")).not_to_contain_text("друге")
    page.locator(".live-refresh").click()
    expect(page.locator("#result_list")).to_contain_text("друге")


def test_the_outbox_says_by_itself_that_a_tracker_rests(open_page, administrator, tracker):
    page = open_page(administrator, reverse("admin:exports_taskexport_outbox"))
    until_connected(page)

    for _attempt in range(BREAK_AFTER):
        tracker.note_failure("away")  # which changes no export

    expect(page.locator("#outbox")).to_contain_text("Resting")


def test_who_works_with_the_keyboard_keeps_the_place_in_the_outbox(
    open_page, administrator, tracker, make_issue
):
    page = open_page(administrator, reverse("admin:exports_taskexport_outbox"))
    until_connected(page)
    page.locator("#outbox button[value=open]").focus()

    export = TaskExport.objects.create(issue=make_issue("Каса стоїть"), tracker=tracker)
    TaskExport.announce([export.pk], export.status)

    pending = page.locator("#outbox .number").first
    expect(pending).to_contain_text("1")
    expect(page.locator("#outbox button[value=open]")).to_be_focused()
