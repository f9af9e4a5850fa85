"""One key decides about a suggestion, in a real browser; never while somebody types."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.issues.models import Evidence, Issue, Match, Relation

LIST = "admin:issues_issue_changelist"


@pytest.fixture
def asked(project, make_issue, make_message):
    """An issue with three suggestions, the best first."""
    issue = make_issue("Checkout answers 502", message=make_message("Checkout answers 502"))
    others = [make_issue(f"Older {n}", message=make_message(f"older {n}")) for n in (1, 2, 3)]
    for number, other in enumerate(others):
        Match.objects.create(
            message=issue.evidence.get().message,
            issue=other,
            level="judged",
            score=0.7 - number / 10,
            threshold=0.9,
            outcome=Match.Outcome.SUGGESTED,
        )
    return issue, others


def page_of(issue):
    return reverse("admin:issues_issue_change", args=[issue.pk])


def test_m_merges_with_the_first(open_page, administrator, asked):
    issue, others = asked
    page = open_page(administrator, page_of(issue))

    page.keyboard.press("m")
    page.wait_for_url(f"**{page_of(others[0])}")

    assert Issue.objects.get(pk=issue.pk).duplicate_of == others[0]


def test_a_number_chooses_and_n_says_not_a_duplicate(open_page, administrator, asked):
    issue, others = asked
    page = open_page(administrator, page_of(issue))

    page.keyboard.press("2")
    expect(page.locator("[data-suggestion]").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("n")
    expect(page.locator("[data-suggestion]")).to_have_count(2)

    assert Relation.objects.get().other == others[1]


def test_the_place_of_the_key_counts_on_a_ukrainian_keyboard(open_page, administrator, asked):
    issue, others = asked
    page = open_page(administrator, page_of(issue))

    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'т', code: 'KeyN', bubbles: true}))"
    )
    expect(page.locator("[data-suggestion]")).to_have_count(2)

    assert Relation.objects.get().other == others[0]


def test_nothing_is_decided_while_somebody_types(open_page, administrator, asked):
    issue, _others = asked
    page = open_page(administrator, page_of(issue))
    field = page.locator("#decide-reason")

    field.press_sequentially("mn12")
    page.keyboard.press("Escape")

    expect(field).to_have_value("mn12")
    expect(page.locator("[data-suggestion][aria-current]")).to_have_count(0)
    page.keyboard.press("Control+m")
    assert page.url.endswith(page_of(issue))
    assert Issue.objects.get(pk=issue.pk).status == "new"


def test_in_the_queue_keys_mean_the_row_that_was_chosen(open_page, administrator, asked):
    _issue, others = asked
    page = open_page(administrator, reverse(LIST))

    page.keyboard.press("m")
    expect(page.locator("[data-suggestion][aria-current]")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("[data-suggestion][aria-current]")).to_have_count(1)
    page.keyboard.press("2")
    page.keyboard.press("m")
    expect(page.get_by_text(f"#{others[1].pk} stays")).to_be_visible()

    assert Evidence.objects.filter(issue=others[1]).count() == 2
    assert reverse(LIST) in page.url


@pytest.fixture
def three_asked(make_issue, make_message):
    """Three issues in the queue, each with two suggestions; the newest is the first row."""
    older = [make_issue(f"Older {n}", message=make_message(f"older {n}")) for n in (1, 2)]
    newer = [make_issue(f"Newer {n}", message=make_message(f"newer {n}")) for n in (1, 2, 3)]
    for issue in newer:
        for other in older:
            Match.objects.create(
                message=issue.evidence.get().message,
                issue=other,
                level="judged",
                score=0.7,
                threshold=0.9,
                outcome=Match.Outcome.SUGGESTED,
            )
    return newer


def test_after_a_decision_j_goes_on_from_its_row_and_nothing_is_chosen(
    open_page, administrator, three_asked
):
    page = open_page(administrator, reverse(LIST))
    for key in "jj":
        page.keyboard.press(key)
    second = page.locator("tr:has([data-suggestions].is-current)")
    expect(second).to_contain_text("Newer 2")

    page.keyboard.press("m")
    expect(page.get_by_text("stays, with")).to_be_visible()
    expect(page.locator("[data-suggestions].is-current")).to_have_count(0)
    page.keyboard.press("j")

    expect(second).to_contain_text("Newer 1")


def test_a_row_stays_chosen_when_the_list_is_refreshed(open_page, administrator, three_asked):
    page = open_page(administrator, reverse(LIST))
    for key in "jj2":
        page.keyboard.press(key)

    page.evaluate(
        "const form = document.querySelector('#changelist-form');"
        "form.replaceChildren(...new DOMParser().parseFromString(form.outerHTML"
        ".replaceAll('aria-current=\"true\"', '').replaceAll(' is-current', ''), 'text/html')"
        ".querySelector('#changelist-form').childNodes);"
        "document.dispatchEvent(new CustomEvent('live:list-replaced'))"
    )

    chosen = page.locator("tr:has([data-suggestions].is-current)")
    expect(chosen).to_contain_text("Newer 2")
    expect(chosen.locator("[data-suggestion]").nth(1)).to_have_attribute("aria-current", "true")


def test_a_phone_has_the_buttons_and_no_sideways_scrolling(open_page, administrator, asked):
    issue, others = asked
    phone = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
    page = open_page(administrator, page_of(issue), **phone)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator(".keys")).to_be_hidden()
    page.locator("[data-suggestion] [data-verb=merge]").first.tap()
    page.wait_for_url(f"**{page_of(others[0])}")
