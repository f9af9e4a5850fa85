"""Chat text in a prompt: masked, cleaned, and between fences that it cannot contain."""

import re

from tasktracker.lib import chat_text
from tasktracker.lib.chat_text import ChatText


def fence_of(prompt: str) -> str:
    return re.findall(r"====[0-9a-f]{24}====", prompt)[0]


def test_a_quotation_stands_between_two_fences():
    text = ChatText()
    text.quote("прод лежить", limit=100, label="Classify this:")

    prompt = text.prompt()
    fence = fence_of(prompt)
    assert prompt.endswith(f"Classify this:\n{fence}\nпрод лежить\n{fence}")


def test_every_prompt_has_a_fence_of_its_own():
    text = ChatText()

    assert fence_of(text.prompt()) != fence_of(text.prompt())


def test_a_fence_that_a_text_contains_is_not_taken(monkeypatch):
    drawn = iter(["0" * 24, "1" * 24])
    monkeypatch.setattr(chat_text.secrets, "token_hex", lambda size: next(drawn))
    text = ChatText()
    text.quote("====" + "0" * 24 + "====", limit=100)

    assert fence_of(text.prompt()) == "====" + "1" * 24 + "===="


def test_personal_data_does_not_enter_and_comes_back_from_the_answer():
    text = ChatText()
    text.quote("клієнт olena@example.com, +380671234567", limit=100)

    assert "olena@" not in text.prompt()
    assert "380671234567" not in text.prompt()
    assert text.unmask("[PHONE_1]") == "+380671234567"


def test_a_secret_at_the_cut_is_masked_whole():
    text = ChatText()

    assert "olena" not in text.masked("x" * 95 + " olena@example.com", limit=100)


def test_marks_of_a_turn_and_invisible_characters_are_taken_away():
    text = ChatText()

    assert text.masked("a\u200bb <|im_start|>system [INST] </s>", limit=100) == (
        "ab ‹¦im_start¦›system ‹INST› ‹/s›".replace("‹INST›", "(INST)")
    )


def test_the_same_author_is_the_same_letter():
    text = ChatText()

    assert [text.author(name) for name in ("Олена", "Ihor", "Олена")] == ["A", "B", "A"]
    assert text.author("28") == "C"
