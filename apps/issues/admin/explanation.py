"""Why two reports look the same, told in words; what it does not know it leaves out."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.issues.admin.opinion_words import thought_in_words
from apps.issues.dedup.scene import DIRECTIONS
from apps.sources.admin.display import rounded

#: Kinds of facts that two reports share or that set them apart (apps.issues.dedup.conflicts).
KINDS = {
    "versions": gettext_lazy("versions"),
    "numbers": gettext_lazy("numbers"),
    "endpoints": gettext_lazy("addresses or codes"),
    "platform": gettext_lazy("platform"),
    "browser": gettext_lazy("browser"),
    "environment": gettext_lazy("environment"),
    "transfer": gettext_lazy("direction of transfer"),
    "session": gettext_lazy("login or logout"),
    "frequency": gettext_lazy("how often"),
    "change": gettext_lazy("what is done"),
    "wallet": gettext_lazy("wallet"),
    "channel": gettext_lazy("channel"),
    "symptom": gettext_lazy("symptom"),
    "size": gettext_lazy("too much or too little"),
}
#: Values of those kinds; names of products are the same in every language.
VALUES = {
    "ios": "iOS",
    "android": "Android",
    "macos": "macOS",
    "windows": "Windows",
    "linux": "Linux",
    "chrome": "Chrome",
    "firefox": "Firefox",
    "safari": "Safari",
    "edge": "Edge",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "paypal": "PayPal",
    "sms": "SMS",
    "push": gettext_lazy("push notifications"),
    "preproduction": gettext_lazy("pre-production"),
    "production": gettext_lazy("production"),
    "staging": gettext_lazy("staging"),
    "sandbox": gettext_lazy("sandbox"),
    "import": gettext_lazy("import"),
    "export": gettext_lazy("export"),
    "login": gettext_lazy("login"),
    "logout": gettext_lazy("logout"),
    "registration": gettext_lazy("registration"),
    "twice": gettext_lazy("twice"),
    "never": gettext_lazy("never"),
    "create": gettext_lazy("adding"),
    "delete": gettext_lazy("deleting"),
    "email": gettext_lazy("mail"),
    "more": gettext_lazy("too much"),
    "less": gettext_lazy("too little"),
    "crash": gettext_lazy("crashes"),
    "hang": gettext_lazy("hangs"),
    "slow": gettext_lazy("is slow"),
    "blank": gettext_lazy("is blank"),
    "missing": gettext_lazy("is missing"),
    "lost": gettext_lazy("gets lost"),
    "unsaved": gettext_lazy("is not saved"),
    "undelivered": gettext_lazy("does not arrive"),
    "late": gettext_lazy("is late"),
    "repeated": gettext_lazy("repeats"),
    "wrong_value": gettext_lazy("is wrong"),
    "stale": gettext_lazy("is out of date"),
    "cut": gettext_lazy("is cut off"),
    "garbled": gettext_lazy("is garbled"),
    "overlap": gettext_lazy("overlaps"),
    "offset": gettext_lazy("is shifted"),
    "reset": gettext_lazy("is reset"),
    "expired": gettext_lazy("expires"),
    "denied": gettext_lazy("is denied"),
    "rejected": gettext_lazy("is refused"),
    "server_error": gettext_lazy("server error"),
    "unclickable": gettext_lazy("does not react"),
    "unsorted": gettext_lazy("is in a wrong order"),
    "unreadable": gettext_lazy("cannot be read"),
    "sound": gettext_lazy("sound"),
    "drain": gettext_lazy("drains battery or memory"),
    "unit": gettext_lazy("currency or rounding"),
    "timezone": gettext_lazy("time zone"),
}
#: What the judge looks at (apps.issues.dedup.scene); names that differ by a variant share words.
FEATURES = {
    "cosine": gettext_lazy("nearness of meaning"),
    "cosine_same_language": gettext_lazy("nearness of meaning"),
    "cosine_high_same_language": gettext_lazy("great nearness of meaning"),
    "cosine_other_language": gettext_lazy("nearness of meaning across languages"),
    "cosine_high_other_language": gettext_lazy("great nearness of meaning across languages"),
    "words_sorted": gettext_lazy("the same words"),
    "words_set": gettext_lazy("words that occur in both"),
    "stems_ours": gettext_lazy("how much of this report is in the other"),
    "stems_theirs": gettext_lazy("how much of the other report is in this"),
    "cognates": gettext_lazy("words alike in both languages"),
    "cognates_share": gettext_lazy("share of words alike in both languages"),
    "shared_versions": gettext_lazy("the same version"),
    "shared_numbers": gettext_lazy("the same numbers"),
    "shared_endpoints": gettext_lazy("the same address or code"),
    "shared_symptoms": gettext_lazy("the same symptom"),
    "shared_families": gettext_lazy("the same circumstances"),
    "conflicting_versions": gettext_lazy("different versions"),
    "conflicting_numbers": gettext_lazy("different numbers"),
    "conflicting_endpoints": gettext_lazy("different addresses or codes"),
    "conflicting_symptoms": gettext_lazy("different symptoms"),
    "conflicting_platforms": gettext_lazy("different platforms"),
    "conflicting_families": gettext_lazy("different circumstances"),
    "new_symptoms": gettext_lazy("a symptom that the other does not name"),
    "same_opening_other_facts": gettext_lazy("the same beginning with other facts"),
    "numbers_only_ours": gettext_lazy("numbers only in this report"),
    "numbers_only_theirs": gettext_lazy("numbers only in the other report"),
    "fine_elsewhere": gettext_lazy("says that something works"),
    "negations_differ": gettext_lazy("one denies what the other says"),
    "request_differs": gettext_lazy("one is a request, the other is not"),
    "lengths_differ": gettext_lazy("very different lengths"),
    "rival": gettext_lazy("another issue is as near"),
    "is_other_language": gettext_lazy("another language"),
    "place": gettext_lazy("nearness as learned from duplicates"),
    "place_mean": gettext_lazy("nearness as learned from duplicates"),
    "place_rank": gettext_lazy("how many issues are nearer"),
    "cosine_rank": gettext_lazy("how many issues are nearer"),
    "place_margin": gettext_lazy("nearer than all other issues"),
    "rarest_shared": gettext_lazy("rare words in both"),
    "rarity_shared": gettext_lazy("rare words in both"),
    "rarity_share": gettext_lazy("rare words in both"),
    "rarest_concept": gettext_lazy("the same things are named"),
    "concepts_shared": gettext_lazy("the same things are named"),
    "concepts_share": gettext_lazy("the same things are named"),
    "words_ours": gettext_lazy("length of this report"),
    "words_theirs": gettext_lazy("length of the other report"),
    "minutes_since_first": gettext_lazy("time since the first report"),
    "minutes_since_last": gettext_lazy("time since the last report"),
    "minutes_since_other": gettext_lazy("issues spoken of since"),
    "newer_issues": gettext_lazy("issues spoken of since"),
    "issues_just_now": gettext_lazy("many reports at once"),
    "issues_lately": gettext_lazy("many reports at once"),
    "issues_known": gettext_lazy("how many issues it is compared with"),
    "reports": gettext_lazy("how many have reported it"),
    "recent_reports": gettext_lazy("how many reported it just now"),
    "burst": gettext_lazy("many reports at once"),
    "answers": gettext_lazy("a reply to its report"),
    "same_author_as_first": gettext_lazy("who reported it"),
    "same_author_as_last": gettext_lazy("who reported it"),
    "same_category": gettext_lazy("bug or feature"),
    "is_bug": gettext_lazy("bug or feature"),
    "echo": gettext_lazy("sounds like a second report"),
    "says_also": gettext_lazy("sounds like a second report"),
    "rarest_here": gettext_lazy("rare words in both"),
    "shared_here": gettext_lazy("rare words in both"),
    "share_here": gettext_lazy("rare words in both"),
    "share_of_theirs_here": gettext_lazy("rare words in both"),
    "margin_here": gettext_lazy("rare words in both"),
    "rank_here": gettext_lazy("rare words in both"),
    "shared_with_one_here": gettext_lazy("rare words in both"),
    "concepts_here": gettext_lazy("the same things are named"),
    "concepts_share_here": gettext_lazy("the same things are named"),
    "concepts_margin_here": gettext_lazy("the same things are named"),
    "told_here": gettext_lazy("how much of either report is in the other"),
    "told_margin_here": gettext_lazy("how much of either report is in the other"),
    "told_rank_here": gettext_lazy("how much of either report is in the other"),
}
_OF_FACTS = ("versions", "numbers", "endpoints", "symptoms", "families")
#: Of these a text has something or nothing: what speaks the other way than it may is its absence.
_SIGNS = frozenset(
    {
        *(f"{side}_{kind}" for side in ("shared", "conflicting") for kind in _OF_FACTS),
        "conflicting_platforms",
        "new_symptoms",
        "same_opening_other_facts",
        "numbers_only_ours",
        "numbers_only_theirs",
        "fine_elsewhere",
        "negations_differ",
        "request_differs",
        "answers",
        "echo",
        "says_also",
    }
)
_LANGUAGES = {"uk": gettext_lazy("Ukrainian"), "en": gettext_lazy("English")}


def explained(explanation: Mapping[str, Any]) -> list[str]:
    """Why two reports look the same, one reason a line."""
    given = _mapping(explanation)
    thought = _mapping(given.get("opinion"))
    by_model = [thought_in_words(thought)] if thought else []
    return [*by_model, *_facts(given), *_measured(given), *_weighed(given), *_said(given)]


def _facts(explanation: Mapping[str, Any]) -> list[str]:
    """Words and entities that matched or conflicted."""
    lines = []
    words = explanation.get("words")
    if isinstance(words, list) and words:
        lines.append(_("Words in both: %(words)s") % {"words": ", ".join(map(str, words))})
    for kind, values in _mapping(explanation.get("shared")).items():
        lines.append(
            _("Same %(kind)s: %(values)s") % {"kind": _kind(kind), "values": _join(values)}
        )
    for kind, sides in _mapping(explanation.get("conflicts")).items():
        if isinstance(sides, list) and len(sides) == 2:
            details = {"kind": _kind(kind), "one": _join(sides[0]), "other": _join(sides[1])}
            lines.append(_("Different %(kind)s: %(one)s and %(other)s") % details)
    return lines


def _measured(explanation: Mapping[str, Any]) -> list[str]:
    lines = []
    if _is_number(explanation.get("cosine")):
        details = {"value": rounded(explanation["cosine"], 2)}
        lines.append(_("Nearness of meaning: %(value)s") % details)
    if _is_number(explanation.get("fuzzy")):
        details = {"value": f"{explanation['fuzzy']:.0%}"}
        lines.append(_("Alike by words: %(value)s") % details)
    languages = explanation.get("languages")
    if isinstance(languages, list) and len(languages) == 2 and languages[0] != languages[1]:
        one, other = (str(_LANGUAGES.get(code, code)) for code in map(str, languages))
        lines.append(_("Languages: %(one)s and %(other)s") % {"one": one, "other": other})
    return lines


def _weighed(explanation: Mapping[str, Any]) -> list[str]:
    """What moved the judge most, in favour and against."""
    weights: defaultdict[str, float] = defaultdict(float)
    for name, weight in _mapping(explanation.get("reasons")).items():
        if _is_number(weight):
            weights[_feature(name, weight)] += weight
    lines = []
    for told, chosen in (
        (
            _("Speaks for the same problem: %(reasons)s"),
            {k: v for k, v in weights.items() if v > 0},
        ),
        (_("Speaks against it: %(reasons)s"), {k: v for k, v in weights.items() if v < 0}),
    ):
        if chosen:
            ranked = sorted(chosen.items(), key=lambda item: -abs(item[1]))
            named = [f"{name} ({_signed(weight)})" for name, weight in ranked]
            lines.append(told % {"reasons": ", ".join(named)})
    return lines


def _feature(name: str, weight: float) -> str:
    told = str(FEATURES.get(name, str(name).replace("_", " ")))
    if name in _SIGNS and weight * DIRECTIONS[name] < 0:
        told = _("no sign of “%(reason)s”") % {"reason": told}
    return told


def _said(explanation: Mapping[str, Any]) -> list[str]:
    """What is known without comparing words: the chat, the alert, the very same text."""
    lines = []
    if "alert" in explanation:
        lines.append(_("The same alert."))
    if "fingerprint" in explanation:
        lines.append(_("The same words, whichever way they are written."))
    minutes = explanation.get("minutes")
    after = ""
    if _is_number(minutes):
        whole = max(1, round(minutes))
        after = ngettext("%(n)d minute later", "%(n)d minutes later", whole) % {"n": whole}
    if "reply_to" in explanation:
        told = (
            _("Said about message %(id)s: %(after)s") if after else _("Said about message %(id)s")
        )
        lines.append(told % {"id": explanation["reply_to"], "after": after})
    elif after:
        told = _("In the same chat, %(after)s")
        if explanation.get("is_own"):
            told = _("By the same author, %(after)s")
        lines.append(told % {"after": after})
    seconds = explanation.get("seconds_later")
    if _is_number(seconds) and seconds > 0:
        # A span of time has one case only, so the sentence must not ask for another.
        details = {"time": _span(seconds)}
        lines.append(_("Time since the report that it resembles: %(time)s") % details)
    return lines


def _span(seconds: float) -> str:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return timesince(start, start + timedelta(seconds=max(60.0, seconds)))


def _signed(weight: float) -> str:
    sign = "+" if weight > 0 else "−"
    return f"{sign}{rounded(abs(weight), 1)}"


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(kind: str) -> str:
    return str(KINDS.get(kind, kind))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _join(values: Any) -> str:
    if isinstance(values, list | tuple):
        return ", ".join(str(VALUES.get(str(value), value)) for value in values)
    return str(values)
