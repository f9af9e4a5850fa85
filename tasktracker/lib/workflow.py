"""Rows that are work: a status, a lease, a due time.

A row is its own outbox. Whoever finishes a step moves the row to the next status; `status_changed`
tells the pipeline after the commit. What a worker or a broker loses, `take_due` finds again.
"""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Self, TypeVar

from django.db import DatabaseError, models, transaction
from django.db.models import Q
from django.db.models.functions import Least, Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)

#: Sent after commit with `status`, `ids` and `is_new` (the rows were just made); the sender is the model.
status_changed = Signal()

LEASE = timedelta(seconds=20)
REDISPATCH_AFTER = timedelta(seconds=10)  # a row that nobody claimed is handed out again
MAX_ATTEMPTS = 8
MOST_ATTEMPTS = 10_000  # that are counted: an outage of weeks must not overflow the column
BACKOFF_BASE = timedelta(seconds=2)
BACKOFF_CAP = timedelta(minutes=15)


class TryLater(Exception):
    """The outside world is busy or away; the same call may work after `delay`."""

    def __init__(self, reason: str, *, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class NotNow(TryLater):
    """Nothing was tried, for we know that it is not the moment: no attempt is counted."""


class GiveUp(Exception):
    """The same call can never work; the sentence says what a person can do."""


class LostRace(Exception):
    """Somebody else moved the row first."""


class WrongTransition(Exception):
    """The model's TRANSITIONS do not allow this move."""


def is_free() -> Q:
    """Of many rows, those that nobody works on."""
    return Q(leased_until=None) | Q(leased_until__lt=Now())


class WorkItem(models.Model):
    """A row with a status that moves by compare-and-set and work that is leased by the database's clock."""

    TRANSITIONS: ClassVar[Mapping[str, Set[str]]] = {}
    WAITING: ClassVar[Set[str]] = frozenset()  # statuses that some task must leave or settle
    FAILED_STATUS: ClassVar[str] = "failed"

    status = models.CharField(max_length=12)  # subclasses bring choices and a default

    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    due_at = models.DateTimeField(_("next attempt at"), null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(_("in work until"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    status_changed_at = models.DateTimeField(
        _("status changed at"), db_default=Now(), editable=False
    )

    class Meta:
        abstract = True

    # Mutators

    def move_to(self, status: str, **fields: Any) -> None:
        """Move this row; raise LostRace when its status is not the one we read."""
        self.check_transition(self.status, status)
        changes = self._changes(status, fields)
        rows = type(self)._default_manager.filter(pk=self.pk, status=self.status).update(**changes)
        if not rows:
            raise LostRace(f"{self._meta.label} {self.pk} is no longer {self.status}")
        self.status = status
        for name, value in fields.items():
            setattr(self, name, value)
        self.announce([self.pk], status)

    @classmethod
    def move_many(cls, ids: Iterable[int], current: str, target: str, **fields: Any) -> list[int]:
        """Move the rows that still have the status `current`; return their ids."""
        cls.check_transition(current, target)
        with transaction.atomic():
            rows = cls._default_manager.filter(pk__in=list(ids), status=current)
            moved = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
            cls._default_manager.filter(pk__in=moved).update(**cls._changes(target, fields))
            cls.announce(moved, target)
        return moved

    @classmethod
    def claim(cls, ids: Iterable[int], status: str, *, lease: timedelta = LEASE) -> list[Self]:
        """Lease those of the rows that wait in `status` and nobody works on, oldest first."""
        with transaction.atomic():
            free = cls._default_manager.filter(is_free(), pk__in=list(ids), status=status)
            locked = free.order_by("pk").select_for_update(skip_locked=True, of=("self",))
            items: list[Self] = list(locked.annotate(claimed_at=Now()))
            if not items:
                return []
            until = vars(items[0])["claimed_at"] + lease  # by the database's clock
            cls._default_manager.filter(pk__in=[item.pk for item in items]).update(
                leased_until=until,
                due_at=until,
                attempts=Least(models.F("attempts") + 1, MOST_ATTEMPTS),
            )
        for item in items:
            item.attempts += 1
            item.leased_until = item.due_at = until
        return items

    @classmethod
    def take_due(cls, status: str, *, limit: int = 1000) -> list[int]:
        """Ids of waiting rows whose time has come; each is handed out once per REDISPATCH_AFTER."""
        with transaction.atomic():
            rows = cls._default_manager.filter(is_free(), status=status, due_at__lte=Now())
            due = rows.order_by("due_at", "pk")
            ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
            cls._default_manager.filter(pk__in=ids).update(due_at=Now() + REDISPATCH_AFTER)
        return ids

    @classmethod
    def settle(cls, ids: Iterable[int]) -> None:
        """Nothing more is to be done for these rows in the status that they have."""
        cls._default_manager.filter(pk__in=list(ids)).update(
            due_at=None, leased_until=None, attempts=0
        )

    def renew(self, *, lease: timedelta = LEASE, **fields: Any) -> None:
        """Hold this row for another `lease`; raise LostRace when somebody else works on it by now.

        A chunk is claimed at once and worked through one by one: its last row may have been left to others.
        """
        ours = type(self)._default_manager.filter(
            pk=self.pk, status=self.status, leased_until=self.leased_until
        )
        now = ours.values_list(Now(), flat=True).first()
        until = now + lease if now else None
        if until is None or not ours.update(leased_until=until, due_at=until, **fields):
            raise LostRace(f"{self._meta.label} {self.pk} is somebody else's work by now")
        self.leased_until = self.due_at = until

    def try_later(
        self, reason: str, *, delay: timedelta | None = None, counts: bool = True
    ) -> None:
        """Leave the row alone for `delay`, or for a growing pause with jitter; then it is due.

        The lease lasts as long, so that a second copy of the task cannot shorten the pause.
        What does not count takes back the attempt that `claim` counted.
        """
        wait = delay if delay is not None else backoff(self.attempts)
        rows = type(self)._default_manager.filter(pk=self.pk, status=self.status)
        rows.update(leased_until=Now() + wait, due_at=Now() + wait, last_error=_short(reason))
        if not counts:
            rows.filter(attempts__gt=0).update(attempts=models.F("attempts") - 1)

    def give_up(self, reason: str) -> None:
        if self.FAILED_STATUS not in self.TRANSITIONS.get(self.status, frozenset()):
            # Such a row stays where it is, and says why it does not get on.
            self.try_later(reason, delay=BACKOFF_CAP)
            return
        tried = min(self.attempts, MOST_ATTEMPTS)
        self.move_to(self.FAILED_STATUS, last_error=_short(reason), attempts=tried)

    # Queries

    @classmethod
    def check_transition(cls, current: str, target: str) -> None:
        if target not in cls.TRANSITIONS.get(current, frozenset()):
            raise WrongTransition(f"{cls._meta.label}: {current} -> {target}")

    @classmethod
    def announce(cls, ids: Sequence[int], status: str, *, is_new: bool = False) -> None:
        """Tell the pipeline, after the commit, that these rows have this status now."""
        if ids:
            transaction.on_commit(partial(_send, cls, status, list(ids), is_new))

    @classmethod
    def due_now(cls, status: str) -> Any:
        """Value of `due_at` for a row that enters `status`: in case the announcement is lost."""
        return Now() + REDISPATCH_AFTER if status in cls.WAITING else None

    @classmethod
    def _changes(cls, status: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "attempts": 0,
            "leased_until": None,
            "last_error": "",
            "due_at": cls.due_now(status),
            "status_changed_at": Now(),
            **fields,
            "status": status,
        }


Item = TypeVar("Item", bound=WorkItem)


def work_on(
    model: type[Item],
    ids: Iterable[int],
    status: str,
    verb: Callable[[list[Item]], None],
    *,
    lease: timedelta = LEASE,
) -> None:
    """Claim the rows and run `verb` on them; a row that fails does not take its chunk along."""
    items = model.claim(ids, status, lease=lease)
    if items:
        with _announcing_together():
            _work_on_claimed(items, status, verb)


def _work_on_claimed(items: list[Item], status: str, verb: Callable[[list[Item]], None]) -> None:
    model = type(items[0])
    if len(items) > 1:
        try:
            verb(items)
        except Exception:
            logger.warning(
                "a chunk of %s failed, going one by one", model._meta.label, exc_info=True
            )
        else:
            return
        items = _not_done(items, status)
    for item in items:
        _work_on_one(item, verb)


def each(verb: Callable[[Item], None]) -> Callable[[list[Item]], None]:
    """Make a verb for one row take a list, failing row by row."""

    def run(items: list[Item]) -> None:
        for item in items:
            if len(items) == 1:
                verb(item)
            else:
                _work_on_one(item, lambda rows: verb(rows[0]))

    return run


def backoff(attempt: int) -> timedelta:
    """Exponential pause with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
    ceiling = min(BACKOFF_CAP, BACKOFF_BASE * (1 << min(attempt, 20)))
    share: float = random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not cryptography
    return ceiling * share


_Key = tuple[type[WorkItem], str, bool]
_held: ContextVar[dict[_Key, list[int]] | None] = ContextVar("held announcements", default=None)


@contextmanager
def _announcing_together() -> Iterator[None]:
    """Rows that one chunk moves to one status are announced once, not row by row."""
    held: dict[_Key, list[int]] = {}
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
        for (model, status, is_new), ids in held.items():
            _send(model, status, ids, is_new)


def _send(model: type[WorkItem], status: str, ids: list[int], is_new: bool) -> None:
    held = _held.get()
    if held is not None:
        held.setdefault((model, status, is_new), []).extend(ids)
        return
    outcomes = status_changed.send_robust(sender=model, status=status, ids=ids, is_new=is_new)
    for receiver, outcome in outcomes:
        if isinstance(outcome, Exception):
            # The row is safe and due; the sweep finds it.
            logger.warning("%s failed for %s: %s", receiver, model._meta.label, outcome)


def _work_on_one(item: Item, verb: Callable[[list[Item]], None]) -> None:
    status = item.status
    try:
        verb([item])
    except LostRace:
        logger.info("%s %s was moved by somebody else", item._meta.label, item.pk)
    except GiveUp as error:
        item.status = status  # the verb's move was rolled back; if not, this one moves nothing
        _finish(item, partial(item.give_up, str(error)))
    except TryLater as error:
        item.status = status
        item.try_later(str(error), delay=error.delay, counts=not isinstance(error, NotNow))
    except Exception as error:
        item.status = status
        reason = words_of(error)
        if isinstance(error, DatabaseError):
            logger.error("%s %s failed: %s", item._meta.label, item.pk, reason)
        else:
            logger.exception("%s %s failed", item._meta.label, item.pk)
        if item.attempts >= MAX_ATTEMPTS:
            _finish(item, partial(item.give_up, reason))
        else:
            item.try_later(reason)


def _not_done(items: Sequence[Item], status: str) -> list[Item]:
    """Those that still wait, read anew: what the verb did to our copies was rolled back or never kept."""
    rows = type(items[0])._default_manager.filter(status=status)
    waiting = rows.in_bulk([item.pk for item in items])
    return [waiting[item.pk] for item in items if item.pk in waiting]


def _finish(item: WorkItem, move: Callable[[], None]) -> None:
    try:
        move()
    except LostRace:
        logger.info("%s %s was moved by somebody else", item._meta.label, item.pk)


def words_of(error: Exception) -> str:
    """The error in words; PostgreSQL's own quote the row, which holds what people wrote."""
    if isinstance(error, DatabaseError):
        return f"{type(error).__name__} {getattr(error.__cause__, 'sqlstate', None) or ''}".strip()
    return f"{type(error).__name__}: {error}"


def _short(reason: str) -> str:
    return reason.replace("\0", "")[:2000]
