"""Linear is set up without typing an id, and an approved issue's page links to its task."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.exports.models import CallCount, TaskExport, Tracker
from apps.exports.tasks import deliver_exports, open_exports
from apps.exports.trackers.linear.api import CALLS_PER_HOUR
from apps.issues.decisions import approve
from apps.sources.models import Project
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import KEY, LinearServer, linear_server


@pytest.fixture(scope="module")
def running() -> Iterator[LinearServer]:
    with linear_server() as linear:
        yield linear


@pytest.fixture
def linear(running: LinearServer, settings: Any) -> LinearServer:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    settings.LINEAR_API_URL = running.url
    running.reset()
    return running


@pytest.fixture
def save(django_capture_on_commit_callbacks: Any) -> Callable[..., str]:
    """Post a tracker's page; what the next page says."""

    def save(client: Client, address: str, **values: Any) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            page = client.post(address, {"name": "Linear", "is_active": "on", **values})
        return (
            client.get(page.url).content.decode()
            if page.status_code == 302
            else page.content.decode()
        )

    return save


def tracker_of(project: Project, **config: Any) -> Tracker:
    return Tracker.objects.create(
        project=project, kind="linear", name="Linear", config={"api_key": KEY, **config}
    )


def page_of(tracker: Tracker) -> str:
    return reverse("admin:exports_tracker_change", args=[tracker.pk])


def test_from_a_key_to_a_task_without_typing_an_id(
    operator: Client,
    project: Project,
    linear: LinearServer,
    save: Callable[..., str],
    make_issue: Any,
    make_message: Any,
):
    add = reverse("admin:exports_tracker_add")
    assert "linear__team" not in operator.get(add).content.decode()
    page = save(operator, add, project=project.pk, kind="linear", linear__api_key=KEY)
    tracker = Tracker.objects.get()
    assert ("Core (COR)" in page, "Payments" in page, KEY in page) == (True, False, False)

    page = save(operator, page_of(tracker), project=project.pk, saved__team="t-core")
    page = operator.get(page_of(tracker)).content.decode()
    assert all(words in page for words in ("Payments", "Triage", "Олена", "Bug", "Everywhere"))

    chosen = {"saved__team": "t-core", "saved__project": "p-1", "saved__labels": ["l-bug", "l-all"]}
    save(operator, page_of(tracker), project=project.pk, **chosen)
    tracker.refresh_from_db()
    assert tracker.config == {
        "api_key": KEY,
        "team": "t-core",
        "project": "p-1",
        "labels": ["l-bug", "l-all"],
    }
    check = reverse("admin:exports_tracker_check", args=[tracker.pk])
    assert "Issues go to the team Core." in operator.post(check, follow=True).content.decode()

    issue = make_issue(message=make_message("Прод лежить"))
    approve(issue, by=None)
    open_exports([issue.pk])
    deliver_exports([TaskExport.objects.get().pk])

    assert len(linear.store.issues) == 1
    shown = operator.get(reverse("admin:issues_issue_change", args=[issue.pk])).content.decode()
    assert 'href="https://linear.app/kvit/issue/COR-1"' in shown
    assert ">COR-1<" in shown


@pytest.mark.usefixtures("linear")
def test_saving_stays_where_the_rest_is_chosen(operator: Client, project: Project) -> None:
    page = page_of(tracker_of(project))
    values = {"name": "Linear", "is_active": "on", "project": project.pk, "saved__team": "t-core"}

    assert operator.post(page, {**values, "_save": "Save"}).url == page


def test_what_was_chosen_is_selected_again(
    operator: Client, project: Project, linear: LinearServer
):
    tracker = tracker_of(project, team="t-core", labels=["l-bug"], state="s-gone")
    tracker.keep_choices()

    page = operator.get(page_of(tracker)).content.decode()

    assert '<option value="t-core" selected>' in page
    assert "s-gone (no longer there)" in page
    assert page.count("checked") >= 1


def test_settings_that_nobody_can_choose_yet_are_kept(
    operator: Client, project: Project, linear: LinearServer, save: Callable[..., str]
):
    tracker = tracker_of(project, team="t-core", labels=["l-bug"])

    save(operator, page_of(tracker), project=project.pk, name="Renamed")

    tracker.refresh_from_db()
    assert tracker.name == "Renamed"
    assert tracker.config == {"api_key": KEY, "team": "t-core", "labels": ["l-bug"]}
    assert tracker.catalogue["team"]


@pytest.mark.django_db(transaction=True)
def test_a_linear_that_does_not_answer_keeps_nobody_from_saving(
    operator: Client, project: Project, linear: LinearServer
):
    linear.faults = [stub.says(500, b"oops")]
    values = {"project": project.pk, "kind": "linear", "name": "Linear", "linear__api_key": KEY}

    page = operator.post(reverse("admin:exports_tracker_add"), values, follow=True)

    assert "did not say what there is to choose" in page.content.decode()
    assert Tracker.objects.get().config["api_key"] == KEY


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "Choose one of: Core, Other"),
        ({"team": "t-gone"}, "Choose another team"),
        ({"api_key": "lin_api_wrong"}, "Make a new one"),
    ],
)
def test_a_check_says_what_to_do(
    operator: Client, project: Project, linear: LinearServer, config: Any, words: str
):
    tracker = tracker_of(project, **config)

    check = reverse("admin:exports_tracker_check", args=[tracker.pk])

    assert words in operator.post(check, follow=True).content.decode()


def test_what_is_wrong_is_said_without_words_of_the_library(
    operator: Client, project: Project, save: Callable[..., str]
):
    add = reverse("admin:exports_tracker_add")

    page = save(operator, add, project=project.pk, kind="linear")

    assert "Give an API key" in page
    assert "Value error" not in page


def test_an_application_without_its_secret_is_no_way_in(
    operator: Client, project: Project, save: Callable[..., str]
):
    add = reverse("admin:exports_tracker_add")

    page = save(operator, add, project=project.pk, kind="linear", linear__client_id="client-1")

    assert "the secret of an application" in page
    assert not Tracker.objects.exists()


def test_a_tracker_that_wants_a_pause_has_no_wrong_settings(
    operator: Client, project: Project, linear: LinearServer
):
    linear.faults = [stub.says(429, stub.RATE_LIMITED)]
    check = reverse("admin:exports_tracker_check", args=[tracker_of(project, team="t-core").pk])
    page = operator.post(check, follow=True).content.decode()

    assert "It cannot be checked now: Linear asks for fewer calls" in page
    assert "The settings do not work" not in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asks_by", ["check", "change"])
def test_our_own_limit_is_told_in_the_language_of_who_asks(
    operator: Client, project: Project, linear: LinearServer, asks_by: str
):
    tracker = tracker_of(project, team="t-core")
    tracker.plugin().check()
    CallCount.objects.update(calls=CALLS_PER_HOUR)
    address = reverse(f"admin:exports_tracker_{asks_by}", args=[tracker.pk])
    values = {"project": project.pk, "name": "Linear", "is_active": "on"}
    page = operator.post(address, values, follow=True, headers={"accept-language": "uk"})

    assert "Усі 1500 викликів за годину вичерпано" in page.content.decode()


def test_a_check_that_finds_nothing_wrong_ends_the_last_error(
    operator: Client, project: Project, linear: LinearServer
):
    tracker = tracker_of(project, team="t-core")
    tracker.note_trouble("No team is chosen: choose one on the tracker's page.")

    operator.post(reverse("admin:exports_tracker_check", args=[tracker.pk]))

    tracker.refresh_from_db()
    assert tracker.last_error == ""


def test_a_check_that_finds_something_wrong_keeps_it(
    operator: Client, project: Project, linear: LinearServer
):
    tracker = tracker_of(project, team="t-nowhere")
    tracker.note_trouble("The chosen team is not there.")

    operator.post(reverse("admin:exports_tracker_check", args=[tracker.pk]))

    tracker.refresh_from_db()
    assert tracker.last_error == "The chosen team is not there."


@pytest.fixture
def with_fields(project: Project) -> Tracker:
    """A Redmine that has told its custom fields; one that was set is gone by now."""
    there = {"url": "https://redmine.example", "api_key": "k"}
    return Tracker.objects.create(
        project=project,
        kind="redmine",
        name="Redmine",
        config={**there, "custom_fields": {"8": ["Web", "API"], "9": "old"}},
        catalogue={"fields": [["7", "<b>Severity</b>"], ["8", "Component"]]},
    )


def test_each_custom_field_has_a_text_under_its_name(operator: Client, with_fields: Tracker):
    page = operator.get(page_of(with_fields)).content.decode()

    for label in ("&lt;b&gt;Severity&lt;/b&gt;", "Component", "9 (no longer there)"):
        assert f">{label}</label>" in page
    assert "Web\nAPI</textarea>" in page


def test_values_of_custom_fields_are_kept_one_a_line(
    operator: Client, with_fields: Tracker, save: Callable[..., str]
):
    typed = {
        "saved__custom_fields_7": " high ",
        "saved__custom_fields_8": "Web\r\n\r\nMobile",
        "saved__custom_fields_9": "",
    }

    save(
        operator,
        page_of(with_fields),
        project=with_fields.project_id,
        name="Redmine",
        saved__url="https://redmine.example",
        saved__text_format="markdown",
        saved__calls_per_minute="120",
        **typed,
    )

    with_fields.refresh_from_db()
    assert with_fields.config["custom_fields"] == {"7": "high", "8": ["Web", "Mobile"]}
