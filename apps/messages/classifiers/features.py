"""A message in numbers for the linear model: the same code at training time and at run time."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from apps.messages.classifiers.base import CATEGORIES, Neighbour, Sample, Vector
from tasktracker.lib.text import clean

# scikit-learn takes seconds to import, and most processes never classify: only functions import it.
if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import HashingVectorizer

#: Raised whenever the numbers change: an artefact made for other numbers is refused.
FEATURES_VERSION = 1

Matrix = npt.NDArray[np.float32]

DIMENSIONS = 384
CHARACTER_BINS = 2**16
WORD_BINS = 2**15
BINS = CHARACTER_BINS + WORD_BINS
MAX_CHARACTERS = 1200  # n-grams of a longer text are a log's, and cost time

#: How loud each block is next to the cues, which are 0 or 1. Chosen by cross-validation.
VECTOR_WEIGHT = 5.0
NEIGHBOUR_WEIGHT = 4.0
TERM_WEIGHT = 7.0

#: Signs that a reader would point at. Stems, so that Ukrainian endings and surzhyk do not matter.
CUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("question mark", r"\?"),
        ("ends with a question mark", r"\?[\s)(\W]*$"),
        ("exclamation", r"!"),
        ("shouting", r"!!"),
        ("ellipsis", r"\.\.\.|…"),
        ("several lines", r"\n"),
        ("link", r"https?://"),
        ("mention", r"(?:^|\s)@\w"),
        ("version", r"\bv?\d+\.\d+(?:\.\d+)?\b"),
        ("ticket", r"#\d+|\b[a-z]{2,8}-\d+\b|!\d{2,}"),
        ("quote", r"^\s*>|[«“\"].{15,}[»”\"]"),
        ("bot", r"^\W{0,4}(?:\[?(?:firing|resolved|alert|ok|problem|recovery)\b|pipeline|deploy)|[🔴🟢✅🚨📢]"),
        ("alert firing", r"firing|🔴|🚨|\balert|threshold|\bdown\b.{0,4}https?:|severity"),
        ("alert resolved", r"resolved|recovered|🟢|✅|passed|back to normal"),
        (
            "stack trace",
            (
                r"traceback|exception|error:|errno|panic:|\bat [\w.$]+\(|file \".+\", line|segfault"
                r"|nullpointer|undefined is not|stack ?trace|стектрейс"
            ),
        ),
        ("status code", r"\b(?:4\d\d|5\d\d)\b(?! ?(?:грн|uah|eur|usd|₴|\$|€))|\b5xx\b"),
        (
            "outage",
            (
                r"лежимо|лежить|лягл|\bліг\b|\bвпав|\bвпал|недоступн|\bdown\b|outage|unreachable|timed? ?out"
                r"|таймаут|не відкрива|не загруж|не груз|не пускає|can'?t log ?in|cannot log ?in|read-only"
                r"|unavailable|\b50[0234]\b|нічого не працює|все стоїть|падають"
            ),
        ),
        (
            "failure",
            (
                r"не прац|не робот|зламал|поламал|ламає|глюч|\bбаг|помилк|ошибк|падає|вилітає|зависа|завис"
                r"|крутиться|зник|пропа[влд]|злітає|дублю|двічі|не приход|не доход|не зберіг|не відправ|broken|broke\b"
                r"|\bbug|\berror|fail|crash|wrong|doesn'?t|does not|isn'?t|won'?t|not work|stuck|missing|freez"
                r"|hang|lost|vanish|disappear|blank|empty|twice|duplicat|instead of|спиня|замість|криво|порожн"
            ),
        ),
        (
            "money",
            (
                r"двічі|два рази|подвійн|twice|double|charged|debit|списа|списує|зняло|зняли|refund|поверн\w+ (?:кошт|грош)"
                r"|оплат|платіж|payment|payout|\bmoney|гроші|грошей|баланс|invoice|checkout|[€$₴]\s?\d|\d\s?(?:грн|uah|eur|usd)"
            ),
        ),
        (
            "exposure",
            (
                r"чуж[іеаиоу]|someone else|other (?:person|people|client|customer|user)|another (?:client|customer|user)"
                r"|парол|password|passwords|secret|token|\bkey\b|\bключ|\.env\b|leak|витік|expos|паспорт|passport|персональн"
                r"|без логін|no login|incognito|відкрит\w+ (?:назовні|на всіх)|phish|фішинг|hack|злама|xss|injection|deactivated"
            ),
        ),
        ("loss", r"gone|lost|deleted|wiped|зник|втрач|стерт|видал|пропа[лв]|нул[іья]|corrupt"),
        ("everybody", r"\bвсі\b|\bвсіх\b|\bусіх\b|\bусі\b|у всьому|\bevery|\beverything|everyone|nobody|ніхто|100 ?%|all (?:users|clients|customers|orders)|\ball\b"),
        ("now", r"зараз|негайн|терміново|срочно|urgent|asap|right now|immediately|\bnow\b|горить|швидше|this minute|алярм"),
        ("deadline", r"до (?:завтра|понеділка|вівторка|середи|четверга|п'?ятниці|кінця|\d)|deadline|дедлайн|by (?:monday|tuesday|wednesday|thursday|friday|tomorrow|\d)|before (?:the )?\w+|\beod\b|сьогодні|завтра|today|tomorrow"),
        ("blocked", r"блоку|заблок|blocker|blocking|blocked|не можемо|can'?t|cannot|unable"),
        ("minor", r"дрібн|косметик|не критичн|не горить|не терміново|no rush|no hurry|minor|cosmetic|typo|одрук|nitpick|small thing|tiny|пікс|pixel|nice to have|колись|someday|maybe"),
        ("prod", r"\bпрод\b|\bпроді\b|\bprod\b|production|боєвому|live site"),
        (
            "done",
            (
                r"поправи|пофікси|виправи|зроби[вл]|готово|задепло|викоти|відкоти|перемкну|перезапусти|піднял|закри[влтю]"
                r"|залив|вмерж|змерж|працює вже|вже працює|запрацюва|відпусти|перевіри[влі]|fixed|resolved|rolled back|reverted"
                r"|deployed|merged|shipped|released|restarted|works now|working again|is back|\bdone\b|closed|renewed|confirmed"
                r"|підтверджую|оновив|додав|повернув|відправи[вл]|надісла"
            ),
        ),
        ("taking it", r"гляну|дивлюсь|дивлюся|подивлюсь|беру|займусь|зараз перевір|looking|on it|i'?ll |will do|taking|let me|checking|i see"),
        ("mine", r"мій косяк|my (?:bad|mistake|fault)|not a bug|не баг|false alarm|хибна тривога|моя помилка|наплута|це я\b|user error|так задумано"),
        ("thanks", r"дякую|дяки|спасиб|спс|thank|thx|cheers|🙏"),
        ("greeting", r"^\W*(?:привіт|доброго|добрий|вітаю|всім|hi\b|hello|hey\b|morning|good morning)"),
        ("agreement", r"^\W*(?:ок|окей|ага|так|да|угу|добре|супер|клас|ok|okay|yes|yep|yeah|sure|great|nice|cool|agreed|\+1|\+)\b"),
        ("negation at the start", r"^\W*(?:ні|нє|no|nope|not)\b"),
        ("laughter", r"хаха|ахах|lol|haha|😂|🤣|😄|\)\)"),
        (
            "asks",
            (
                r"^\W*(?:а |і |and |so |but |@\w+,? |\w+, ?(?:а )?)?(?:хто|що|шо|де|коли|як|чому|навіщо|скільки|який|яка|яке|які|чи|куди|звідки"
                r"|who|what|where|when|how|why|which|does|do|did|is|are|can|could|should|has|have|any|anyone|will)\b"
            ),
        ),
        ("asks for access", r"доступ|access|права на|permission|invite|запрос|credentials|хто знає|хтось знає|підкаж|anyone know|who (?:has|knows|owns|can)|хто має|де (?:лежить|взяти|знайти)|where (?:is|are|can|do)|link to|лінк на"),
        (
            "wish",
            (
                r"було б|хотілося|хочеться|хочу|хочуть|хоче\b|хотіли|варто|давайте|можна (?:було б )?(?:додати|зробити|щоб)|додайте|зробіть|зробити|прикрут|треба|потрібн|потрібен"
                r"|пропозиці|ідея|would be|could we|can we (?:have|get|add|make)|please add|\badd\b|feature|wish|\bidea\b|suggest|support for"
                r"|i'?d (?:like|love)|we need|\bneed\b|should (?:be able|have|let)|allow|бракує|не вистачає|нема способу|a way to|\bwant|let me|щоб можна|instead of having"
            ),
        ),
        ("please", r"будь ласка|please|\bpls\b|плз|прошу"),
        ("event", r"мітинг|meeting|call\b|стендап|standup|демо|ретро|retro|планування|planning|maintenance|обслуговування|роботи на|freeze|фриз|postmortem|постмортем|нагадую|reminder|heads up|fyi|до відома"),
        ("absence", r"відпуст|лікарн|sick|vacation|\booo\b|day off|з дому|обід|lunch|запізню|вихідн"),
    )
)  # fmt: skip

CUE_COUNT = len(CUES) + 6
CONTEXT_COUNT = 2 * (7 + len(CATEGORIES) + CUE_COUNT) + 3
DENSE = 3 * DIMENSIONS + CUE_COUNT + CONTEXT_COUNT
WIDTH = DENSE + BINS


def dense_features(samples: Sequence[Sample]) -> Matrix:
    """Vectors, cues and context of each sample, shape (len(samples), DENSE)."""
    return np.stack([_dense_row(sample) for sample in samples])


def without_vectors(sample: Sample) -> Sample:
    """The same sample as if nothing had been embedded."""

    def unseen(neighbour: Neighbour | None) -> Neighbour | None:
        return neighbour and replace(neighbour, vector=None)

    return replace(
        sample,
        vector=None,
        replied_to=unseen(sample.replied_to),
        previous=unseen(sample.previous),
    )


def term_counts(texts: Sequence[str]) -> "csr_matrix":
    """Damped counts of hashed character and word n-grams, shape (len(texts), BINS)."""
    from scipy.sparse import csr_matrix, hstack

    shortened = [clean(text)[:MAX_CHARACTERS] for text in texts]
    characters, words = _vectorizers()
    counts = csr_matrix(
        hstack([characters.transform(shortened), words.transform(shortened)]), dtype=np.float32
    )
    counts.data = 1 + np.log(counts.data)
    return counts


def weigh_terms(counts: "csr_matrix", inverse_frequencies: Matrix) -> "csr_matrix":
    """TF-IDF rows of length TERM_WEIGHT; an empty text gives an empty row."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    weighted = counts.copy()
    weighted.data = weighted.data * inverse_frequencies[weighted.indices]
    return csr_matrix(normalize(weighted, copy=False) * np.float32(TERM_WEIGHT))


@lru_cache(maxsize=1)
def _vectorizers() -> "tuple[HashingVectorizer, HashingVectorizer]":
    from sklearn.feature_extraction.text import HashingVectorizer

    characters = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        n_features=CHARACTER_BINS,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    )
    words = HashingVectorizer(
        ngram_range=(1, 2),
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106 - tokens of text
        n_features=WORD_BINS,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    )
    return characters, words


def _dense_row(sample: Sample) -> Matrix:
    row = np.zeros(DENSE, np.float32)
    _put_vector(row, 0, sample.vector, VECTOR_WEIGHT)
    end = 3 * DIMENSIONS
    row[end : end + CUE_COUNT] = cues(sample.text)
    end += CUE_COUNT
    for place, neighbour in ((1, sample.replied_to), (2, sample.previous)):
        if neighbour is not None:
            _put_vector(row, place * DIMENSIONS, neighbour.vector, NEIGHBOUR_WEIGHT)
            values = _neighbour_values(neighbour)
            row[end : end + len(values)] = values
        end += 7 + len(CATEGORIES) + CUE_COUNT
    row[end:] = (
        sample.is_reply,
        sample.is_forward,
        sample.previous is None and sample.replied_to is None,
    )
    return row


def _put_vector(row: Matrix, start: int, vector: Vector | None, weight: float) -> None:
    if vector is not None:
        row[start : start + DIMENSIONS] = vector * weight


def _neighbour_values(neighbour: Neighbour) -> list[float]:
    gap = max(neighbour.seconds_before, 0.0)
    return [
        1.0,
        float(neighbour.is_same_author),
        float(gap < 60),
        float(gap < 300),
        float(gap < 1800),
        math.log1p(gap) / 10,
        float(neighbour.category is None),
        *(float(neighbour.category == category) for category in CATEGORIES),
        *(0.5 * value for value in cues(neighbour.text)),
    ]


@lru_cache(maxsize=4096)  # a message is a neighbour of the next ones
def cues(text: str) -> tuple[float, ...]:
    """The cheap signs of one text: CUES as 0 or 1, then length, words, letters and digits."""
    text = clean(text)[:MAX_CHARACTERS]
    lowered = text.lower().replace("’", "'").replace("ʼ", "'")
    letters = sum(character.isalpha() for character in text)
    words = len(text.split())
    return (
        *(float(pattern.search(lowered) is not None) for _name, pattern in CUES),
        math.log1p(len(text)) / 5,
        float(words <= 3),
        float(words <= 8),
        float(letters == 0),
        sum(character.isdigit() for character in text) / max(len(text), 1),
        sum(character.isupper() for character in text) / max(letters, 1),
    )
