"""Lines of monitoring and build bots, read by their format and not by a model.

What is a defect and what is only information follows the corpus' definitions:

- firing or down on production is a bug with the alert's own severity; without one it is high, and
  critical when something is down;
- where no environment is named, the same, but a stated warning is only information, and what states
  no severity is medium;
- on any other environment (staging, test, preview) nothing is more than information;
- resolved, acknowledged, silenced and test alerts, builds, tests and releases are information;
- a deployment to production that failed is a bug, high: what was promised to users is not there.
"""

import hashlib
import re
from dataclasses import dataclass

from apps.messages.classifiers.alert_formats import Line, read_line
from apps.messages.classifiers.base import CATEGORIES, Verdict
from tasktracker.lib.text import clean, normal_form, shorten

LONGEST = 4000  # characters that are read of an alert
KEY_LENGTH = 80

_PRIORITY_OF = {"critical": "critical", "high": "high", "medium": "medium"}
_LEVELS = {
    "critical": "critical crit fatal emergency disaster page p0 p1 sev0 sev1 s1 outage down"
    " критична критичний критично катастрофа надзвичайна аварія",
    "high": "high error major p2 sev2 s2 urgent висока високий помилка",
    "medium": "average medium moderate p3 sev3 середня середній",
    "warning": "warning warn попередження увага",
    "info": "low minor p4 p5 sev4 info information informational notice debug ok none"
    " not_classified низька низький інформація інформаційна",
}
_LEVEL_OF = {word: level for level, words in _LEVELS.items() for word in words.split()}
_WORDS = "|".join(sorted(_LEVEL_OF, key=len, reverse=True))
_LEVEL = (
    # severity=critical, Severity: High, level: error, priority = P1, Важливість: Висока
    re.compile(
        r"(?:severity|level|priority|impact|важливість|рівень|пріоритет)[\"']?\s*[=:]\s*[\"']?"
        rf"({_WORDS})\b",
        re.IGNORECASE,
    ),
    re.compile(rf"[\[(]({_WORDS})[\])]", re.IGNORECASE),  # (warning), [P1]
    re.compile(rf"\bis ({_WORDS})\b", re.IGNORECASE),  # web1/HTTP is CRITICAL
    re.compile(r"^\W*(CRITICAL|FATAL|EMERGENCY|DISASTER|MAJOR|HIGH|WARNING|WARN|INFO)\b"),
)
_LIGHTS = {"🔴": "critical", "🚨": "critical", "🟠": "high", "🟡": "warning", "⚠": "warning"}

_PRODUCTION = r"prod|production|prd|прод\w*"
_OTHER = (
    r"staging|stage(?!\s*:)|stg|pre-?prod\w*|nonprod|non-prod|dev|development|qa|uat|sandbox|preview|test"
    r"|testing|стейдж\w*|препрод\w*|дев|тест\w*"
)
_ENVIRONMENT = (
    re.compile(
        r"(?:env|environment|stage|namespace|cluster|середовище)[\"']?\s*[=:]\s*[\"']?"
        rf"(?:[\w]+-)?(?:(?P<other>{_OTHER})|(?P<production>{_PRODUCTION}|live))(?![^\W_])",
        re.IGNORECASE,
    ),
    re.compile(
        rf"[\[(](?:(?P<other>{_OTHER})|(?P<production>{_PRODUCTION}|live))[\])]", re.IGNORECASE
    ),
    re.compile(
        rf"(?<![^\W_])(?:(?P<other>{_OTHER})|(?P<production>{_PRODUCTION}))(?![^\W_])",
        re.IGNORECASE,
    ),
)
_QUIETED = re.compile(
    r"\b(?:silenced|suppressed|muted|acknowledged|in maintenance|test (?:alert|notification|message)"
    r"|тестов\w+ (?:алерт|сповіщення|повідомлення)|please ignore|заглушен\w+)",
    re.IGNORECASE,
)
_TEST = re.compile(r"^\W*\[?(?:TEST|ТЕСТ)\]?[\s:]", re.IGNORECASE)

#: Labels that say which alert it is; any other label may be a value that changes.
_STABLE_LABELS = (
    "alertname instance host hostname service job app application namespace cluster group source queue"
    " topic check monitor trigger deployment statefulset container database db region project"
    " component device mountpoint url env environment вузол хост сервіс тригер"
)
_STABLE = frozenset(_STABLE_LABELS.split())
_LABEL = re.compile(r"(?:^|[\s,{(|·•-])([^\W\d][\w.]*)\s?=\s?[\"']?([^\s\"',;})|]+)", re.MULTILINE)
_LABEL_LINE = re.compile(r"^[\s•*-]*([^\W\d][\w.]*)\s?[:=]\s?[\"']?([^\n\"']{1,120})", re.MULTILINE)
_POD = re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b")
_URL = re.compile(r"https?://([^\s/?#)\]]+)([^\s?#)\]]*)\S*")
_ASIDE = re.compile(r"\s[—–|]\s.*$|\([^)]*\d[^)]*\)")
_VALUE = re.compile(
    r"(?<![\w.-])[~<>=≥≤]*[#v]?\d[\d.,:/_-]*\s?"  # 97, 4.12.0, 23:30, #48213, 2026-01-02
    r"(?:%|[a-zµ]{1,3}(?:/[a-z]{1,3})?|[смгхдтк]\w{0,2}|seconds?|minutes?|hours?|days?|times?|rc\d*)?"
    r"(?![\w-])",
    re.IGNORECASE,
)
_PASSING = re.compile(
    rf"\b(?:{_WORDS}|firing|threshold|value|current|again|re-?triggered|знову|поріг)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Alert:
    """What a bot's line says."""

    kind: str  # monitoring, ci
    state: str  # firing, resolved, notice
    tool: str
    severity: str  # critical, high, medium, warning, info; empty when the line does not say
    environment: str  # production, staging, unknown
    key: str  # the same for every repeat of one alert
    title: str
    is_outage: bool = False

    @property
    def is_report(self) -> bool:
        """Whether somebody has to do something about it."""
        if self.state != "firing" or self.environment == "staging" or self.severity == "info":
            return False
        if self.kind == "ci":
            return self.environment == "production"
        return self.environment == "production" or self.severity != "warning"

    @property
    def category(self) -> str:
        return "bug" if self.is_report else "info"

    @property
    def priority(self) -> str:
        if not self.is_report:
            return "low"
        if self.severity:
            return _PRIORITY_OF.get(self.severity, "medium")
        if self.is_outage:
            return "critical"
        return "high" if self.environment == "production" else "medium"


def read_alert(text: str, *, is_from_bot: bool = False) -> Alert | None:
    """The alert that this text is; None for everything that people write, quotations included."""
    text = clean(text)[:LONGEST]
    line = read_line(text, is_from_bot=is_from_bot)
    if line is None:
        return None
    environment = _environment(text)
    return Alert(
        kind=line.kind,
        state="notice" if _is_quieted(text) and line.state == "firing" else line.state,
        tool=line.tool,
        severity=_severity(text, line),
        environment=environment,
        key=_key(text, line, environment),
        title=shorten(_URL.sub(r"\1\2", line.name), 120),
        is_outage=line.is_outage,
    )


def verdict_of(alert: Alert) -> Verdict:
    """Certain, because a format leaves nothing to guess."""
    raw = {
        "alert": alert.key,
        "kind": alert.kind,
        "state": alert.state,
        "severity": alert.severity,
        "environment": alert.environment,
    }
    scores = {name: float(name == alert.category) for name in CATEGORIES}
    return Verdict(alert.category, alert.priority, confidence=1.0, scores=scores, raw=raw)


def _is_quieted(text: str) -> bool:
    return bool(_QUIETED.search(text) or _TEST.search(text))


def _severity(text: str, line: Line) -> str:
    """What the line states: a label first, then the word that announced it, then its light."""
    if line.kind == "ci":
        return "high"
    for pattern in _LEVEL:
        found = pattern.search(text)
        if found:
            level = _LEVEL_OF[found.group(1).casefold()]
            return level if not line.is_outage or level != "info" else "critical"
    if line.level:
        return line.level
    if line.is_outage:
        return ""
    return next((level for light, level in _LIGHTS.items() if light in text[:4]), "")


def _environment(text: str) -> str:
    for pattern in _ENVIRONMENT:
        found = pattern.search(text)
        if found:
            return "production" if found.group("production") else "staging"
    return "unknown"


def _key(text: str, line: Line, environment: str) -> str:
    """Which alert it is: its name and the labels that stay, without values, times and counters."""
    labels = _labels(text)
    words = _URL.sub(r" \1\2 ", _LABEL.sub(" ", _POD.sub("", line.name)))
    words = normal_form(_PASSING.sub(" ", _VALUE.sub(" ", _ASIDE.sub("", words))))
    stable = sorted(f"{name}={value}" for name, value in labels.items())
    identity = "\n".join([line.kind, line.tool, words, environment, *stable])
    mark = hashlib.sha256(identity.encode()).hexdigest()[:16]
    start = f"{line.tool}:{words.replace(' ', '-')}"[: KEY_LENGTH - len(mark) - 1]
    return f"{start}:{mark}"


def _labels(text: str) -> dict[str, str]:
    """The labels that name the alert's place; pods lose their random ends."""
    found = _LABEL.findall(text) + _LABEL_LINE.findall(text)
    labels: dict[str, str] = {}
    for name, value in found:
        value = normal_form(_POD.sub("", _URL.sub(r"\1\2", value)))
        if name.casefold() in _STABLE and value and not value.isdecimal():
            labels.setdefault(name.casefold(), value)
    return labels
