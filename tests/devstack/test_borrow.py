import pytest

from tasktracker.devstack.borrow import needs_services


@pytest.fixture(autouse=True)
def laptop(monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")


@pytest.mark.parametrize(
    "words", [["migrate"], ["import_messages", "chat.json"], ["shell", "-c", "1"]]
)
def test_command_that_talks_to_services_gets_them(words):
    assert needs_services(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["help"],
        ["--version"],
        ["check"],
        ["migrate", "--help"],
        ["up"],
        ["makemessages", "-l", "uk"],
    ],
)
def test_command_that_works_on_files_starts_nothing(words):
    assert not needs_services(words)


@pytest.mark.parametrize(
    "words",
    [
        ["migrate", "--settings=tasktracker.settings.production"],
        ["migrate", "--settings", "x.production"],
    ],
)
def test_other_settings_never_start_services(words):
    assert not needs_services(words)


def test_production_environment_never_starts_services(monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tasktracker.settings.production")

    assert not needs_services(["migrate"])


def test_a_training_into_the_database_needs_services():
    assert needs_services(["train_classifier", "--model-version", "7"])
    assert not needs_services(["train_classifier", "--json"])
