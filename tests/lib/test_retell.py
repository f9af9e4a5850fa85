"""What was written down in English is read in two languages."""

import pytest
from django.utils import translation

from tasktracker.lib.retell import retell


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("JetStream does not take messages.", "JetStream не приймає повідомлень."),
        ("Slack refuses: not_in_channel.", "Slack відмовляє: not_in_channel."),
        ("Whatever nobody has translated: 5%", "Whatever nobody has translated: 5%"),
        ("", ""),
    ],
)
def test_a_sentence_is_told_with_its_values(sentence: str, told: str):
    with translation.override("uk"):
        assert retell(sentence) == told

    with translation.override("en"):
        assert retell(sentence) == sentence


def test_a_value_that_is_a_sentence_is_told_too():
    noted = "The file is broken: the file ends in the middle. Everything before that was imported."
    with translation.override("uk"):
        told = retell(noted)

    assert "the file ends in the middle" not in told
    assert told.startswith("Файл пошкоджено")
