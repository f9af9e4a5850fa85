"""How the lines of monitoring and build bots begin. A new tool is one more row of the table."""

import re
import unicodedata
from typing import NamedTuple

_FIRING_WORDS = (
    "firing alerting problem проблема alert alarm triggered trigger re-triggered down offline outage"
    " critical fatal error exception warning warn unreachable unhealthy degraded failed failure fail"
    " broken errored started investigating identified created opened new regression reopened crashed"
    " incident unavailable missing недоступний недоступна недоступно впав впала впало впали лежить"
    " помилка помилкою провалено провалився невдало падіння no-data nodata unknown alerts-firing"
    " error-rate regressed ongoing escalating"
)
_RESOLVED_WORDS = (
    "resolved ok recovery recovered up online normal closed fixed healthy operational monitoring"
    " resolves вирішено відновлено відновився доступний доступна працює алерт-знято alerts-resolved"
    " pass"
)
_OUTAGE_WORDS = (
    "down offline outage unreachable недоступний недоступна недоступно лежить unavailable"
)
_FIRING = frozenset(_FIRING_WORDS.split())
_RESOLVED = frozenset(_RESOLVED_WORDS.split())
_OUTAGE = frozenset(_OUTAGE_WORDS.split())
_LEVELS = {"critical": "critical", "fatal": "critical", "warning": "warning", "warn": "warning"}

_STATES = (
    "firing|resolved|alerting|ok|no[ _]?data|pending|problem|recovery|recovered|alert|alarm|triggered"
    "|re-triggered|down|up|critical|fatal|warning|warn|acknowledged|normal|error|unknown|incident"
    "|проблема|вирішено|відновлено|алерт|тривога"
)
_TOOLS = (
    "grafana|prometheus|alertmanager|sentry|zabbix|nagios|icinga2?|pagerduty|opsgenie|uptime ?robot"
    "|uptime ?kuma|better ?stack|better ?uptime|healthchecks(?:\\.io)?|datadog|(?:aws )?cloudwatch"
    "|statuspage|status page|new relic|pingdom|checkly|rollbar|bugsnag"
)
_BUILDERS = (
    "gitlab(?: ci)?|github(?: actions)?|jenkins|circle ?ci|argo ?cd|vercel|netlify|teamcity|buildkite"
    "|bitbucket|travis|drone|bitrise|codemagic|fastlane"
)
_ENDS = (
    r"passed|succeeded|successful|success|failed|failure|fixed|broken|canceled|cancelled|started|running"
    r"|errored|timed out|aborted|unstable|completed|finished|is ready|ready|skipped|впав|впала|впали"
    r"|пройшов|пройшла|успішн\w+|завершен\w+|завершивс\w+|провален\w+|не пройш\w+|помилк\w+"
)
_SHORT_ID = r"(?-i:[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-9A-Z]{1,6}\b)"  # of an issue in Sentry
_EXCEPTION = r"(?-i:[\w.]*(?:Error|Exception|Warning|Timeout|Fault|Panic|Interrupt|Exit))"
_HOST = r"(?:https?://\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[:/]\S*)?)"


class Line(NamedTuple):
    """What the beginning of a bot's line says."""

    kind: str
    tool: str
    state: str  # firing, resolved, notice
    name: str
    level: str = ""
    is_outage: bool = False


class _Format(NamedTuple):
    tool: str
    kind: str
    pattern: re.Pattern[str]
    state: str = ""  # when the format alone tells it
    is_loose: bool = (
        False  # people write like this too: a person's text must look made by software besides
    )


def _monitoring(tool: str, pattern: str, state: str = "", *, is_loose: bool = False) -> _Format:
    return _Format(tool, "monitoring", re.compile(pattern, re.IGNORECASE), state, is_loose)


def _ci(tool: str, pattern: str, state: str = "", *, is_loose: bool = False) -> _Format:
    return _Format(tool, "ci", re.compile(pattern, re.IGNORECASE), state, is_loose)


_SENTRY_STATE = r"(?P<state>new|regression|regressed|reopened|resolved|ongoing|escalating)(?: (?:issue|alert|error))?"
_FORMATS = (
    # Uptime monitors whose one line tells the whole story
    _monitoring(
        "uptime", rf"\d\d:\d\d\s+(?P<name>{_HOST})\s.*(?:recovered|відновлено)", "resolved"
    ),
    _monitoring("uptime", rf"\d\d:\d\d\s+(?P<name>{_HOST})\s+(?P<state>down|timeout|error)\b"),
    _monitoring("uptime", r"monitor is (?P<state>down|up)\b[:\s]*(?P<name>.+)", is_loose=True),
    _monitoring("uptime", rf"(?P<state>down|up)\b[:\s]+(?P<name>{_HOST}.*)", is_loose=True),
    _monitoring(
        "uptime", rf"(?P<name>{_HOST})\s+(?:is |- )?(?P<state>down|up)\b(?!\s*\?)", is_loose=True
    ),
    _monitoring("uptime", r"\[(?P<name>[^\]]+)\]\s*\[\W*(?P<state>down|up|pending)\]"),
    _monitoring(
        "healthchecks",
        r"(?:the check )?[\"“«](?P<name>[^\"”»]+)[\"”»] is (?P<state>down|up)\b",
        is_loose=True,
    ),
    _monitoring(
        "betterstack",
        r"(?:new |ongoing )?incident (?P<state>started|resolved|acknowledged)\b[:\s–—-]*(?P<name>.+)",
        is_loose=True,
    ),
    _monitoring("betterstack", r"(?P<state>new) incident:\s*(?P<name>.+)", is_loose=True),
    # Alertmanager and Grafana
    _monitoring(
        "alertmanager",
        r"\[(?P<state>firing|resolved)\s*:\s*\d+[^\]]*\]\s*(?P<name>.*)",
    ),
    _monitoring("alertmanager", r"\[(?P<state>firing|resolved)\]\s*(?P<name>.+)", is_loose=True),
    _monitoring("alertmanager", r"(?P<state>firing|resolved)\b:?\s+(?P<name>severity=.+)"),
    _monitoring("alertmanager", r"(?:alerts? )?(?P<state>firing|resolved)\W*$(?P<name>)"),
    _monitoring(
        "grafana", r"\[(?P<state>alerting|no[ _]?data|ok|normal)\]\s*(?P<name>.+)", is_loose=True
    ),
    # Datadog
    _monitoring(
        "datadog",
        r"(?:\[P\d\]\s*)?\[(?P<state>(?:re-)?triggered|recovered|warn|no data)(?:[^\]]*)\]\s*(?P<name>.+)",
        is_loose=True,
    ),
    # CloudWatch
    _monitoring(
        "cloudwatch",
        r"(?P<state>alarm|ok|insufficient_data):\s*(?P<name>[\"“][^\"”]+[\"”].*)",
        is_loose=True,
    ),
    _monitoring("cloudwatch", r"cloudwatch alarm\s*[|:]\s*(?P<name>.+)", "firing"),
    # Nagios and Icinga
    _monitoring(
        "nagios",
        r"\**\s*(?P<state>problem|recovery|acknowledgement|flapping\w*|downtime\w*)"
        r"\s+(?:service|host)(?: alert)?\s*:\s*(?P<name>.+)",
    ),
    _monitoring("nagios", r"\[(?P<state>problem|recovery)\]\s+(?P<name>\S+ (?:on|is|at) .+)"),
    _monitoring(
        "nagios", r"(?P<name>\S+/[^/]+?) is (?P<state>(?-i:CRITICAL|WARNING|UNKNOWN|OK|DOWN|UP))\b"
    ),
    # Zabbix
    _monitoring(
        "zabbix",
        r"(?P<state>resolved|вирішено)(?: in| за) \d[\w ]*:\s*(?P<name>.+)",
    ),
    _monitoring(
        "zabbix",
        r"(?:\[zabbix\]\s*)?(?P<state>problem|resolved|ok|update|проблема|вирішено)(?: \(\w+\))?:"
        r"\s*(?P<name>.+)",
        is_loose=True,
    ),
    # PagerDuty and Opsgenie
    _monitoring(
        "pagerduty",
        r"\[?(?:incident )?\[?#\w+\]?\s*(?:has been |was )?(?P<state>triggered|acknowledged|resolved|escalated)"
        r"\b[\]:\s–—-]*(?P<name>.*)",
        is_loose=True,
    ),
    _monitoring(
        "pagerduty",
        r"\[?(?P<state>triggered|acknowledged|resolved)\]?:?\s+(?:incident )?\[?#\w+\]?[:\s–—-]*(?P<name>.*)",
        is_loose=True,
    ),
    _monitoring("pagerduty", r"(?P<state>triggered|acknowledged|resolved) #\d+:\s+(?P<name>.+)"),
    _monitoring(
        "opsgenie",
        r"(?:\[opsgenie\]\s*)?(?:new alert|alert (?P<state>created|closed|acknowledged))[:\s]+(?=.*(?:#\d+|\bP\d\b))"
        r"(?P<name>.+)",
        is_loose=True,
    ),
    # Sentry
    _monitoring(
        "sentry",
        r"\[sentry\]\s*(?P<name>\[?[\w-]+\]?.+?(?:error|exception|issue|timeout|fault|panic|warning)\b.*)",
        "firing",
    ),
    _monitoring(
        "sentry", rf"sentry\s?[:|]\s*{_SENTRY_STATE}\s+(?P<name>{_SHORT_ID}:?\s+{_EXCEPTION}\b.*)"
    ),
    _monitoring(
        "sentry", rf"(?:sentry\s?[:|]\s*)?{_SENTRY_STATE}\s+(?P<name>{_SHORT_ID}.*)", is_loose=True
    ),
    _monitoring(
        "sentry",
        r"(?:sentry[:\s|–—-]+)?(?P<state>new|regression|reopened|resolved) (?:issue|alert|error)"
        r"(?:\s+(?:in|from)\s+\S+)?(?:\s+in \w+)?\s*:\s*(?P<name>.+)",
        is_loose=True,
    ),
    _monitoring(
        "sentry",
        r"(?-i:(?P<name>[A-Z][A-Z0-9-]+-[0-9A-Z]{1,5}:? [A-Z]\w+(?:Error|Exception)): .*)",
        "firing",
    ),
    # Statuspage
    _monitoring(
        "statuspage",
        r"\[?(?P<state>investigating|identified|monitoring|resolved|update|scheduled|completed)\]?\s+[–—-]\s+"
        r"(?P<name>.+)",
        is_loose=True,
    ),
    # Builds, deployments, releases
    _ci(
        "pipeline",
        rf"(?:ci )?(?P<name>.*?\bpipeline:? #?\d+\b.*?\b(?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _ci(
        "pipeline",
        rf"(?P<name>(?:пайплайн|конвеєр|збірка|білд) #?\d+\b.*?\b(?P<state>{_ENDS}).*)",
        is_loose=True,
    ),
    _ci(
        "build",
        rf"(?P<name>.*?\b(?:build|job|run|workflow) #\d+\b.*?\b(?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _ci(
        "build",
        rf"(?P<name>[\w./» -]+ #\d+ (?:\([^)]*\) |[–—-] )(?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _ci("jenkins", rf"(?P<state>{_ENDS}): job ['\"](?P<name>[^'\"]+)['\"].*"),
    _ci("jenkins", r"build (?P<state>failed|fixed|unstable) in jenkins:\s*(?P<name>.+)"),
    _ci("github", r"\[[\w.-]+/[\w.-]+\]\s+(?P<name>.+)", is_loose=True),
    _ci("github", rf"(?:workflow )?run (?P<state>{_ENDS}):\s*(?P<name>.+)", is_loose=True),
    _ci(
        "github",
        rf"workflow [\"“'](?P<name>[^\"”']+)[\"”'] (?P<state>{_ENDS})\b.*",
        is_loose=True,
    ),
    _ci("circleci", rf"(?P<state>{_ENDS}): \S+ workflow (?P<name>\(.+)"),
    _monitoring(
        "argocd",
        r"argo ?cd:\s*(?:app|application) [\"“']?(?P<name>[\w.-]+)[\"”']?\s+(?:is|has|health)\s+"
        r"(?:now )?(?P<state>degraded|healthy|missing|unknown)\b",
    ),
    _monitoring(
        "argocd",
        r"(?:app|application) [\"“']?(?P<name>[\w.-]+)[\"”']?\s+(?:is|has|health)\s+"
        r"(?:now )?(?P<state>degraded|healthy|missing|unknown)\b",
        is_loose=True,
    ),
    _ci(
        "argocd",
        r"(?:argo ?cd[:\s]+)?(?:app|application) [\"“']?(?P<name>[\w.-]+[\"”']?:? sync(?: status| operation)?.*?"
        r"(?P<state>succeeded|failed|outofsync|synced|running|error).*)",
        is_loose=True,
    ),
    _ci(
        "vercel",
        rf"(?P<name>(?:preview |production )?deployment (?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _ci(
        "deploy",
        rf"(?P<name>(?:deploy(?:ment)?|release|rollout|деплой|реліз)\b[: ](?=.*(?:#\d|\d\.\d|→|->)).*?"
        rf"\b(?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _ci(
        "deploy",
        r"(?P<name>(?:deploy(?:ment)?|release|деплой|реліз)\b.*(?:#\d+|\d+\.\d+).*(?:→|->).+)",
        "notice",
        is_loose=True,
    ),
    _ci(
        "deploy",
        r"(?P<name>[\w./-]+ v?\d+(?:\.\d+)+\S* (?:→|->) \w+.*?\b(?P<state>failed|помилка)\b.*)",
        is_loose=True,
    ),
    _ci(
        "deploy",
        r"(?P<name>[\w./-]+ v?\d+(?:\.\d+)+\S* (?:→|->) \w+.*)",
        "notice",
        is_loose=True,
    ),
    _ci("deploy", r"(?P<name>[\w./-]+ rolled back to v?\d.*)", "notice", is_loose=True),
    # Dependencies
    _ci("dependabot", r"(?:build|chore)\(deps[\w-]*\)!?:\s*(?P<name>.+)", "notice"),
    _ci("dependabot", r"(?:\[security\]\s*)?(?P<name>bump \S+ from v?\d\S* to v?\d.*)", "notice"),
    _ci(
        "dependabot",
        r"\[?(?:dependabot|renovate)(?: alert| bot)?\b\]?[:\s–—|-]+(?P<name>.+)",
        "notice",
        is_loose=True,
    ),
    # Whatever else names its tool or its state first
    _ci(
        "build",
        rf"\[?(?:{_BUILDERS})\]?\s*[:|–—-]\s*(?P<name>.*?\b(?P<state>{_ENDS})\b.*)",
        is_loose=True,
    ),
    _monitoring("alert", rf"\[(?P<state>{_STATES})\]:?\s*(?P<name>.+)", is_loose=True),
    _monitoring(
        "alert",
        r"(?:test |тестовий )?(?P<state>firing|alert|alarm|problem|critical|recovery|алерт)\b(?::|\s[–—|-])\s*(?P<name>.+)",
        is_loose=True,
    ),
    _monitoring("alert", r"(?P<state>firing|resolved|recovery)\s+(?P<name>.+)", is_loose=True),
)
_SHOUTED_END = re.compile(r"\b(?:DOWN|UP|CRITICAL)\b")
_PREFIX = re.compile(rf"\[?(?P<tool>{_TOOLS})\]?\s*[:|–—-]?\s+(?P<rest>.+)", re.IGNORECASE)
_LABELLED_NAME = re.compile(r"^[\s•*-]*alertname\s?[:=]\s?[\"']?([\w .-]+)", re.MULTILINE)
_SIGNED_BY_SENTRY = re.compile(rf"^[^\w\n]*via sentry\s*\|\s*(?P<id>{_SHORT_ID})\W*\Z", re.M | re.I)
_EXCEPTION_FIRST = re.compile(rf"{_EXCEPTION}(?::|\Z)")
_SENTRY_STATE_LINE = re.compile(r"^[^\w\n]*state[^\w\n]*\s(?P<state>\w+)", re.M | re.I)
_HEADER = re.compile(rf"(?:{_TOOLS}|{_BUILDERS})\b[\w ]{{0,20}}:?$", re.IGNORECASE)
#: What people do not write by the way: a label, a host, a compound name, a share, a limit.
_TECHNICAL = re.compile(
    rf"[a-z_]+=\S|\b{_HOST}|\b[A-Z][a-z0-9]+[A-Z]\w+|\b[a-z0-9]+-[a-z0-9-]+\b|\d\s?%|threshold|\bp9\d\b"
    r"|#\d+|\d\.\d+\.\d+|→"
)
_LABELS = re.compile(
    r"\b(?:severity|instance|env|environment|threshold)\s?=\s?\S"
    r"|^[\s•*-]*(?:host|severity|trigger|problem started|original problem|вузол|важливість|проблема почалася)\b.{0,12}[:=]"
    r"|^[^\w\n]*(?:environment\s?:\s?\S+,?\s+level|level\s?:\s?\S+,?\s+environment)\s?:\s?\S",
    re.MULTILINE | re.IGNORECASE,
)
_LIGHTS = frozenset("🔴🟠🟡🟢🚨🔥✅❌⚠🚀⏪💥🔔🧪💚❗‼🆘🔕🐞🛑⛔📉")
_FAILED = re.compile(r"fail|error|broken|timed out|впа|провал|помил|не пройш", re.IGNORECASE)
_DEPLOYMENT = re.compile(r"deploy|rollout|деплой", re.IGNORECASE)
_DEPLOYING_TOOLS = frozenset({"deploy", "argocd", "vercel"})


def read_line(text: str, *, is_from_bot: bool) -> Line | None:
    """The first format that the text begins with."""
    text = text.lstrip()
    is_lit = text[:1] in _LIGHTS
    first, _, rest = _undecorated(text).partition("\n")
    if rest and _HEADER.match(first.strip(" *_`")):
        first, _, rest = _undecorated(rest).partition("\n")
    first = first.strip(" *_`")
    if not first or (not is_from_bot and first.endswith("?")):
        return None
    signed = _signed_by_sentry(first, rest, is_from_bot=is_from_bot)
    if signed is not None:
        return signed
    is_trusted = is_from_bot or _looks_made(first, rest, is_lit=is_lit)
    named = _PREFIX.match(first)
    if named is not None:
        inner = _match(_undecorated(named.group("rest")), rest, is_trusted=is_trusted)
        if inner is not None:
            return inner._replace(tool=named.group("tool").casefold().replace(" ", ""))
    return _match(first, rest, is_trusted=is_trusted)


def _signed_by_sentry(first: str, rest: str, *, is_from_bot: bool) -> Line | None:
    """What went wrong, lines about it, and last "via Sentry | SMACHNO-API-7K"."""
    signature = _SIGNED_BY_SENTRY.search(rest)
    if signature is None or not (is_from_bot or _EXCEPTION_FIRST.match(first)):
        return None
    told = _SENTRY_STATE_LINE.search(rest)
    word = told["state"].casefold() if told else "new"
    state = "resolved" if word in _RESOLVED else "firing" if word in _FIRING else "notice"
    return Line("monitoring", "sentry", state, f"{signature['id']} {first}")


def _match(first: str, rest: str, *, is_trusted: bool) -> Line | None:
    for known in _FORMATS:
        if known.is_loose and not is_trusted:
            continue
        found = known.pattern.match(first)
        if found is None:
            continue
        groups = found.groupdict()
        word = (groups.get("state") or "").casefold()
        name = (groups.get("name") or "").strip() or _labelled_name(rest)
        if name:
            state = _state(known, word, name)
            return Line(known.kind, known.tool, state, name, _LEVELS.get(word, ""), word in _OUTAGE)
    return None


def _labelled_name(rest: str) -> str:
    found = _LABELLED_NAME.search(rest)
    return found.group(1).strip() if found else ""


def _state(known: _Format, word: str, name: str) -> str:
    if known.state:
        return known.state
    if known.kind == "ci":
        is_deployment = known.tool in _DEPLOYING_TOOLS or _DEPLOYMENT.search(name)
        return "firing" if is_deployment and _FAILED.search(word) else "notice"
    if word in _RESOLVED:
        return "resolved"
    return "firing" if word.replace(" ", "-") in _FIRING else "notice"


def _looks_made(first: str, rest: str, *, is_lit: bool) -> bool:
    """Whether a person's text was made by software: its mark, and something technical besides."""
    word = re.match(r"\w*", first)
    is_marked = is_lit or first.startswith("[") or (word is not None and _is_shouted(word.group()))
    if _LABELS.search(f"{first}\n{rest}"):
        return True
    return bool((is_marked or _SHOUTED_END.search(first)) and _TECHNICAL.search(first))


def _is_shouted(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _undecorated(text: str) -> str:
    """Without the lights, stars and spaces in front; a quotation mark stays."""
    for at, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind not in ("So", "Sk", "Mn", "Me", "Cf", "Zs", "Cc") and character not in "*_`‼!❗":
            return text[at:]
    return ""
