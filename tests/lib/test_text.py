"""One spelling for what people write in many: letters, Ukrainian in Latin letters, slang."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasktracker.lib.text import fingerprint, language_of, normal_form, text_to_embed

#: Each line is one text, written in several ways.
SPELLINGS = [
    (
        "Відвалився бек на проді, 502 на всіх сторінках",
        "vidvalyvsia bek na prodi, 502 na vsih storinkah",
        "впав бекенд на продакшні, 502 на всіх сторінках",
        "Ліг бeк нa пpоді!!! 502 на всіх сторінкааах 😭",
    ),
    (
        "Задеплоїли на препрод, логін не працює",
        "викотили на пре-прод, логін не паше",
        "деплойнули на pre-prod, login непрацює :D",
        "zadeployly na preprod, login ne pracyuye",
    ),
    ("зв'язок обірвався", "зв’язок обірвався", "звязок обірвався", "зв*язок обірвався"),
    ("п'ять об'єктів", 'п"ять об"єктів', "пять обєктів", "пʼять об`єктів"),
    ("кубер не бачить редіс", "k8s не бачить redis", "kubernetes не бачить Редіс"),
    ("апішка віддає помилку", "APIшка віддає помилку", "апі віддає помилку"),
    ("юзери бачать єррор", "користувачі бачать помилку", "юзєри бачать ошибку"),
    ("дуууууже повільно", "дуже повільно!!!", "ДУЖЕ ПОВІЛЬНО"),
    ("база і стейдж", "база i стейдж", "бaзa і стейджинг"),
    ("don't touch it", "dont touch it", "Don’t touch it!"),
]


@pytest.mark.parametrize("texts", SPELLINGS, ids=lambda texts: texts[0])
def test_spellings_of_one_text_have_one_fingerprint(texts):
    assert len({normal_form(text) for text in texts}) == 1
    assert len({fingerprint(text) for text in texts}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("бек не лежить", "бек лежить"),
        ("файл лежить на проді", "прод лежить"),
        ("лист лежить на столі", "лист не працює"),
        ("прод лежить", "стейдж лежить"),
        ("задеплоїти на прод", "задеплоїли на прод"),
        ("відкотили реліз", "викотили реліз"),
        ("імпорт падає", "експорт падає"),
        ("версія 1.2.3", "версія 1.2.4"),
        ("лінь робити", "linux робити"),
    ],
)
def test_what_means_something_else_stays_different(one, other):
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    "text",
    [
        "poco x3 crashes on the CI/CD page",
        "Prod is down: backend-svc returns 500 at /api/v2/login, see https://prod.example.com/api",
        "pls deploy the fix to prod, k8s pods restart, login fails",
        "the cat sat on na mat",
        "i do not try my po box",
        "Kyiv, Lviv and Odesa are slow today",
        "www III aaa XXXL",
    ],
)
def test_english_is_only_taken_apart_into_words(text):
    words = "".join(one if one.isalnum() or one == "_" else " " for one in text.casefold())

    assert normal_form(text) == " ".join(words.split())
    assert text_to_embed(text) == text
    assert language_of(text) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "ne pracyuye login na prodi",
        "zadeployly i vse vpalo",
        "oplata ne prohodyt, klienty skarzhatsya",
        "shcho z serverom? nichogo ne vidkryvaetsya",
        "Pislya onovlennya android vylitaye",
    ],
)
def test_ukrainian_in_latin_letters_is_ukrainian(text):
    assert language_of(text) == "uk"
    assert language_of(normal_form(text)) == "uk"


@pytest.mark.parametrize(
    "text",
    [
        "Dzień dobry, nie działa logowanie",
        "je ne peux pas me connecter au serveur",
        "Ivan Kovalenko, Olena Shevchenko",
        "na prod",
        "de facto",
    ],
)
def test_other_languages_in_latin_letters_are_not(text):
    assert text_to_embed(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Бек ліг на проді 🔥", "Бекенд не працює на проді 🔥"),
        ("ne pracyuye login na prodi", "не працює login на проді"),
        ("звязку з курєром нема", "зв'язку з кур'єром нема"),
        ("пpод живий, k8s теж", "прод живий, k8s теж"),
        ("кнопка `бек` у backend-svc", "кнопка `бек` у backend-svc"),
        ("дуууже дивно!!!", "дуже дивно!!!"),
        ("Додайте, будь ласка, аватар у профілі", "Додайте, будь ласка, аватар у профілі"),
    ],
)
def test_the_model_reads_what_it_knows(text, read):
    assert text_to_embed(text) == read


def test_only_letters_that_look_alike_change():
    assert normal_form("SMSка QRкод") == normal_form("смс QRкод")
    assert normal_form("bаckend") == "backend"  # a Cyrillic "а" in a Latin word


def test_emoticons_and_emoji_are_no_words():
    assert fingerprint(":D 🔥 ¯\\_(ツ)_/¯ xD") == ""


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_a_normal_form_is_normal_whatever_the_text(text):
    normal = normal_form(text)

    assert normal_form(normal) == normal
    text_to_embed(text)


_PIECES = [word for texts in SPELLINGS for text in texts for word in text.split()]


@given(
    st.lists(st.sampled_from([*_PIECES, "на", "не", "i", "пре", ",", "-", "продакшн", "бойовий"]))
)
@settings(max_examples=300, deadline=None)
def test_a_normal_form_is_normal_in_any_order_of_the_words(words):
    normal = normal_form(" ".join(words))

    assert normal_form(normal) == normal
    assert text_to_embed(text_to_embed(normal)) is not None
