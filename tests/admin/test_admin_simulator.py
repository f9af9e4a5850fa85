"""The simulator and the replay in the admin: what is shown, to whom, and what a save does."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import translation

from apps.issues.archive import Verdict
from apps.issues.comparison import thresholds_of
from apps.issues.dedup.levels import calibration
from apps.issues.models import Filing
from apps.issues.triage import file
from apps.messages.models import Embedding
from tasktracker.lib import embeddings

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
OUTAGE_AGAIN = "Прод лежить, 502 на всіх сторінках, клієнти не можуть нічого оплатити"
HOSTILE = "<script>alert(1)</script> експорт звіту падає з помилкою 500"


@pytest.fixture
def reports(make_message):
    answer = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.9}
    reports = [make_message(text, **answer) for text in (OUTAGE, HOSTILE, OUTAGE_AGAIN)]
    file(reports)
    return reports


@pytest.fixture
def manager(operator, people):
    """A member who may also change the project."""
    people["operator"].user_permissions.add(Permission.objects.get(codename="change_project"))
    return operator


def simulator(**values):
    return reverse("admin:simulator", query=values)


def test_the_page_opens_with_the_projects_thresholds(manager, project):
    project.merge_threshold = 0.875
    project.save()

    page = manager.get(simulator())

    assert page.status_code == 200
    assert 'value="0.875"' in page.text
    assert "Back to calibrated" in page.text


def test_the_answer_tells_figures_and_quotes_texts(manager, project, reports):
    page = manager.get(simulator(project=project.slug, days=30, merge="0.001", suggest="0"))

    assert "3 reports filed again" in page.text
    assert "By the merge threshold" in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text


def test_an_empty_project_says_so(manager, project):
    page = manager.get(simulator(project=project.slug, merge="0.9", suggest="0.1"))

    assert "Nothing to simulate yet" in page.text


def test_a_member_of_no_project_is_told(manager, project):
    project.members.clear()

    assert "You are a member of no project." in manager.get(simulator()).text


@pytest.mark.parametrize(
    "values", [{"merge": "0.1", "suggest": "0.9"}, {"merge": "x", "suggest": "2"}, {"merge": "nan"}]
)
def test_impossible_thresholds_are_refused(manager, project, values):
    page = manager.get(simulator(project=project.slug, **values))

    assert page.status_code == 200
    assert 'role="alert"' in page.text


def test_what_is_wrong_is_named_by_its_field(manager, project):
    page = manager.get(simulator(project=project.slug, merge="0,9", suggest="0.4"))

    assert page.context["errors"] == ["Merge at: Enter a number."]


def test_another_teams_project_is_not_shown(manager, project, other_project):
    page = manager.get(simulator(project=other_project.slug))

    assert other_project.name not in page.text


def test_saving_sets_the_projects_thresholds(manager, project, people):
    manager.post(simulator(), {"project": project.slug, "merge": "0.93", "suggest": "0.2"})

    project.refresh_from_db()
    assert (project.merge_threshold, project.suggest_threshold) == (0.93, 0.2)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (people["operator"], str(project.pk))


def test_the_project_can_go_back_to_the_calibrated_ones(manager, project):
    project.merge_threshold = project.suggest_threshold = 0.5
    project.save()

    manager.post(simulator(), {"project": project.slug, "calibrated": "1"})

    project.refresh_from_db()
    assert thresholds_of(project) == calibration().judged


def test_what_cannot_be_saved_changes_nothing(manager, project):
    page = manager.post(
        simulator(), {"project": project.slug, "merge": "0.1", "suggest": "0.9"}, follow=True
    )

    project.refresh_from_db()
    assert project.merge_threshold is None
    assert "at least as sure" in page.text


def test_another_teams_project_cannot_be_saved(manager, other_project, project):
    values = {"project": other_project.slug, "merge": "0.9", "suggest": "0.1"}

    assert manager.post(simulator(), values).status_code == 403
    other_project.refresh_from_db()
    assert other_project.merge_threshold is None


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_change_the_project_may_not_simulate(client_of, project, role):
    client = client_of(role)

    assert client.get(simulator()).status_code == 403
    values = {"project": project.slug, "calibrated": "1"}
    assert client.post(simulator(), values).status_code == 403
    assert "admin/simulator/" not in client.get(reverse("admin:index")).text


def test_the_sidebar_and_the_project_lead_to_it(manager, project):
    page = manager.get(reverse("admin:sources_project_change", args=[project.pk]))

    assert f"{reverse('admin:simulator')}?project={project.slug}" in page.text
    assert f'href="{reverse("admin:simulator")}"' in manager.get(reverse("admin:index")).text


def test_a_replay_says_that_decisions_come_out_as_they_were(viewer, reports):
    issue = reports[0].evidence.issue

    page = viewer.get(reverse("admin:replay", args=[issue.pk]))

    assert "Every decision comes out as it was." in page.text


def test_a_replay_tells_what_differs_and_why(viewer, reports):
    filing = Filing.objects.get(message=reports[1])
    filing.outcome, filing.level, filing.judge = "attached", "fuzzy", "older"
    filing.save()

    page = viewer.get(reverse("admin:replay", args=[filing.issue_id]))

    assert "1 decision would come out otherwise." in page.text
    assert "the judge&#x27;s version has changed: older" in page.text
    assert "<script>alert" not in page.text


def test_a_replay_shows_few_at_a_time_and_embeds_nothing(viewer, make_message, monkeypatch):
    answer = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.9}
    reports = [make_message(OUTAGE, **answer) for _ in range(23)]
    file(reports)
    Embedding.objects.all().delete()
    monkeypatch.setattr(embeddings, "embed", None)

    page = viewer.get(reverse("admin:replay", args=[reports[0].evidence.issue_id]))

    assert len(page.context["replayed"]) == 20
    assert page.context["most"] == 20


def test_the_issue_leads_to_its_replay(viewer, reports):
    issue = reports[0].evidence.issue

    page = viewer.get(reverse("admin:issues_issue_change", args=[issue.pk]))

    assert reverse("admin:replay", args=[issue.pk]) in page.text


def test_another_teams_issue_is_not_replayed(viewer, make_issue, other_project):
    issue = make_issue(project=other_project)

    assert viewer.get(reverse("admin:replay", args=[issue.pk])).status_code == 404


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"merge_threshold": "0.2", "suggest_threshold": "0.9"}, "at least as sure"),
        ({"suggest_threshold": "0.99"}, "at least as sure"),
        ({"open_issue_days": "999999"}, "less than or equal to 3650"),
    ],
)
def test_the_projects_form_refuses_what_cannot_decide(administrator, project, changes, told):
    address = reverse("admin:sources_project_change", args=[project.pk])
    shown = administrator.get(address).context["adminform"].form
    filled = {name: shown[name].value() for name in shown.fields}
    filled = {name: value for name, value in filled.items() if value not in (None, False)}
    forms = {"glossary-TOTAL_FORMS": 0, "glossary-INITIAL_FORMS": 0}

    page = administrator.post(address, {**filled, **forms, **changes})

    assert told in page.text
    project.refresh_from_db()
    assert (project.merge_threshold, project.open_issue_days) == (None, 30)


def test_a_score_is_written_as_the_readers_language_writes_numbers():
    with translation.override("uk"):
        assert "0,983" in Verdict("attached", "fuzzy", 7, 0.983).words
