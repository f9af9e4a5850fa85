"""What goes out is fit to go out: clean, masked as the project says, in the tracker's own ids."""

import json
from dataclasses import asdict

import pytest

from apps.exports.models import SAME_LABEL, SAME_PERSON, ExportPolicy
from apps.exports.payload import build_payload
from apps.exports.trackers.json_file import document, in_words
from apps.exports.trackers.markdown import body_of, title_of

MAIL, PHONE, CARD = "olena@example.com", "+380671234567", "4242 4242 4242 4242"
SECRETS = (MAIL, PHONE, CARD)
CATALOGUE = {
    "labels": [["l-bug", "Bug"], ["l-pay", "Payments"], ["l-all", "From chats"]],
    "priorities": [["0", "No priority"], ["1", "Urgent"]],
    "fields": [["cf-7", "Version"]],
}


@pytest.fixture
def issue(make_issue, make_message):
    text = f"Пишіть на {MAIL}\x00\u202e або {PHONE},\r\nкартка {CARD}"
    message = make_message(text, author=f"Олена {PHONE}", url=f"https://chat.example/?who={MAIL}")
    return make_issue(
        f"Клієнт {MAIL} не може заплатити",
        message=message,
        description=f"{MAIL} і {PHONE}",
        labels=["Payments", MAIL],
        entities={
            "people": [{"surface": MAIL, "normal": MAIL}],
            "projects": [{"surface": "payments", "normal": "payments"}],
            "versions": [{"surface": "v2.1", "normal": "2.1"}, {"surface": "3", "normal": "3.0"}],
        },
    )


@pytest.mark.parametrize("masks", [True, False])
def test_personal_data_is_masked_everywhere_or_nowhere(issue, project, tracker, masks):
    ExportPolicy.objects.create(project=project, masks_pii=masks)
    payload = build_payload(issue, tracker)

    texts = {
        "title": title_of(payload, limit=250),
        "body": body_of(payload, limit=9000),
        "JSON": in_words(document(payload, issue.project_id)),
        "all": json.dumps(asdict(payload), default=str, ensure_ascii=False),
    }
    for where, text in texts.items():
        assert any(secret in text for secret in SECRETS) != masks, where
    assert ("[EMAIL_1]" in texts["title"]) == masks
    # One address is one placeholder in all texts; a link with a mask in it would lead nowhere.
    assert {one.url for one in payload.quotes} == {
        "" if masks else f"https://chat.example/?who={MAIL}"
    }


def test_words_are_clean_and_otherwise_as_they_were_written(issue):
    (quote,) = build_payload(issue).quotes

    assert quote.text == f"Пишіть на {MAIL} або {PHONE},\nкартка {CARD}"


def test_a_message_without_words_goes_out_with_the_names_of_its_files(
    project, make_issue, make_message
):
    ExportPolicy.objects.create(project=project, masks_pii=True)
    shot = make_message("", kind="photo", files=[f"{MAIL}\n.png", "x" * 200, *["y"] * 20])
    payload = build_payload(make_issue(message=shot))

    (quote,) = payload.quotes
    assert (quote.text, quote.kind, quote.files[0]) == ("", "photo", "[EMAIL_1] .png")
    assert (len(quote.files), len(quote.files[1])) == (10, 100)


def test_authors_are_left_out_when_the_project_says_so(issue, project):
    ExportPolicy.objects.create(project=project, hides_authors=True)
    payload = build_payload(issue)

    assert payload.quotes[0].author == ""
    assert "Олена" not in body_of(payload, limit=9000)


def test_what_the_policy_maps_comes_in_the_trackers_own_ids(issue, project, tracker):
    tracker.catalogue = CATALOGUE
    ExportPolicy.objects.create(
        project=project,
        priorities={"high": "urgent", "low": "Someday"},
        category_labels={"bug": ["Bug"], "feature": ["Payments"]},
        extra_labels=["From chats", "Not there any more"],
        entity_fields={"versions": "Version", "projects": SAME_LABEL, "people": "Nowhere"},
    )

    wishes = build_payload(issue, tracker).wishes

    assert (wishes.priority, wishes.fields) == ("1", {"cf-7": "2.1, 3.0"})
    assert wishes.labels == ("l-bug", "l-all", "l-pay")


@pytest.mark.parametrize(
    ("known", "assignee"),
    [
        ([["u-1", "тарас Бойко"], ["u-2", "Олена"]], "u-1"),
        ([["u-1", "Тарас Бойко"], ["u-3", "Тарас Бойко"]], ""),
        ([["u-2", "Олена"]], ""),
        ([], ""),
    ],
)
def test_who_is_asked_to_do_it_gets_the_task_when_the_policy_says_so(
    make_issue, project, tracker, known, assignee
):
    ExportPolicy.objects.create(project=project, entity_fields={"assignees": SAME_PERSON})
    tracker.catalogue = {"assignee": known}
    issue = make_issue(entities={"assignees": [{"surface": "Тарас", "normal": "Тарас Бойко"}]})

    assert build_payload(issue, tracker).wishes.assignee == assignee


def test_a_tracker_that_offers_nothing_gets_nothing_mapped(issue, project, tracker):
    ExportPolicy.objects.create(project=project, extra_labels=["Bug"], priorities={"high": "x"})

    wishes = build_payload(issue, tracker).wishes

    assert (wishes.priority, wishes.labels, wishes.fields) == ("", (), {})


@pytest.mark.parametrize(
    ("language", "title", "words"),
    [("uk", "[Помилка] ", "Відкрити"), ("en", "[Bug] ", "Open the issue")],
)
def test_headings_are_in_the_projects_language(
    issue, project, settings, language, title, words, django_user_model
):
    settings.PUBLIC_URL = "https://tasks.example/"
    project.language = language
    project.save()
    ExportPolicy.objects.create(project=project, title_template="[{category}] {title}")
    payload = build_payload(issue)

    assert title_of(payload, limit=250).startswith(title)
    body = body_of(payload, limit=9000)
    assert f"](https://tasks.example/admin/issues/issue/{issue.pk}/change/)" in body
    if language == "en":  # the Ukrainian words of new texts come with the translations
        assert words in body


def test_without_a_public_address_there_is_no_link_back(issue):
    assert body_of(build_payload(issue), limit=9000).count("](") == 1  # to the message
