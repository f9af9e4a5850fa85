"""How often a vendor was called, for those who count, and how long its answers took."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.exports.trackers.base import OwnLimit

COUNTED = timedelta(hours=1)  # in which a vendor counts calls
EDGES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds of answers
HOUR_IS_FULL = gettext_noop("All of an hour's %(n)s calls were made: the next one follows later.")
MINUTE_IS_FULL = gettext_noop(
    "All of a minute's %(n)s calls were made: the next one follows later."
)


class CallCount(models.Model):
    """Calls of one account in one minute; trackers with the same key share an account."""

    account = models.CharField(_("account"), max_length=64)
    minute = models.DateTimeField(_("minute"))
    calls = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("count of calls")
        verbose_name_plural = _("counts of calls")
        ordering = ["account", "minute"]
        constraints = [
            models.UniqueConstraint(fields=["account", "minute"], name="calls_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.account[:8]} {self.minute:%H:%M}: {self.calls}"

    @classmethod
    def add(cls, account: str, per_hour: int) -> None:
        """Count one more call; raise OwnLimit instead when the last hour has had `per_hour`."""
        now = timezone.now()
        rows = cls.objects.filter(account=account)
        minute, is_new = rows.get_or_create(
            account=account, minute=now.replace(second=0, microsecond=0)
        )
        if is_new:
            rows.filter(minute__lt=now - 2 * COUNTED).delete()
        this_one = rows.filter(pk=minute.pk)
        this_one.update(calls=models.F("calls") + 1)
        recent = rows.filter(minute__gt=now - COUNTED)
        if (recent.aggregate(calls=models.Sum("calls"))["calls"] or 0) > per_hour:
            this_one.update(calls=models.F("calls") - 1)
            first = recent.filter(calls__gt=0).order_by("minute").first()
            opens_at = (first.minute if first else now) + COUNTED + timedelta(minutes=1)
            raise OwnLimit(HOUR_IS_FULL % {"n": per_hour}, delay=opens_at - now)

    @classmethod
    def recent(cls, accounts: Iterable[str]) -> dict[str, int]:
        """Calls within the last hour by account."""
        rows = cls.objects.filter(account__in=set(accounts), minute__gt=timezone.now() - COUNTED)
        return dict(rows.values_list("account").annotate(models.Sum("calls")).order_by())

    @classmethod
    def pace(cls, account: str, per_minute: int) -> None:
        """Count one more call; raise OwnLimit instead when this minute has had `per_minute`."""
        now = timezone.now()
        minute = now.replace(second=0, microsecond=0)
        row, is_new = cls.objects.get_or_create(account=account, minute=minute)
        if is_new:
            cls.objects.filter(account=account, minute__lt=now - 2 * COUNTED).delete()
        this_one = cls.objects.filter(pk=row.pk, calls__lt=per_minute)
        if not this_one.update(calls=models.F("calls") + 1):
            delay = minute + timedelta(minutes=1) - now
            raise OwnLimit(MINUTE_IS_FULL % {"n": per_minute}, delay=delay)


class AnswerTimes(models.Model):
    """How many answers of one kind of tracker took so long, since ever."""

    kind = models.CharField(_("kind"), max_length=30)
    #: The first of EDGES that is not less; one more for those beyond.
    bucket = models.PositiveSmallIntegerField(_("range"))
    calls = models.PositiveBigIntegerField(_("calls"), default=0)
    seconds = models.FloatField(_("seconds"), default=0.0)

    class Meta:
        verbose_name = _("times of answers")
        verbose_name_plural = _("times of answers")
        ordering = ["kind", "bucket"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "bucket"], name="answers_timed_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.bucket}: {self.calls}"

    @classmethod
    def add(cls, kind: str, took: Sequence[float]) -> None:
        """Count answers by their seconds."""
        ranges: dict[int, list[float]] = defaultdict(list)
        for seconds in took:
            ranges[bisect_left(EDGES, seconds)].append(seconds)
        for bucket, those in sorted(ranges.items()):
            more = {
                "calls": models.F("calls") + len(those),
                "seconds": models.F("seconds") + sum(those),
            }
            rows = cls.objects.filter(kind=kind, bucket=bucket)
            if not rows.update(**more):
                cls.objects.get_or_create(kind=kind, bucket=bucket)
                rows.update(**more)
