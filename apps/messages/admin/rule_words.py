"""Rules and their trials, told in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.messages.classifiers.rules import Check, Rule
from apps.messages.models import Category, Priority
from apps.messages.models import Rule as StoredRule
from apps.messages.trial import LONGEST, MOST, OnText, OnWeek
from tasktracker.lib.text import shorten

CONDITIONS = {
    "chat": gettext_lazy("chat is %(wanted)s"),
    "language": gettext_lazy("language is %(wanted)s"),
    "author": gettext_lazy("author is %(wanted)s"),
    "contains": gettext_lazy("contains %(wanted)s"),
    "pattern": gettext_lazy("matches %(wanted)s"),
    "entity": gettext_lazy("names %(wanted)s"),
}
_LANGUAGES: Mapping[Any, Any] = dict(StoredRule.Language.choices)
_CATEGORIES: Mapping[Any, Any] = dict(Category.choices)
_PRIORITIES: Mapping[Any, Any] = dict(Priority.choices)


def conditions_of(rule: Rule) -> list[str]:
    wanted = {
        "chat": rule.chat,
        "language": rule.language,
        "author": rule.author,
        "contains": ", ".join(rule.contains),
        "pattern": rule.pattern,
        "entity": rule.entity,
    }
    return [_condition(kind, text) for kind, text in wanted.items() if text]


def actions_of(rule: Rule, names: Mapping[int, str]) -> list[str]:
    """What the rule does; `names` are those of the projects that the reader may see."""
    return list(_actions(rule, names))


def _actions(rule: Rule, names: Mapping[int, str]) -> Iterator[str]:
    if rule.is_ignored:
        yield _("ignored")
    if rule.category:
        yield str(_CATEGORIES[rule.category])
    if rule.priority:
        yield _("priority: %(priority)s") % {"priority": _PRIORITIES[rule.priority]}
    if rule.route_to_id is not None:
        name = names.get(rule.route_to_id) or _("another project")
        yield _("to project %(project)s") % {"project": name}
    if rule.tag:
        yield _("tag %(tag)s") % {"tag": rule.tag}


def text_told(found: OnText, own: Rule | None, names: Mapping[int, str]) -> dict[str, Any]:
    """For the page: what a text would meet."""
    return {
        "kind": "text",
        "sentence": _text_sentence(found, own),
        "actions": actions_of(found.fired, names) if found.fired else [],
        "fired": found.fired,
        "candidate": _explained(found.candidate) if found.candidate else None,
        "tried": [_explained(one) for one in found.tried],
        "is_alert": found.is_alert,
    }


def week_told(found: OnWeek, own: Rule | None, names: Mapping[int, str]) -> dict[str, Any]:
    """For the page: what the messages of a week would have met."""
    counted = found.fired.items() if own is None else [(own, found.fired[own])]
    return {
        "kind": "week",
        "since": found.since,
        "until": found.until,
        "instead": _instead(found),
        "looked_at": found.looked_at,
        "sentences": [
            (rule, _week_sentence(found, rule, count), actions_of(rule, names))
            for rule, count in counted
        ],
        "taken": [
            ngettext(
                "%(n)d more fits, but “%(rule)s” comes first.",
                "%(n)d more fit, but “%(rule)s” comes first.",
                count,
            )
            % {"n": count, "rule": rule.name}
            for rule, count in found.taken.most_common()
        ],
        "limits": list(_limits(found)),
        "rows": [
            {
                "message": row.message,
                "rule": row.rule,
                "becomes": _becomes(row.category, row.priority) if row.is_changed else "",
                "other": [
                    action
                    for action in actions_of(row.rule, names)
                    if row.rule.tag or row.rule.route_to_id
                ],
            }
            for row in found.rows
        ],
    }


def _text_sentence(found: OnText, own: Rule | None) -> str:
    if found.fired is None:
        return _("No rule fires; the models decide.")
    if own is not None and found.fired is own:
        return _("This rule fires.")
    if own is not None:
        return _("Another rule comes first: “%(rule)s”.") % {"rule": found.fired.name}
    return _("“%(rule)s” fires.") % {"rule": found.fired.name}


def _week_sentence(found: OnWeek, rule: Rule, count: int) -> str:
    told = ngettext("%(n)d of %(all)d messages", "%(n)d of %(all)d messages", found.looked_at) % {
        "n": count,
        "all": found.looked_at,
    }
    issues = found.issues[rule]
    if not issues:
        return told
    standing = ngettext(
        "%(n)d of them is in an issue today", "%(n)d of them are in an issue today", issues
    )
    return f"{told}; {standing % {'n': issues}}"


def _instead(found: OnWeek) -> str:
    """Why these are not the messages of the last week."""
    if found.in_week is None:
        return ""
    return ngettext(
        "The last week has %(n)d message, too few to tell: tried on the newest %(all)d instead.",
        "The last week has %(n)d messages, too few to tell: tried on the newest %(all)d instead.",
        found.in_week,
    ) % {"n": found.in_week, "all": found.looked_at}


def _limits(found: OnWeek) -> Iterator[str]:
    if found.is_cut_by_time:
        yield _("Stopped after %(seconds)d seconds: only the newest messages were looked at.") % {
            "seconds": LONGEST
        }
    if found.is_cut_by_number:
        yield _("Only the newest %(n)d messages were looked at.") % {"n": MOST}
    for pattern in sorted(found.timed_out):
        yield _("This expression takes too long, and then it does not fit: %(pattern)s") % {
            "pattern": shorten(pattern, 120)
        }


def _explained(one: tuple[Rule, list[Check]]) -> dict[str, Any]:
    rule, checks = one
    return {
        "rule": rule,
        "fits": bool(checks) and all(check.holds for check in checks),
        "checks": [
            {
                "holds": check.holds,
                "told": _condition(check.condition, check.wanted),
                "found": _found(check),
            }
            for check in checks
        ],
    }


def _found(check: Check) -> str:
    if check.is_timed_out:
        return _("takes too long")
    if check.condition == "language":
        return str(_LANGUAGES.get(check.found, check.found))
    return shorten(check.found, 120)


def _condition(kind: str, wanted: str) -> str:
    shown = (
        str(_LANGUAGES.get(wanted, wanted)) if kind == "language" else f"“{shorten(wanted, 120)}”"
    )
    return str(CONDITIONS[kind]) % {"wanted": shown}


def _becomes(category: str, priority: str) -> str:
    return f"{_CATEGORIES[category]} · {_PRIORITIES[priority]}"
