"""Training from corrections: a version answers only when it is no worse, and every step can be undone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from apps.messages import learn, versions
from apps.messages.classifiers.base import Vector
from apps.messages.classify import classify
from apps.messages.corrections import note, set_answer
from apps.messages.models import Correction, Embedding, Message, ModelVersion
from apps.messages.tasks import train_models
from apps.messages.training.corpus import Example, read_singles
from tasktracker.lib import embeddings

TRAINING = Path(django_settings.BASE_DIR) / "data" / "training"
WANTED = ModelVersion.Status.WANTED
SMALL = 100  # messages of the small corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a few messages, every category alike; and a place for its vectors."""
    folder = tmp_path_factory.mktemp("training")
    lines = (TRAINING / "part_a.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "part_a.jsonl").write_text("\n".join(lines[:SMALL]) + "\n", encoding="utf-8")
    (folder / "singles.jsonl").write_text("", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One text in four is kept out, each a hundredth of all; no version of another test answers."""
    monkeypatch.setattr("apps.messages.training.split.KEPT_OUT_OF", 4)
    monkeypatch.setattr(
        "apps.messages.training.comparison.TOLERANCE",
        {"macro_f1": 0.15, "issue_recall": 0.15, "corrected": 0.15},
    )
    yield
    versions._Current.version_id = None
    versions._classifier.cache_clear()


@pytest.fixture(scope="module")
def others() -> list[tuple[Example, Vector]]:
    """Real messages that are not in the small corpus."""
    examples = list(read_singles(TRAINING / "part_b.jsonl"))[:40]
    vectors = embeddings.embed([example.sample.text for example in examples])
    return list(zip(examples, vectors, strict=True))


@pytest.fixture
def correct(
    make_message: Callable[..., Message], others: list[tuple[Example, Vector]], admin_user: Any
) -> Callable[..., list[Message]]:
    """Makes messages that are corrected to what they are, or to `category`."""

    def make(count: int, *, category: str = "") -> list[Message]:
        made = []
        for example, vector in others[:count]:
            message = make_message(example.sample.text, status="noise", category="", priority="low")
            answer = {"category": category or example.category, "priority": example.priority}
            note(message, {name: ("", value) for name, value in answer.items()}, by=admin_user)
            set_answer(message, answer, by=admin_user)
            Embedding.objects.create(message=message, model=embeddings.model_name(), vector=vector)
            made.append(message)
        return made

    return make


@pytest.fixture
def train(folder: Path) -> Callable[[], ModelVersion]:
    def make() -> ModelVersion:
        version = learn.want()
        stages: list[str] = []
        learn.run(
            version.pk,
            data=folder,
            cache=folder / "cache" / "training_vectors.npz",
            tell=lambda stage, done, total: stages.append(stage),
        )
        assert stages[-1] == "comparing"
        return ModelVersion.objects.get(pk=version.pk)

    return make


def test_good_corrections_make_the_version_that_answers(correct, train, make_message):
    correct(12)

    version = train()
    message = make_message("Прод лежить! 502 на всіх сторінках")
    classify([message])

    assert version.status == "active"
    assert message.classifications.get().version == version.version
    assert version.figures["failed"] == []
    assert 0 < version.corrections <= 12


def test_wrong_corrections_are_not_promoted(correct, train):
    correct(40, category="info")

    version = train()

    assert version.status == "candidate"
    assert "issue_recall" in version.figures["failed"]
    assert version.report["worse"] > 0
    versions.pick_up()
    assert versions._Current.version_id is None


def test_a_worse_version_leaves_the_active_one(correct, train):
    correct(12)
    good = train()
    Message.objects.update(category="info")
    correct(40, category="info")

    assert train().status == "candidate"
    good.refresh_from_db()
    assert good.status == "active"


def test_the_report_tells_of_a_correction_only_its_number(correct, train):
    made = correct(40, category="question")

    changes = train().report["changes"]

    told = {change["message"] for change in changes if "message" in change}
    assert told <= {message.pk for message in made}
    assert all(("text" in change) != ("message" in change) for change in changes)


def test_an_earlier_version_and_the_shipped_one_can_answer_again(correct, train):
    correct(6)
    first = train()
    correct(12)
    second = train()
    assert (second.status, second.report["rival"]) == ("active", first.version)

    first.refresh_from_db()
    versions.activate(first)
    versions.pick_up()
    assert versions.local_classifier().version == first.version

    versions.retire_active()
    versions.pick_up()
    assert versions.local_classifier().version not in (first.version, second.version)


def test_a_version_without_weights_is_not_activated(db):
    version = ModelVersion.objects.create(status="candidate")

    with pytest.raises(versions.CannotActivate):
        versions.activate(version)


def test_weights_that_cannot_be_read_leave_the_answer_to_the_shipped_ones(db, make_message):
    ModelVersion.objects.create(status="active", version="other", weights=None)
    message = make_message("Прод лежить! 502 на всіх сторінках")

    classify([message])

    assert message.classifications.get().category == "bug"


def test_old_weights_are_forgotten_but_never_those_that_answer(db):
    for number in range(versions.KEPT + 3):
        status = "active" if number == 0 else "retired"
        ModelVersion.objects.create(status=status, weights=b"x")

    versions.prune()

    kept = ModelVersion.objects.filter(weights__isnull=False)
    assert kept.count() == versions.KEPT + 1
    assert kept.filter(status="active").exists()


def test_a_second_training_does_not_start_beside_the_first(correct, folder):
    correct(2)
    version = learn.want()
    with psycopg.connect(**_address()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [learn.LOCK])

        made = learn.run(
            version.pk,
            data=folder,
            cache=folder / "cache" / "training_vectors.npz",
            tell=lambda *_args: None,
        )

    assert made is None
    assert ModelVersion.objects.get().status == WANTED


def test_the_command_makes_the_version_and_says_what_became_of_it(
    correct, folder, settings, monkeypatch, capsys
):
    settings.DATA_DIR = folder
    monkeypatch.setattr("os.nice", lambda increment: increment)
    correct(12)
    version = learn.want()

    call_command("train_classifier", model_version=version.pk, data=folder)

    version.refresh_from_db()
    assert version.status == "active"
    assert version.version in capsys.readouterr().out


def test_the_command_refuses_a_version_that_does_not_wait(db, monkeypatch):
    monkeypatch.setattr("os.nice", lambda increment: increment)
    version = ModelVersion.objects.create(status="retired")

    with pytest.raises(CommandError):
        call_command("train_classifier", model_version=version.pk)


def test_two_wishes_are_one_training(correct, admin_user):
    correct(2)

    assert learn.want(by=admin_user) == learn.want()


def test_without_corrections_there_is_nothing_to_learn(db):
    with pytest.raises(learn.NothingToLearn):
        learn.want()


def test_the_task_starts_a_process_and_leases_the_version(correct, monkeypatch):
    correct(2)
    version = learn.want()
    started: list[ModelVersion] = []
    monkeypatch.setattr("apps.messages.tasks.learn.start", started.append)

    train_models([version.pk])
    train_models([version.pk])

    assert started == [version]


def test_a_training_that_was_killed_is_handed_out_again(correct, train):
    correct(2)
    version = learn.want()
    ModelVersion.claim([version.pk], WANTED, lease=timedelta(seconds=-1))
    ModelVersion.objects.update(due_at=timezone.now() - timedelta(seconds=1))

    assert ModelVersion.take_due(WANTED) == [version.pk]
    assert train().pk == version.pk


def test_a_training_that_is_killed_every_time_is_given_up(correct):
    correct(2)
    version = learn.want()
    ModelVersion.objects.update(attempts=learn.ATTEMPTS)

    train_models([version.pk])

    version.refresh_from_db()
    assert (version.status, bool(version.last_error)) == ("failed", True)


def test_a_training_that_fails_says_why_and_is_tried_again(correct, tmp_path):
    correct(2)
    version = learn.want()
    (tmp_path / "part_a.jsonl").write_text("no JSON", encoding="utf-8")

    with pytest.raises(ValueError, match="Expecting"):
        learn.run(
            version.pk,
            data=tmp_path,
            cache=tmp_path / "vectors.npz",
            tell=lambda *_args: None,
        )

    version.refresh_from_db()
    assert version.status == WANTED
    assert "JSONDecodeError" in version.last_error


def test_without_a_corpus_nothing_is_trained(correct, tmp_path):
    correct(2)
    version = learn.want()

    learn.run(version.pk, data=tmp_path, cache=tmp_path / "vectors.npz", tell=lambda *_args: None)

    version.refresh_from_db()
    assert (version.status, str(tmp_path) in version.last_error) == ("failed", True)


@pytest.mark.parametrize(("learn_from", "is_wanted"), [(3, True), (4, False), (0, False)])
def test_at_night_enough_corrections_are_learnt(correct, settings, learn_from, is_wanted):
    settings.LEARN_FROM = learn_from
    correct(3)
    Correction.objects.update(created_at=timezone.now() - timedelta(days=2))

    learn.want_when_due()

    assert ModelVersion.objects.exists() == is_wanted


def test_what_was_learnt_is_not_learnt_again(correct, settings):
    settings.LEARN_FROM = 2
    correct(3)
    Correction.objects.update(created_at=timezone.now() - timedelta(days=2))
    learn.want_when_due()
    ModelVersion.objects.update(status="candidate")

    learn.want_when_due()

    assert ModelVersion.objects.count() == 1


def _address() -> dict[str, Any]:
    values = connection.get_connection_params()
    return {
        name: values[name]
        for name in ("host", "port", "dbname", "user", "password")
        if values.get(name)
    }
