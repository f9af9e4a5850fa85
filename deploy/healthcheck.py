"""Whether the process of this container works; ends with 0 or 1, for Docker's HEALTHCHECK.

Asks the web process, which knows every heartbeat. Standard library only: it runs every few seconds in
every container, and loading Django each time would cost more than some of the processes do.

    healthcheck.py web                 the web process answers
    healthcheck.py queue NAME AGE      a beat went through the queue in the last AGE seconds
    healthcheck.py beat AGE            a beat went through any queue, so somebody sends them
    healthcheck.py process NAME AGE    a process that beats by itself did so
"""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 4.0  # seconds


def main(arguments: list[str]) -> str:
    """An empty string when all is well, else what is wrong."""
    try:
        report = ask(os.environ.get("HEALTH_URL", "http://127.0.0.1:8000/api/health"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"the web process does not answer: {type(error).__name__}"
    return judge(report, arguments)


def judge(report: Mapping[str, Any], arguments: list[str]) -> str:
    """What is wrong with the part that the arguments name."""
    checks = report["checks"]
    match arguments:
        case ["web"]:
            return ""  # it answered; what else is sick is not cured by a new web process
        case ["queue", name, longest]:
            facts = checks["workers"].get("queues", {}).get(name, {})
            return too_old(f"queue {name}", [facts.get("age_seconds")], longest)
        case ["beat", longest]:
            queues = checks["workers"].get("queues", {}).values()
            return too_old("every queue", [facts.get("age_seconds") for facts in queues], longest)
        case ["process", name, longest]:
            return too_old(name, [checks.get(name, {}).get("age_seconds")], longest)
    return f"usage: {__doc__}"


def too_old(what: str, ages: list[float | None], longest: str) -> str:
    """The youngest of the ages counts."""
    known = [age for age in ages if age is not None]
    if not known:
        return f"{what}: never a beat"
    return "" if min(known) <= float(longest) else f"{what}: last beat {min(known):.0f} s ago"


def ask(url: str) -> Mapping[str, Any]:
    """The health report, whatever its status; the Host header is one that Django allows."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
    try:
        connection.request("GET", parts.path, headers={"Host": allowed_host()})
        report = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if not isinstance(report, dict) or not isinstance(report.get("checks"), dict):
        raise ValueError("not a health report")
    return report


def allowed_host() -> str:
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return first if first not in {"", "*"} else "localhost"


if __name__ == "__main__":
    problem = main(sys.argv[1:])
    if problem:
        sys.exit(problem)
