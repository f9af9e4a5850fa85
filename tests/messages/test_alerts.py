"""Lines of monitoring and build bots are read by their format; what people write is not."""

import time

import pytest

from apps.messages.classifiers.alerts import read_alert, verdict_of

BUGS = [
    ("[FIRING:1] CardDeclineRateHigh (critical)\ncluster: prod-eu\ndecline_rate: 0.61", "critical"),
    ("[FIRING:3] KafkaConsumerLag (prod) group=orders lag=18422 severity=warning", "medium"),
    ("[FIRING:1] Висока затримка api (прод) severity=critical", "critical"),
    ("🔴 [FIRING] HighErrorRate checkout-prod: 5xx 41% over 5m (threshold 5%)", "critical"),
    ("[FIRING:1] PostgresReplicationBroken instance=pg-2 severity=critical", "critical"),
    ("[FIRING:2] QueueNotDraining queue=mail", "medium"),
    (
        "**Firing**\n\nLabels:\n - alertname = DiskFull\n - env = production\n - severity = high",
        "high",
    ),
    ("[Alerting] Checkout p95 latency (production)", "high"),
    ("Grafana: [Alerting] Payments error rate env=prod", "high"),
    ("FIRING severity=page pg-main-0 disk 100%", "critical"),
    ("PROBLEM: web-3 CPU load 97%\nHost: web-3\nSeverity: High", "high"),
    (
        "Problem: High memory on db-1\nProblem started at 04:12:11\nHost: db-1\nSeverity: Average",
        "medium",
    ),
    ("Проблема: Немає місця на /var\nВузол: db-prod-1\nВажливість: Критична", "critical"),
    ("** PROBLEM Service Alert: web1/HTTP is CRITICAL **", "critical"),
    ("PROBLEM Host Alert: mail-2 is DOWN", "critical"),
    ("[#4821] Triggered: orders-api 5xx above 10%", "medium"),
    ("Triggered #982: Latency SLO burn on checkout (prod)", "high"),
    ("[Opsgenie] Alert created: #42 [P1] payments-api unreachable", "critical"),
    ("Monitor is DOWN: Крамниця (https://kramnytsia.example) - Reason: HTTP 502", "critical"),
    ("[Checkout] [🔴 Down] timeout of 48000ms exceeded", "critical"),
    ("🚨 New incident: shop.example — Status 503", "critical"),
    ('The check "nightly-backup" is DOWN (last ping was 26 hours ago).', "critical"),
    ("🔴 DOWN https://cabinet.example/login (HTTP 504)", "critical"),
    ("[Triggered] [P2] Error rate is high on checkout-api", "high"),
    ("[Triggered on {env:prod}] Redis memory above 95%", "high"),
    ('ALARM: "prod-rds-connections" in EU (Frankfurt)', "high"),
    ("[Sentry] [billing] TypeError: Cannot read properties of undefined", "medium"),
    (
        "Sentry: New issue in billing: KeyError 'tariff'\nenvironment=production level=fatal",
        "critical",
    ),
    ("[ALERT] fx-feed: last_update_age=21840s threshold=600s severity=P2", "high"),
    ("ArgoCD: Application payments-prod is Degraded", "high"),
    ("❌ Pipeline #4411 failed · deploy:production · kadro-web", "high"),
    ("❌ deploy payments #77 → production failed (timeout)", "high"),
    ("🔴 Деплой 4.12.1 → прод: помилка міграції", "high"),
]
INFORMATION = [
    "[RESOLVED] CardDeclineRateHigh (critical)\ncluster: prod-eu",
    "[FIRING:1] LedgerSyncLag (warning)\ninstance: ledger-sync-0\nlag_seconds: 34",
    "[FIRING:1] PodCrashLooping (staging) severity=critical",
    "🟡 [FIRING] DiskUsage stage-db: 81% (threshold 80%)",
    "[FIRING:3] UnderReplicated (prod) severity=warning — silenced until 23:30",
    "[OK] Checkout p95 latency (production)",
    "✅ Resolved in 3m 20s: High CPU utilization on web-1",
    "RECOVERY Service Alert: web1/HTTP is OK",
    "Resolved #982: Latency SLO burn on checkout (prod)",
    "Monitor is UP: Крамниця (https://kramnytsia.example)",
    "[Checkout] [✅ Up] 200 - OK",
    "🟢 UP https://cabinet.example/login (down 10m 41s)",
    "🔴 03:14 portal.example timeout 10s → 🟢 03:16 recovered (2m 03s)",
    "🧪 test alert: disk web2 81% (threshold 80%), please ignore",
    'OK: "prod-rds-connections" in EU (Frankfurt)',
    "[Recovered] [P2] Error rate is high on checkout-api",
    "✅ ios-app #5121 (release/3.21) passed in 18m 04s",
    "❌ Pipeline #48213 failed · payroll · branch feature/KAD-2211 · stage: lint",
    "✅ Pipeline #48290 passed · deploy:production · kadro-web 4.18.2",
    "🟡 CI nyt-api: pipeline #1893 failed (phpunit: 1 failure) on feature/x",
    "FAILURE: Job 'mobile-nightly [34]' (https://ci.example/job/34)",
    "Build failed in Jenkins: mobile-nightly #34",
    "🚀 payments 4.12.0 → prod (100%)",
    "⏪ payments rolled back to 4.11.6 by t.dmytriv",
    "❌ Deployment failed: web #311 (Preview)",
    "Success: olena's workflow (build) in nyt/api (main)",
    "[nyt/api] Pull request opened: #12 Add search",
    "build(deps): bump lodash from 4.17.20 to 4.17.21",
    "Bump django from 5.2.18 to 5.2.19",
    "Вирішено за 4хв 10с: Немає місця на /var",
]
PEOPLE = [
    "чого це [FIRING] знову?",
    "[FIRING] знову? хто дивиться?",
    "хто бачив [FIRING:1] CardDeclineRateHigh у каналі",
    "> [FIRING:1] CardDeclineRateHigh (critical)\nхтось розбирається?",
    "Problem: customers cannot log in since the morning",
    "Проблема: у клієнтів не відкривається кабінет",
    "PROBLEM: оплата знову не працює",
    "DOWN again??",
    "прод лежить, клієнти дзвонять",
    "is api.example.com down for everybody or only for me",
    "api.example.com is down again, looking",
    "order #4521 failed at checkout",
    "ticket #45 fixed, please retest",
    "Alert: завтра о 10 пожежна тривога в офісі",
    "[ALERT] колеги, завтра корпоратив",
    "Sentry показує ту саму помилку, гляну після обіду",
    "Grafana: дашборд по оплатах не відкривається",
    "Resolved: it was my VPN",
    "Investigating - will report back in ten minutes",
    "checkout/payment is down for Visa cards",
    "деплой 4.12 на стейдж впав, допоможіть",
    "Deployed risk-engine 2.31.0 to 10% of traffic",
    "deploy to production failed again, can somebody look",
    "ок, дякую",
    "Critical: the invoice shows the wrong total",
    "JIRA-1432 Error when a client pays twice",
    "pipeline for leads: 12 new this week",
    "деплой 3.1 -> прод лежить",
    "release 4.2 broke the login -> users cannot log in",
    "nginx 1.25 -> 502 on all requests",
    "checkout rolled back to 4.2 and payments still fail",
    "[billing/api] payments fail with 500 for everybody",
    "build #42 failed because the database is gone, please help",
    "pipeline 455 failed, and the log shows our password",
    "білд 512 впав на старті в усіх користувачів",
    "failed: the checkout workflow shows an empty page",
    "workflow 'checkout' failed for our biggest client",
    "#482 resolved but users still see an empty page",
    "resolved #482 but it is back",
    "Incident resolved, yet nobody can pay",
    'OK: the "paid" button does nothing',
    "Monitor is up but stays black",
    "app checkout is missing the pay button",
    "app mobile sync failed for all users, data is lost",
    "",
]


@pytest.mark.parametrize(("text", "priority"), BUGS)
def test_alert_that_somebody_must_look_at_is_a_bug_with_its_severity(text, priority):
    alert = read_alert(text)

    assert alert is not None
    assert (alert.category, alert.priority) == ("bug", priority)


@pytest.mark.parametrize("text", INFORMATION)
def test_resolved_quiet_and_build_lines_are_information(text):
    alert = read_alert(text)

    assert alert is not None
    assert (alert.category, alert.priority) == ("info", "low")


@pytest.mark.parametrize("text", PEOPLE)
def test_what_a_person_writes_about_alerts_is_no_alert(text):
    assert read_alert(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Problem: Free disk space is less than 10%",
        "Alert: нічний бекап не завершився",
        "Investigating - Elevated errors on uploads",
        "Resolved: Checkout latency",
        "Збірка #1187 впала: lintDebug (3 помилки)",
        "Pipeline #4512 failed for main",
        "api 4.12.0 → production",
        "[nyt/api] Deployment succeeded",
    ],
)
def test_bot_needs_no_more_than_the_beginning(text):
    assert read_alert(text) is None
    assert read_alert(text, is_from_bot=True) is not None


@pytest.mark.parametrize(
    ("first", "repeat"),
    [
        (
            "[FIRING:1] KafkaLag (prod) group=orders lag=18422 severity=warning",
            "[FIRING:4] KafkaLag (prod) group=orders lag=99310 severity=critical",
        ),
        (
            "🔴 [FIRING] HighErrorRate api-prod: 5xx 94% over 2m (threshold 5%)",
            "🔴 [FIRING] HighErrorRate api-prod: 5xx 88.5% over 12m (threshold 5%)",
        ),
        (
            "[PROBLEM] loki-3: /var/lib/loki used 97% (growth 2.1 GB/h)",
            "[PROBLEM] loki-3: /var/lib/loki used 99% (growth 2.4 GB/h)",
        ),
        (
            "🔴 DOWN https://shop.example/pay (HTTP 504)",
            "🔴 DOWN https://shop.example/pay?x=1 (timeout 10s)",
        ),
        (
            "[FIRING:1] PodDown severity=high pod=api-7d9c8b6f5d-x2x9k at 03:14",
            "[FIRING:1] PodDown severity=high pod=api-7d9c8b6f5d-aaa11 at 04:40",
        ),
        (
            "❌ deploy payments #77 → production failed (2m 05s)",
            "❌ deploy payments #78 → production failed (1m 59s)",
        ),
    ],
)
def test_repeat_has_the_same_key(first, repeat):
    keys = {read_alert(first).key, read_alert(repeat).key}

    assert len(keys) == 1
    assert all(0 < len(key) <= 80 for key in keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[FIRING:1] KafkaLag (prod) group=orders", "[FIRING:1] KafkaLag (prod) group=mail"),
        ("[FIRING:1] KafkaLag (prod) group=orders", "[FIRING:1] KafkaLag (staging) group=orders"),
        ("[FIRING:1] DiskFull instance=db-1", "[FIRING:1] DiskFull instance=db-2"),
        ("🔴 DOWN https://shop.example/pay", "🔴 DOWN https://shop.example/login"),
        ("[PROBLEM] loki-3: disk 97%", "[PROBLEM] loki-3: memory 97%"),
    ],
)
def test_other_alert_has_another_key(one, other):
    assert read_alert(one).key != read_alert(other).key


def test_verdict_is_certain_and_says_what_was_read():
    alert = read_alert("[FIRING:1] DiskFull (prod) severity=critical")
    assert alert is not None

    verdict = verdict_of(alert)

    assert (verdict.category, verdict.priority, verdict.confidence) == ("bug", "critical", 1.0)
    assert verdict.raw["environment"] == "production"
    assert verdict.raw["state"] == "firing"


SENTRY = [
    (
        "TimeoutError: upstream timed out after 3000 ms\nState: New   First Seen: 2 minutes ago\nvia Sentry | SMACHNO-API-7K",
        ("sentry", "firing", "unknown", "bug", "medium"),
    ),
    (
        "ValueError: bad tariff\nState: Regressed\nlevel: fatal environment: production\nvia Sentry | BILLING-2",
        ("sentry", "firing", "production", "bug", "critical"),
    ),
    (
        "TypeError: x is undefined\nState: Resolved\nvia Sentry | SMACHNO-WEB-12",
        ("sentry", "resolved", "unknown", "info", "low"),
    ),
    (
        "Sentry: New Issue SMACHNO-WEB-12 TypeError: x is undefined\nenvironment: production level: error",
        ("sentry", "firing", "production", "bug", "high"),
    ),
    (
        "Sentry: New Issue SMACHNO-WEB-12 Кошик не рахує суму\nenvironment: staging level: error",
        ("sentry", "firing", "staging", "info", "low"),
    ),
]


@pytest.mark.parametrize("is_from_bot", [True, False])
@pytest.mark.parametrize(("text", "read"), SENTRY)
def test_sentry_is_known_by_its_short_id(text, read, is_from_bot):
    alert = read_alert(text, is_from_bot=is_from_bot)

    assert alert is not None
    assert read == (
        alert.tool,
        alert.state,
        alert.environment,
        alert.category,
        alert.priority,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Sentry: new issue у кошику, гляньте",
        "Sentry: New Issue SMACHNO-WEB-12, хто візьме?",
        "Sentry: New Issue SMACHNO-WEB-12 хлопці, гляньте хтось",
        "Прийшло via Sentry | SMACHNO-API-7K",
        "Глянь, знову оплата падає\nvia Sentry | SMACHNO-API-7K",
        "Хто дивився?\nTimeoutError: upstream timed out\nState: New\nvia Sentry | SMACHNO-API-7K",
        "TimeoutError: upstream timed out\nvia Sentry | SMACHNO-API-7K\nхто візьме? горить",
        "TimeoutError: дивіться, хто зламав\nvia Sentry",
    ],
)
def test_a_person_who_writes_about_sentry_is_no_alert(text):
    assert read_alert(text) is None


def test_repeat_by_sentry_has_the_same_key():
    first, second = (
        read_alert(text)
        for text in (
            "TimeoutError: took 3000 ms\nState: New\nvia Sentry | SMACHNO-API-7K",
            "TimeoutError: took 4100 ms\nState: Ongoing\nvia Sentry | SMACHNO-API-7K",
        )
    )
    other = read_alert("TimeoutError: took 3000 ms\nState: New\nvia Sentry | SMACHNO-API-8B")

    assert first is not None
    assert second is not None
    assert other is not None
    assert first.key == second.key != other.key


def test_invisible_characters_do_not_hide_an_alert():
    text = "\u202e\u200b[FIR\u200bING:1] DiskFull (prod)\u200f severity=critical"

    assert read_alert(text).priority == "critical"


def test_alert_named_on_the_line_below_its_tool_is_read():
    assert read_alert("🔔 Grafana Alerts\n[FIRING:1] DiskFull (prod)").title == "DiskFull (prod)"


@pytest.mark.parametrize(
    "text",
    ["[" * 20_000, "build " * 5000, "a-" * 10_000, "x=" * 9000, "deploy 1." * 4000, "# " * 9000],
)
def test_long_nonsense_is_read_in_a_moment(text):
    started = time.perf_counter()
    read_alert(text, is_from_bot=True)

    assert time.perf_counter() - started < 1.0
