"""The door to OpenTelemetry: what an LLM was asked, as traces in Langfuse, when that is configured.

A dead or slow Langfuse costs nothing: spans wait in a bounded queue of a thread of their own, and those
that find no place are dropped. Without LANGFUSE_CONTENT no text leaves, only models, times and tokens.
"""

import atexit
import base64
import logging
import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from pydantic_ai.capabilities import AbstractCapability

logger = logging.getLogger(__name__)

PATH = "/api/public/otel/v1/traces"  # Langfuse's OTLP door; it takes HTTP, not gRPC
SEND_WITHIN = 3.0  # seconds for one batch
FLUSH_WITHIN = 2.0  # seconds at the end of a worker
WAITING = 1000  # spans; more are dropped
#: Attributes that go out without LANGFUSE_CONTENT.
WITHOUT_TEXT = (
    *("gen_ai.operation.", "gen_ai.provider.", "gen_ai.system", "gen_ai.request.", "gen_ai.usage."),
    *("gen_ai.response.model", "gen_ai.response.finish_reasons", "gen_ai.aggregated_usage."),
    *("gen_ai.agent.name", "operation.cost", "model_name", "server.", "error.type"),
)
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def is_configured() -> bool:
    return bool(settings.LANGFUSE_URL)


def missing_packages() -> list[str]:
    """What requirements/langfuse.txt would have installed."""
    return [name for name in NEEDED if not _is_installed(name)]


def provider() -> "TracerProvider | None":
    """This process's provider, made on first use and after each fork; None without Langfuse."""
    if not is_configured():
        return None
    with _Kept.lock:
        if _Kept.owner != os.getpid():
            _Kept.provider, _Kept.owner = _make(), os.getpid()
        return _Kept.provider


def capabilities() -> "list[AbstractCapability[Any]]":
    """What an agent of pydantic-ai needs in order to be traced; nothing without Langfuse."""
    tracer_provider = provider()
    if tracer_provider is None:
        return []
    from pydantic_ai.capabilities import Instrumentation
    from pydantic_ai.models.instrumented import InstrumentationSettings

    chosen = InstrumentationSettings(
        tracer_provider=tracer_provider,
        include_content=settings.LANGFUSE_CONTENT,
        include_model_request_parameters=False,
    )
    return [Instrumentation(settings=chosen)]


def flush() -> None:
    """Send what waits, for a moment at most: OpenTelemetry's own flush has no time limit."""
    waiting = _Kept.provider
    if waiting is None or _Kept.owner != os.getpid():
        return
    sending = threading.Thread(target=waiting.force_flush, name="send-traces", daemon=True)
    sending.start()
    sending.join(FLUSH_WITHIN)


def forget() -> None:
    """End the provider; the next one reads the settings again."""
    with _Kept.lock:
        ended, _Kept.provider, _Kept.owner = _Kept.provider, None, 0
    if ended is not None:
        ended.shutdown()


def check(**_: Any) -> list[checks.CheckMessage]:
    """Django's system check: settings that ask for traces which nobody can send."""
    if not is_configured():
        return []
    if missing := missing_packages():
        return [
            checks.Warning(
                f"LANGFUSE_URL is set, but {', '.join(missing)} cannot be imported: no traces are sent.",
                hint="Install requirements/langfuse.txt, or build the image with REQUIREMENTS=langfuse.",
                id="tasktracker.W001",
            )
        ]
    if not (settings.LANGFUSE_PUBLIC_KEY and settings.LANGFUSE_SECRET_KEY):
        return [
            checks.Warning(
                "LANGFUSE_URL is set without LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY:"
                " Langfuse will refuse the traces.",
                id="tasktracker.W002",
            )
        ]
    return []


class _Kept:
    """One provider per process: its thread does not survive a fork."""

    lock = threading.Lock()
    provider: "TracerProvider | None" = None
    owner = 0


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _make() -> "TracerProvider | None":
    if missing := missing_packages():
        logger.warning("no traces for Langfuse: %s cannot be imported", ", ".join(missing))
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Exporter(OTLPSpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> Any:
            sent = spans if settings.LANGFUSE_CONTENT else [_without_texts(span) for span in spans]
            return super().export(sent)

    keys = f"{settings.LANGFUSE_PUBLIC_KEY}:{settings.LANGFUSE_SECRET_KEY}"
    exporter = Exporter(
        endpoint=settings.LANGFUSE_URL.rstrip("/") + PATH,
        headers={"Authorization": f"Basic {base64.b64encode(keys.encode()).decode()}"},
        timeout=SEND_WITHIN,
    )
    # Its own exit handler would wait for a dead Langfuse.
    made = TracerProvider(
        resource=Resource.create({"service.name": "tasktracker"}), shutdown_on_exit=False
    )
    made.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=WAITING))
    atexit.register(flush)
    return made


def _without_texts(span: "ReadableSpan") -> "ReadableSpan":
    """Models, times and tokens: events and status texts quote what a model wrote when it fails."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status

    attributes = span.attributes or {}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={key: attributes[key] for key in attributes if key.startswith(WITHOUT_TEXT)},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
