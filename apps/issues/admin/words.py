"""Changes, told in words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.issues.corrections import COUNTS_AGAIN
from apps.issues.erase import FORGOTTEN
from apps.issues.merging import IT_IS_BACK
from apps.issues.models import Change, Evidence, Issue
from apps.issues.urgency import AS_IT_WAS, MANY, MORE_URGENT, WITHOUT_IT
from apps.messages.models import Category, Priority
from apps.sources.admin.display import rounded
from tasktracker.lib.retell import retell
from tasktracker.lib.text import shorten

_CHOICES: dict[str, Mapping[Any, Any]] = {
    "category": dict(Category.choices),
    "priority": dict(Priority.choices),
    "status": dict(Issue.Status.choices),
}


#: Reasons of the system, stored in English.
_REASONS = {
    MORE_URGENT: gettext_lazy("a more urgent report"),
    IT_IS_BACK: gettext_lazy("it is back"),
    AS_IT_WAS: gettext_lazy("as before the merge"),
    FORGOTTEN: gettext_lazy("at the wish of a person who is forgotten"),
    WITHOUT_IT: gettext_lazy("the report that gave it has left"),
    COUNTS_AGAIN: gettext_lazy("its report counts again"),
}
_SURE = re.compile(r"confidence (\d\.\d\d) is at least (\d\.\d\d)")
_MANY = re.compile(rf"(\d+) {MANY}")


def in_words(change: Change) -> str:
    """What happened, for the history."""
    return _TELL.get(change.kind, _other)(change, change.details)


def who_in_words(change: Change) -> str:
    """A person, a tracker where somebody did it, or the system."""
    return str(change.user or change.details.get("by_tracker") or _("the system"))


def reason_in_words(change: Change) -> str:
    """What a person wrote as it is; what the system says of itself in the reader's language."""
    sure = _SURE.fullmatch(change.reason)
    if sure is not None:
        told = _("confidence %(confidence)s is at least %(limit)s")
        return told % {
            name: rounded(value, 2)
            for name, value in zip(("confidence", "limit"), map(float, sure.groups()), strict=True)
        }
    many = _MANY.fullmatch(change.reason)
    if many is not None:
        people = int(many.group(1))
        told = ngettext("%(people)d person reports it", "%(people)d people report it", people)
        return told % {"people": people}
    return str(_REASONS.get(change.reason, change.reason))


def tasks_that_stay(exports: Any) -> list[str]:
    """What a merge means for the tasks that the merged issue has in trackers, or was to have."""
    rows = exports if isinstance(exports, list) else []
    return [told for row in rows if isinstance(row, Mapping) and (told := _task(row))]


def what_stays(fields: Any) -> list[str]:
    """What an undone merge had brought and could not take away again."""
    if not isinstance(fields, Mapping):
        return []
    told = {
        "status": _("its status stays “%(value)s”: more than the merge has come of it since"),
        "priority": _("its priority stays “%(value)s”: more than the merge has come of it since"),
    }
    return [
        told[name] % {"value": _CHOICES[name].get(value, value)}
        for name, value in fields.items()
        if name in told
    ]


def _opened(change: Change, details: Mapping[str, Any]) -> str:
    if details.get("message"):
        return _("Opened from message %(id)s") % {"id": details["message"]}
    return _("Opened without a message")


def _status(change: Change, details: Mapping[str, Any]) -> str:
    # Each a whole sentence: gettext finds no words inside an f-string.
    told = _("Status: %(before)s → %(after)s")
    if details.get("not_an_issue"):
        told = _("Status: %(before)s → %(after)s (not an issue)")
    if details.get("carried_from"):
        told = _("Status: %(before)s → %(after)s, like issue %(id)s, which was merged into it")
    if details.get("as_before_merge"):
        told = _("Status: %(before)s → %(after)s, as before the merge")
    return told % {
        "before": _shown("status", details.get("before")),
        "after": _shown("status", details.get("after")),
        "id": details.get("carried_from"),
    }


def _edit(change: Change, details: Mapping[str, Any]) -> str:
    name = str(details.get("field", ""))
    if details.get("unlocked"):
        return _("%(field)s: left to the system again") % {"field": field_name(name)}
    return _("%(field)s: %(before)s → %(after)s") % {
        "field": field_name(name),
        "before": _shown(name, details.get("before")),
        "after": _shown(name, details.get("after")),
    }


def _evidence(change: Change, details: Mapping[str, Any]) -> str:
    if details.get("withdrawn"):
        return _("Message %(old)s was edited and reports nothing any more, see message %(id)s") % {
            "old": details.get("replaced"),
            "id": details.get("message"),
        }
    return _("One more report: message %(id)s (%(level)s)") % {
        "id": details.get("message"),
        "level": _thought(details) or _level(details),
    }


def _merged(change: Change, details: Mapping[str, Any]) -> str:
    told = _("Took over the reports of issue %(id)s")
    if "into" in details:
        told = _("Merged into issue %(id)s")
    named = {"id": details.get("into", details.get("taken"))}
    return _sentences(
        _with_thought(told % named, details), *tasks_that_stay(details.get("exports"))
    )


def _split(change: Change, details: Mapping[str, Any]) -> str:
    if "taken_from" in details:
        return _("Split out of issue %(id)s") % {"id": details["taken_from"]}
    if details.get("not_an_issue"):
        return _("Message %(id)s reports nothing, it was taken out") % {
            "id": details.get("message")
        }
    if details.get("own_report"):
        return _("Message %(id)s reports something of its own, it was taken out") % {
            "id": details.get("message")
        }
    if "left" in details:
        return _("Issue %(id)s, which had been merged into this one, stands by itself again") % {
            "id": details["left"]
        }
    told = _("Reports went to issue %(id)s") % {"id": details.get("given")}
    return _sentences(told, *what_stays(details.get("stays")))


def _apart(change: Change, details: Mapping[str, Any]) -> str:
    told = _("Not a duplicate of issue %(id)s")
    if details.get("taken_back"):
        told = _("Taken back: “not a duplicate of issue %(id)s”")
    elif details.get("undone"):
        told = _("Not a duplicate of issue %(id)s: their merge was undone")
    return _with_thought(told % {"id": details.get("other")}, details)


def _related(change: Change, details: Mapping[str, Any]) -> str:
    told = _("Related to issue %(id)s")
    if details.get("taken_back"):
        told = _("No longer related to issue %(id)s")
    return _with_thought(told % {"id": details.get("other")}, details)


def _with_thought(told: str, details: Mapping[str, Any]) -> str:
    thought = _thought(details)
    return f"{told} ({thought})" if thought else told


def _thought(details: Mapping[str, Any]) -> str:
    """Level, score and threshold as they were at that moment."""
    score, threshold = details.get("score"), details.get("threshold")
    if not isinstance(score, int | float):
        return ""
    told = _("%(level)s, score %(score)s")
    if isinstance(threshold, int | float):
        told = _("%(level)s, score %(score)s, threshold %(threshold)s")
    return told % {
        "level": _level(details),
        "score": rounded(score, 2),
        "threshold": rounded(threshold, 2) if threshold is not None else "",
    }


def _level(details: Mapping[str, Any]) -> str:
    levels: Mapping[Any, Any] = dict(Evidence.Level.choices)
    return str(levels.get(details.get("level"), details.get("level") or "–"))


def _task(export: Mapping[str, Any]) -> str:
    told = {
        "created": _("its task %(id)s in %(tracker)s stays"),
        "pending": _("its export to %(tracker)s was still waiting and is given up"),
        "failed": _("its export to %(tracker)s had failed"),
    }.get(str(export.get("status")), "")
    return told % {"id": export.get("id") or "–", "tracker": export.get("tracker")} if told else ""


def _sentences(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _export(change: Change, details: Mapping[str, Any]) -> str:
    told = _("Exported to %(tracker)s as %(id)s")
    if "gone" in details:
        told = _("%(id)s was deleted in %(tracker)s")
        if not details["gone"]:
            told = _("%(id)s is back in %(tracker)s")
    elif "error" in details:
        told = _("Not exported to %(tracker)s: %(error)s")
    elif "taken_over_by" in details:
        told = _("%(tracker)s is away: %(other)s takes over")
    elif "closed" in details:
        told = _("%(closed)s was closed in %(tracker)s: the task is in another tracker")
    elif "assignee" in details:
        told = _("%(id)s was given to %(name)s in %(tracker)s")
        if not details["assignee"]:
            told = _("%(id)s is nobody's in %(tracker)s now")
    return told % {
        "tracker": details.get("tracker"),
        "id": details.get("id"),
        "name": details.get("assignee"),
        "error": retell(str(details.get("error", ""))),
        "other": details.get("taken_over_by"),
        "closed": details.get("closed"),
    }


def _other(change: Change, details: Mapping[str, Any]) -> str:
    return str(change.get_kind_display())


_TELL: dict[str, Callable[[Change, Mapping[str, Any]], str]] = {
    Change.Kind.OPENED: _opened,
    Change.Kind.STATUS: _status,
    Change.Kind.EDIT: _edit,
    Change.Kind.EVIDENCE: _evidence,
    Change.Kind.MERGED: _merged,
    Change.Kind.SPLIT: _split,
    Change.Kind.APART: _apart,
    Change.Kind.RELATED: _related,
    Change.Kind.EXPORT: _export,
}


def field_name(name: str) -> str:
    try:
        label = str(Issue._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    except LookupError:
        return name
    return label[:1].upper() + label[1:]


def _shown(field: str, value: Any) -> str:
    if value in (None, ""):
        return "–"
    if field == "entities" and isinstance(value, Mapping):
        value = "; ".join(_surface(item) for items in value.values() for item in items) or "–"
    known = _CHOICES.get(field, {}).get(value) if isinstance(value, str) else None
    return str(known) if known else _("“%(text)s”") % {"text": shorten(str(value), 120)}


def _surface(item: Any) -> str:
    return str(item.get("surface", "")) if isinstance(item, Mapping) else str(item)
