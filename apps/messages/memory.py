"""What people corrected in a project, remembered for the next similar message and for the LLM's prompt.

docs/learning.md says how the numbers were found.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from pgvector.django import CosineDistance

from apps.messages.answers import Answer
from apps.messages.classifiers.alerts import Alert
from apps.messages.classifiers.base import Sample, Shot, Vector, Verdict
from apps.messages.context import vectors_at_hand
from apps.messages.models import Classification, Correction, Embedding, Message, vectors_of
from apps.messages.ruling import alert_of
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.text import fingerprint

NAME = "memory"
VERSION = "1"
SOURCE = "correction_of"  # in `raw`: the corrected message that an answer was taken from
#: Fields that the models learn. A message on which one of these is locked is an example.
LEARNT = frozenset({Correction.Field.CATEGORY, Correction.Field.PRIORITY})

NEAR = 0.70  # cosine from which two texts say the same; of unrelated reports none comes near it
CONFIDENCE = 0.94  # share of such pairs in the training corpus that have one category
SHORT = 4  # words; "ок, гляну" means nothing without what it answers
SHOTS = 5
EMBEDDED_AT_ONCE = 20


class Memory:
    """The corrected messages of some projects; costs one query where there are none."""

    def __init__(self) -> None:
        self._is_taught: dict[int, bool] = {}

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        memory = cls()
        memory._look_up({message.project_id for message in messages})
        return memory

    def is_taught(self, project_id: int) -> bool:
        """Whether people have corrected anything there: then each message is compared with it."""
        if project_id not in self._is_taught:  # a rule has routed the message there
            self._look_up({project_id})
        return self._is_taught[project_id]

    def answer(self, message: Message, sample: Sample) -> Answer | None:
        """What a person said about the same or nearly the same message."""
        if not self.is_taught(message.project_id):
            return None
        is_short = len(sample.text.split()) < SHORT
        if is_short or sample.vector is None:
            found, nearness = _same(message, sample, is_short=is_short), 1.0
        else:
            found, nearness = _nearest(message, sample.vector)
        return None if found is None else _as_corrected(found, nearness)

    def answer_about_alert(self, message: Message, alert: Alert) -> Answer | None:
        """What a person said about an earlier repeat of the same alert, in the same state."""
        if not self.is_taught(message.project_id):
            return None
        rows = taught().filter(project=message.project_id, alert_key=alert.key)
        for row in rows.exclude(pk=message.pk).select_related("project").order_by("-pk")[:20]:
            earlier = alert_of(row)
            if earlier is not None and earlier.state == alert.state:
                return _as_corrected(row, 1.0)
        return None

    def _look_up(self, projects: set[int]) -> None:
        rows = taught().filter(project__in=projects).values_list("project", flat=True)
        found = set(rows.order_by().distinct())
        self._is_taught |= {project: project in found for project in projects}
        if found:
            _embed(found)


def taught() -> QuerySet[Message]:
    """Messages of which a person has set category or priority, and has not taken it back."""
    locked = Q()
    for field in LEARNT:
        locked |= Q(locked_fields__contains=[field.value])
    corrected = Correction.objects.filter(field__in=LEARNT).values("message")
    rows = Message.objects.filter(locked, pk__in=corrected, is_superseded=False)
    return rows.exclude(category="").exclude(text="")


def source_of(answer: Classification) -> int | None:
    """The id of the corrected message that this answer was taken from."""
    found = answer.raw.get(SOURCE) if answer.classifier == NAME else None
    return found if isinstance(found, int) else None


def sources_of(
    answers: Iterable[Classification], reader: AbstractBaseUser | AnonymousUser
) -> dict[int | None, Message]:
    """Those of them that the reader may see, by id: a message may have left the project since."""
    ids = {pk for answer in answers if (pk := source_of(answer)) is not None}
    if not ids:
        return {}
    rows = Message.objects.filter(pk__in=ids, project__in=Project.visible_to(reader))
    return {row.pk: row for row in rows.only("pk", "text")}


def shots(message: Message) -> list[Shot]:
    """The nearest corrected messages of the project, as examples for a prompt."""
    vector = vectors_of([message.pk], embeddings.model_name()).get(message.pk)
    if vector is None:
        return []
    near = _by_distance(message, vector)[:SHOTS]
    return [Shot(row.text, row.category, row.priority) for row in near]


def _as_corrected(found: Message, nearness: float) -> Answer:
    raw = {SOURCE: found.pk, "nearness": round(nearness, 4)}
    return Answer(NAME, VERSION, Verdict(found.category, found.priority, CONFIDENCE, raw=raw))


def _embed(projects: set[int]) -> None:
    """The fast lane makes no vector, and another model's are of no use."""
    present = Embedding.objects.filter(message=OuterRef("pk"), model=embeddings.model_name())
    blind = taught().filter(~Exists(present), project__in=projects)
    vectors_at_hand(list(blind.order_by("-pk")[:EMBEDDED_AT_ONCE]))


def _nearest(message: Message, vector: Vector) -> tuple[Message | None, float]:
    found: Any = _by_distance(message, vector).first()
    nearness = 1.0 - found.distance if found is not None else 0.0
    return (found if nearness >= NEAR else None), nearness


def _by_distance(message: Message, vector: Vector) -> "QuerySet[Message]":
    return (
        taught()
        .filter(project=message.project_id, embeddings__model=embeddings.model_name())
        .exclude(pk=message.pk)
        .annotate(distance=CosineDistance("embeddings__vector", vector))
        .order_by("distance", "-pk")
    )


def _same(message: Message, sample: Sample, *, is_short: bool) -> Message | None:
    """The same words; of few words also said about the same."""
    rows = taught().filter(project=message.project_id, text_hash=message.text_hash)
    for row in rows.exclude(pk=message.pk).select_related("reply_to").order_by("-pk")[:20]:
        if not is_short or (row.reply_to is not None and _answers(sample, row.reply_to)):
            return row
    return None


def _answers(sample: Sample, asked: Message) -> bool:
    answered = sample.replied_to
    return answered is not None and fingerprint(answered.text) == asked.text_hash
