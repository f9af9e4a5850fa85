import pytest

from tasktracker.realtime.models import Event


@pytest.fixture
def events(project, other_project):
    return [
        Event.objects.create(project=owner, type="task_created", data={"id": number})
        for number, owner in enumerate([project, project, other_project, project])
    ]


def test_missed_events_come_as_frames_of_own_projects(api, events):
    answer = api.get(f"/api/events?since={events[0].pk}").json()

    assert answer["results"] == [
        {"type": "task_created", "data": {"id": 1}, "seq": events[1].pk},
        {"type": "task_created", "data": {"id": 3}, "seq": events[3].pk},
    ]
    assert (answer["newest"], answer["resync"]) == (events[3].pk, False)


def test_without_a_number_only_the_newest_is_told(api, events):
    answer = api.get("/api/events").json()

    assert answer == {"results": [], "newest": events[3].pk, "resync": False}


def test_who_missed_too_much_loads_anew(api, project, events):
    Event.objects.bulk_create(Event(project=project, type="stats", data={}) for _ in range(501))

    answer = api.get(f"/api/events?since={events[0].pk}").json()

    assert (answer["results"], answer["resync"]) == ([], True)


@pytest.mark.parametrize("since", ["-1", "x", str(2**63), "9" * 5000, "%00", "1.5"])
def test_number_that_is_none_is_refused(api, project, since):
    assert api.get(f"/api/events?since={since}").status_code == 400
