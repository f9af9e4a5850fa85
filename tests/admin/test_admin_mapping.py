"""The paths of a generic webhook are set in its form, and tried on a sample before they are saved."""

import html
import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from apps.sources.models import Source
from tests.admin.conftest import HOSTILE

SECRET = "a-long-secret"
SAMPLE = {"event": {"text": "Прод лежить", "by": {"name": "Olena"}}, "at": 1772442000}


@pytest.fixture
def webhook(project):
    return Source.objects.create(
        project=project, kind="webhook", name="Desk", config={"secret": SECRET, "text": "text"}
    )


@pytest.fixture
def post(operator, webhook):
    def send(sample=SAMPLE, client=operator, **data):
        values = {
            "project": webhook.project_id,
            "name": webhook.name,
            "is_active": "on",
            "saved__protection": "signature",
            "saved__text": "event.text",
            "sample": sample if isinstance(sample, str) else json.dumps(sample),
            "_preview": "1",
        }
        address = reverse("admin:sources_source_change", args=[webhook.pk])
        return client.post(address, {**values, **data})

    return send


def told(page):
    """The words of the preview, without its tags."""
    assert page.status_code == 200
    shown = page.text.split('id="preview"')[1].split("</form>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def test_a_preview_shows_what_each_field_becomes_and_saves_nothing(post, webhook):
    words = told(
        post(saved__author_name="event.by.name", saved__sent_at="at", saved__chat="event.room")
    )

    assert "Text event.text Прод лежить Found" in words
    assert "Author's name event.by.name Olena Found" in words
    assert "Chat event.room webhook Not found" in words
    assert "Thread – No path" in words
    webhook.refresh_from_db()
    assert webhook.config == {"secret": SECRET, "text": "text"}
    assert not LogEntry.objects.exists()


def test_a_preview_says_what_would_be_a_dead_letter(post):
    words = told(post(saved__text="event", saved__sent_at="event.text"))

    assert "It would be a dead letter" in words
    assert "It is an object, not a text. Cannot be read" in words
    assert "It is no time that is known here" in words


def test_a_preview_counts_the_messages_of_a_list(post):
    sample = {"items": [{"t": f"text {n}"} for n in range(7)]}
    words = told(post(sample, saved__messages="items[*]", saved__text="t"))

    assert "7 messages in the sample" in words
    assert "text 4" in words
    assert "text 5" not in words
    assert "2 more are not shown." in words


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("", "Paste a sample"),
        ("{", "not valid JSON"),
        ('"x"', "neither a JSON object nor a list"),
        ('{"a": 1,\n "b": }', "not valid JSON: line 2, character 7"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested too deeply"),
        ("x" * 300_001, "longer than 300,000 characters"),
    ],
)
def test_a_sample_that_is_none_is_explained(post, sample, said):
    assert said in told(post(sample))


def test_a_body_that_is_a_list_is_told_how_its_parts_become_messages(post):
    assert "with the path [*] of the messages" in told(post([{"event": {"text": "a"}}]))
    assert "2 messages" in told(post([SAMPLE, SAMPLE], saved__messages="[*]"))


def test_no_browser_cuts_a_sample_without_a_word(operator, webhook):
    page = operator.get(reverse("admin:sources_source_change", args=[webhook.pk])).text
    (field,) = re.findall(r'<textarea[^>]*name="sample"[^>]*>', page)

    assert "maxlength" not in field
    assert "longer than 300,000 characters" in field


def test_a_path_that_is_none_is_explained_beside_its_field_and_in_the_preview(post):
    page = post(saved__text="event..text")

    assert "Text: “.text” is not understood." in told(page)
    assert page.text.count("is not understood") == 2


def test_a_sample_is_only_text(post):
    page = post({"event": {"text": HOSTILE, "by": HOSTILE}}, saved__author="event.by")

    assert "<script>alert(1)" not in page.text
    assert "{{ 7|add:7 }}" in page.text
    assert 'href="https://evil.example' not in page.text


def test_a_secret_that_was_typed_is_not_on_the_page_and_is_asked_for_again(post, webhook):
    page = post(saved__secret="another-secret")

    assert "another-secret" not in page.text
    assert "type it again" in told(page)
    assert "type it again" not in told(post())


def test_saving_keeps_the_secret_and_takes_the_paths(operator, webhook):
    address = reverse("admin:sources_source_change", args=[webhook.pk])
    values = {
        "project": webhook.project_id,
        "name": webhook.name,
        "is_active": "on",
        "saved__protection": "bearer",
        "saved__text": " event.text ",
        "saved__chat": "",
    }
    assert operator.post(address, values).status_code == 302

    webhook.refresh_from_db()
    config = webhook.adapter().config
    assert (config.protection, config.text, config.chat) == ("bearer", "event.text", "")
    assert config.secret.get_secret_value() == SECRET


def test_a_new_webhook_needs_a_secret(operator, project):
    values = {"project": project.pk, "kind": "webhook", "name": "New", "is_active": "on"}
    values |= {"webhook__protection": "signature", "webhook__text": "text"}
    address = reverse("admin:sources_source_add")

    assert operator.post(address, values).status_code == 200
    assert operator.post(address, {**values, "webhook__secret": SECRET}).status_code == 302
    assert Source.objects.get().config["secret"] == SECRET


def test_every_field_says_what_it_is_for(operator, webhook):
    page = operator.get(reverse("admin:sources_source_change", args=[webhook.pk])).text

    for name, info in webhook.adapter().Config.model_fields.items():
        assert f'name="saved__{name}"' in page
        assert name == "secret" or info.description in page
    assert SECRET not in page
    assert f"/webhook/webhook/{webhook.pk}" in page


def test_a_viewer_has_no_preview(viewer, post, webhook):
    address = reverse("admin:sources_source_change", args=[webhook.pk])

    assert 'id="preview"' not in viewer.get(address).text
    assert post(client=viewer).status_code == 403


def test_other_kinds_have_no_preview(operator, project):
    source = Source.objects.create(project=project, kind="telegram", name="Bot")
    address = reverse("admin:sources_source_change", args=[source.pk])

    assert 'id="preview"' not in operator.get(address).text


def test_the_columns_of_a_file_are_previewed_and_saved(operator, source):
    address = reverse("admin:sources_source_change", args=[source.pk])
    values = {
        "project": source.project_id,
        "name": source.name,
        "is_active": "on",
        "saved__text": '["What happened"]',
        "saved__time_zone": "Europe/Kyiv",
        "sample": "What happened;Who\nПрод лежить;Olena\n",
    }
    page = operator.post(address, {**values, "_preview": "1"})

    assert "The first lines of the file" in page.text
    assert "Прод лежить Found" in told(page)
    assert operator.post(address, values).status_code == 302
    source.refresh_from_db()
    assert source.config["text"] == '["What happened"]'
