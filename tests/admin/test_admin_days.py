"""The reviews of days in the admin: made, read, printed, posted; by whom they may be."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.issues.analysis import analyse
from apps.issues.models import DayAnalysis, Issue
from apps.sources.models import Chat, Project, Source
from tests.admin.conftest import HOSTILE

DAY = date(2026, 3, 2)
PAGE = "admin:issues_dayanalysis_change"
PRINT = "admin:issues_dayanalysis_print"
ANALYSE = "admin:issues_dayanalysis_analyse"
POST = "admin:issues_dayanalysis_post"


@pytest.fixture
def analysis(rows: dict[type, Any]) -> DayAnalysis:
    found: DayAnalysis = rows[DayAnalysis]
    return found


@pytest.fixture
def group(project: Project) -> Chat:
    source = Source.objects.create(
        project=project, kind="telegram", name="Sender", config={"bot_token": "1:x"}
    )
    return Chat.objects.create(source=source, external_id="-5", title="Dev chat")


@pytest.fixture
def posting(project: Project, group: Chat) -> Project:
    project.posts_summary, project.summary_chat = True, group
    project.save()
    return project


def analyse_by(client: Client, project: Project, day: str = "2026-03-05") -> Any:
    return client.post(reverse(ANALYSE), {"project": project.pk, "day": day})


def test_a_day_is_analysed_at_the_press_of_a_button(operator: Client, project: Project):
    response = analyse_by(operator, project)

    made = DayAnalysis.objects.get()
    assert (made.project, made.day) == (project, date(2026, 3, 5))
    assert response.url == reverse(PAGE, args=[made.pk])


def test_a_day_to_come_is_refused_in_words(operator: Client, project: Project):
    response = operator.post(
        reverse(ANALYSE), {"project": project.pk, "day": "2099-01-01"}, follow=True
    )

    assert "This day has not begun yet." in response.content.decode()
    assert not DayAnalysis.objects.exists()


@pytest.mark.parametrize("day", ["", "yesterday", "2026-13-01", "9999-12-31"])
def test_what_is_no_day_is_refused_in_words(operator: Client, project: Project, day: str):
    response = operator.post(reverse(ANALYSE), {"project": project.pk, "day": day}, follow=True)

    assert "Choose a project of yours and a day." in response.content.decode()
    assert not DayAnalysis.objects.exists()


def test_a_foreign_project_is_not_analysed(operator: Client, other_project: Project):
    analyse_by(operator, other_project)

    assert not DayAnalysis.objects.exists()


def test_a_viewer_looks_and_changes_nothing(viewer: Client, analysis: DayAnalysis):
    page = viewer.get(reverse(PAGE, args=[analysis.pk])).content.decode()
    refused = analyse_by(viewer, analysis.project)
    viewer.post(reverse(POST, args=[analysis.pk]))

    assert "Analyse again" not in page
    assert refused.status_code == 403
    assert DayAnalysis.objects.count() == 1


def test_the_page_links_to_the_issues_and_escapes_their_titles(
    operator: Client, analysis: DayAnalysis
):
    page = operator.get(reverse(PAGE, args=[analysis.pk])).content.decode()

    for row in analysis.figures["new"]:
        assert reverse("admin:issues_issue_change", args=[row["id"]]) in page
    assert "<script>alert(1)" not in page
    assert "evil.example" in page


def test_an_issue_that_is_gone_is_only_words(operator: Client, analysis: DayAnalysis):
    (first, *_others) = analysis.figures["new"]
    Issue.objects.all().delete()

    page = operator.get(reverse(PAGE, args=[analysis.pk]))

    assert page.status_code == 200
    assert reverse("admin:issues_issue_change", args=[first["id"]]) not in page.content.decode()


def test_the_days_before_and_after_are_one_click_away(operator: Client, analysis: DayAnalysis):
    before = analyse(analysis.project, DAY - timedelta(days=3))
    after = analyse(analysis.project, DAY + timedelta(days=1))

    page = operator.get(reverse(PAGE, args=[analysis.pk])).content.decode()

    assert reverse(PAGE, args=[before.pk]) in page
    assert reverse(PAGE, args=[after.pk]) in page


@pytest.mark.parametrize("language", ["uk", "en"])
def test_the_print_is_the_report_alone(operator: Client, analysis: DayAnalysis, language: str):
    operator.cookies["django_language"] = language

    page = operator.get(reverse(PRINT, args=[analysis.pk])).content.decode()

    assert f'lang="{language}"' in page
    assert "nav-sidebar" not in page
    assert "<form" not in page
    assert "<script" not in page


def test_a_foreign_day_is_not_printed_and_not_posted(
    operator: Client, make_rows: Callable[..., dict[type, Any]], other_project: Project
):
    foreign = make_rows(other_project)[DayAnalysis]

    for address in (reverse(PRINT, args=[foreign.pk]), reverse(PAGE, args=[foreign.pk])):
        response = operator.get(address)
        assert response.status_code == 302
        assert HOSTILE[:10] not in response.content.decode()
    operator.post(reverse(POST, args=[foreign.pk]))
    foreign.refresh_from_db()
    assert foreign.status == "ready"


def test_a_summary_is_posted_at_the_press_of_a_button(
    operator: Client, posting: Project, rows: dict[type, Any]
):
    analysis = analyse(posting, DAY)
    page = operator.get(reverse(PAGE, args=[analysis.pk])).content.decode()
    operator.post(reverse(POST, args=[analysis.pk]))

    analysis.refresh_from_db()
    assert "Post to the chat" in page
    assert analysis.status == "posting"


def test_what_is_in_the_chat_is_not_posted_again(operator: Client, posting: Project):
    analysis = analyse(posting, DAY)
    DayAnalysis.objects.update(
        status="posted", posted_at=datetime.fromisoformat("2026-03-03T00:10Z")
    )
    operator.post(reverse(POST, args=[analysis.pk]))

    analysis.refresh_from_db()
    assert analysis.status == "posted"


def settings_of(project: Project, **changes: Any) -> dict[str, Any]:
    return {
        "name": project.name,
        "slug": project.slug,
        "language": "uk",
        "timezone": "Europe/Kyiv",
        "policy": "cascade",
        "exported_quotes": "replace",
        "duplicate_window_hours": 24,
        "open_issue_days": 30,
        "closed_issue_days": 14,
        "run_minutes": 5,
        "raise_priority_from": 3,
        "glossary-TOTAL_FORMS": 0,
        "glossary-INITIAL_FORMS": 0,
        **changes,
    }


def save_settings(client: Client, project: Project, **changes: Any) -> Any:
    address = reverse("admin:sources_project_change", args=[project.pk])
    return client.post(address, settings_of(project, **changes))


def test_a_project_names_the_chat_for_its_summary(
    administrator: Client, project: Project, group: Chat
):
    save_settings(administrator, project, posts_summary="on", summary_chat=group.pk)

    project.refresh_from_db()
    assert (project.posts_summary, project.summary_chat) == (True, group)


def test_a_summary_without_a_chat_is_refused(administrator: Client, project: Project):
    response = save_settings(administrator, project, posts_summary="on")

    project.refresh_from_db()
    assert response.status_code == 200
    assert not project.posts_summary


def test_only_the_projects_own_chats_that_can_be_written_to_are_offered(
    administrator: Client, project: Project, group: Chat, chat: Chat, other_project: Project
):
    Chat.objects.create(
        source=group.source, external_id="-6", title="Routed away", project=other_project
    )
    form = administrator.get(reverse("admin:sources_project_change", args=[project.pk]))

    offered = form.context["adminform"].form.fields["summary_chat"].queryset
    assert list(offered) == [group]
    refused = save_settings(administrator, project, posts_summary="on", summary_chat=chat.pk)
    assert refused.status_code == 200
