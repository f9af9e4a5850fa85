"""Who deletes sources, or what they belong to, also takes leave of the platforms that post to them."""

from collections.abc import Iterable, Sequence
from functools import partial

from apps.sources.adapters.base import Finding
from apps.sources.admin.parting import Parting, PartingAdmin
from apps.sources.models import Source
from apps.sources.webhook_settings import Hook, hooks_of, unhook


class UnhookingAdmin(PartingAdmin):
    """For rows with sources in them, and for sources."""

    #: The lookup from a source to the row that is deleted.
    path_from_source: str

    def partings(self, numbers: Iterable[int]) -> list[Parting]:
        hooks = hooks_of(Source.objects.filter(**{f"{self.path_from_source}__in": list(numbers)}))
        return [partial(_unhooked, hook) for hook in hooks]


def _unhooked(hook: Hook) -> Sequence[Finding]:
    finding = unhook(hook)
    return [finding] if finding else []
