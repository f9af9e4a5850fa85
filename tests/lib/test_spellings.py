"""The shipped list: every variant means one thing, and no canonical form is a variant of another."""

import pytest

from tasktracker.lib.spellings import shipped, spellings_of


def variants():
    spellings = shipped()
    return [
        one
        for table in (spellings.exact, spellings.begun)
        for some in table.values()
        for one in some
    ]


def test_every_variant_has_one_canonical_form():
    canonical: dict[object, set[str]] = {}
    for variant in variants():
        canonical.setdefault((variant.stems, variant.marks), set()).add(variant.canonical)

    assert {key: forms for key, forms in canonical.items() if len(forms) > 1} == {}


def test_canonical_forms_stay():
    forms = {variant.canonical for variant in variants() if not variant.canonical.endswith("*")}

    assert {
        form: shipped().rewrite(form) for form in forms if shipped().rewrite(form) != form
    } == {}


def test_the_list_is_long_enough_to_be_of_use():
    assert len({variant.canonical for variant in variants()}) >= 300


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("у лавці порожньо", "у Лавка порожньо"),
        ("the lavka app crashes", "the Лавка app crashes"),
        ("lavka-api та `lavka`", "lavka-api та `lavka`"),
        ("у новій пошті", "у Нова Пошта"),
    ],
)
def test_a_projects_own_words_have_one_spelling(text, written):
    own = spellings_of((("Лавка", ("лавк~", "лавці", "lavka")), ("Нова Пошта", ("нов~ пошт~",))))

    assert own.rewrite(text) == written
