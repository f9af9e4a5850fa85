"""One message in several spellings is one issue, through the real pipeline."""

import pytest
from rapidfuzz import fuzz

from apps.issues.models import Evidence, Issue
from apps.issues.search import report_of
from apps.issues.triage import file
from apps.sources.models import GlossaryTerm
from tasktracker.lib.text import normal_form

pytestmark = pytest.mark.django_db

SPELLINGS = [
    [
        "Відвалився бек на проді, 502 на всіх сторінках",
        "vidvalyvsia bek na prodi, 502 na vsih storinkah",
        "бекенд на продакшні не працює, 502 на всіх сторінках",
        "бек нa пpоді лeжить!!! 502 на всіх сторінкааах 😭",
    ],
    [
        "Задеплоїли на пре-прод, логін не працює у всіх юзерів",
        "викотили на препрод, login не паше у всіх користувачів",
        "деплойнули на pre-prod, логін непрацює у всіх юзєрів",
        "zadeployly na preprod, login ne pracyuye u vsih yuzeriv",
    ],
]


@pytest.fixture
def make_report(make_message):
    values = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.95}
    return lambda text: make_message(text, **values)


@pytest.mark.parametrize("texts", SPELLINGS, ids=["outage", "deployment"])
def test_four_spellings_are_one_issue(make_report, texts):
    file([make_report(text) for text in texts])

    assert Issue.objects.count() == 1
    levels = set(Evidence.objects.exclude(level="opened").values_list("level", flat=True))
    assert levels <= {"exact", "fuzzy"}


@pytest.mark.parametrize("texts", SPELLINGS, ids=["outage", "deployment"])
def test_four_spellings_are_nearly_the_same_words(texts):
    first, *others = map(normal_form, texts)

    assert all(fuzz.token_sort_ratio(first, other) >= 90 for other in others)


def test_another_service_is_another_issue(make_report):
    file(
        [
            make_report("відвалився бек на проді, бачу 502"),
            make_report("відвалився фронт на стейджі, бачу 404"),
        ]
    )

    assert Issue.objects.count() == 2


def test_a_projects_own_words_are_compared_in_one_spelling(make_report, project):
    GlossaryTerm.objects.create(
        project=project, name="Смачна Лавка", aliases="лавк*, лавці, smachno"
    )
    reports = [make_report(f"після оновлення в {name} зник кошик") for name in ("лавці", "smachno")]

    assert len({normal_form(report_of(one, None).text) for one in reports}) == 1

    file(reports)

    assert Issue.objects.count() == 1


def test_a_glossary_leaves_stored_fingerprints_alone(make_report, project):
    before = make_report("у лавці зник кошик").text_hash
    GlossaryTerm.objects.create(project=project, name="Смачна Лавка", aliases="лавк*, лавці")

    assert make_report("у лавці зник кошик").text_hash == before
