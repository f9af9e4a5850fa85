"""Discord's markdown as plain text."""

import pytest

from apps.sources.adapters.discord.text import plain

NAMES = {"1": "Олена", "2": "payments", "3": "on-call"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("**жирно** *курсив* _теж_ __рядок__ ~~ні~~ ||таємно||", "жирно курсив теж рядок ні таємно"),
        ("***усе*** **разом _і_ так**", "усе разом і так"),
        ("snake_case_name 2 * 3 * 4", "snake_case_name 2 * 3 * 4"),
        ("<@1> <@!1> <@&3> у <#2>", "@Олена @Олена @on-call у #payments"),
        ("<@9> <#9>", "@9 #9"),
        ("<:fire:123> <a:spin:456>", ":fire: :spin:"),
        ("</deploy now:5>", "/deploy now"),
        ("о <t:1772442101:f>", "о 2026-03-02 09:01 UTC"),
        ("<t:999999999999>", "999999999999"),
        ("[звіт](https://a.example/x_y_z) <https://b.example>", "звіт (https://a.example/x_y_z) https://b.example"),
        ("https://a.example/_x_/**y**", "https://a.example/_x_/**y**"),
        ("`a**b**` і ```py\nprint(1)\n```", "a**b** і print(1)"),
        ("# Заголовок\n-# дрібно\n> цитата", "Заголовок\nдрібно\n> цитата"),
        (r"\*не курсив\*", "*не курсив*"),
        ("@everyone a < b", "@everyone a < b"),
    ],
)  # fmt: skip
def test_text_is_plain(said, shown):
    assert plain(said, NAMES) == shown
