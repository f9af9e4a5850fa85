"""The door to language models: pydantic-ai, Ollama first, then the cloud where it is allowed.

An empty, invalid or late answer is a failure and goes to the next model of the chain. No SDK retries,
one output retry, a time-out for each model and one for all. A model that keeps failing rests
(`tasktracker.lib.circuits`). Nothing here knows what the question is about, or hides what it carries:
chat text comes through `tasktracker.lib.chat_text`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.conf import settings
from pydantic import BaseModel

from tasktracker.lib import circuits, loop, tracing

if TYPE_CHECKING:
    import ssl

    import httpx2
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model as PydanticModel
    from pydantic_ai.models.openai import OpenAIChatModelSettings
    from pydantic_ai.usage import RunUsage

logger = logging.getLogger(__name__)

Output = TypeVar("Output", bound=BaseModel)

MAX_TOKENS = 600  # of an answer
MAX_BYTES = 512 * 1024  # of a response: a server that never ends must not fill the memory
REMIND_EVERY = 60.0  # seconds between two reminders to keep a model loaded
SOON = 30.0  # seconds after which it is worth asking again, when no circuit says more


class Unavailable(Exception):
    """No model of the chain gave a valid answer in time; it is worth asking again after `retry_after`."""

    def __init__(self, reason: str, *, retry_after: float = SOON) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Nonsense(Unavailable):
    """Every model answered and none validly: the same question would get the same again."""


class Model(NamedTuple):
    """One link of the chain."""

    name: str
    is_local: bool


@dataclass(frozen=True)
class Answer:
    output: Any  # an instance of the asked-for model
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float  # estimated; 0 for a local model
    latency_ms: float  # of this model, with its output retry
    raw: str  # as the model wrote it

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def is_available(*, cloud: bool) -> bool:
    """Whether any model is configured; says nothing about whether it answers."""
    return bool(chain(cloud=cloud))


def chain(*, cloud: bool) -> list[Model]:
    """The models in the order in which they are asked."""
    models = []
    if settings.OLLAMA_URL:
        models += [Model(name, is_local=True) for name in settings.OLLAMA_MODELS]
    if cloud and settings.OPENAI_API_KEY:
        models.append(Model(settings.OPENAI_MODEL, is_local=False))
    return models


def ask(
    output: type[Output],
    *,
    instructions: str,
    prompt: str,
    cloud: bool,
    max_tokens: int = MAX_TOKENS,
) -> Answer:
    """A validated answer of the first model that gives one; raises Unavailable."""
    question = _Question(output, instructions, prompt, max_tokens)
    models = chain(cloud=cloud)
    if not models:
        raise Unavailable("no model is configured")
    rested = _those_that_rested(models)
    _load()
    deadline = time.monotonic() + settings.LLM_TIMEOUT
    failures: list[_Failure] = []
    for number, model in enumerate(rested):
        left = deadline - time.monotonic()
        if left <= 0 or not circuits.may_ask(model.name):
            failures.append(_Failure(f"{model.name}: not asked", 0))
            continue
        seconds = min(left, settings.LLM_TIMEOUTS.get(model.name, left / (len(rested) - number)))
        result = _try(model, question, seconds)
        if isinstance(result, Answer):
            return result
        failures.append(result)
    reason = "; ".join(failure.reason for failure in failures)
    if all(failure.points == circuits.NONSENSE for failure in failures):
        raise Nonsense(reason)
    raise Unavailable(reason, retry_after=_worth_asking_after(models))


def ask_one(
    model: Model, output: type[Output], *, instructions: str, prompt: str, seconds: float
) -> Answer:
    """This model's answer, whatever its circuit says; raises Unavailable. For checks by people."""
    _load()
    result = _try(model, _Question(output, instructions, prompt, MAX_TOKENS), seconds)
    if isinstance(result, Answer):
        return result
    raise Unavailable(result.reason)


class _Question(NamedTuple):
    output: type[BaseModel]
    instructions: str
    prompt: str
    max_tokens: int


class _Failure(NamedTuple):
    reason: str  # only the kind of trouble: the message may quote the chat
    points: int
    rest: float | None = None


def _those_that_rested(models: list[Model]) -> list[Model]:
    states = circuits.states([model.name for model in models])
    ready = [model for model, state in zip(models, states, strict=True) if state.state != "open"]
    if not ready:
        raise Unavailable("every model rests", retry_after=min(state.rests_for for state in states))
    return ready


def _worth_asking_after(models: list[Model]) -> float:
    """Seconds until some model may be asked."""
    states = circuits.states([model.name for model in models])
    if any(state.state != "open" for state in states):
        return SOON
    return min(state.rests_for for state in states)


def _try(model: Model, question: _Question, seconds: float) -> Answer | _Failure:
    """Ask one model and remember in its circuit how it went."""
    started = time.monotonic()
    try:
        answer = _run(_ask(model, question, seconds), seconds)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with a model, the next one is asked
        failure = _failure_of(model, error)
        circuits.failed(model.name, failure.reason, points=failure.points, rest=failure.rest)
        logger.warning("no answer after %.1f s of %s", time.monotonic() - started, failure.reason)
        return failure
    circuits.succeeded(model.name)
    return answer


def _load() -> None:
    """Import the SDK on this thread: it takes seconds, which are neither the model's nor the loop's."""
    import genai_prices  # noqa: F401
    import httpx2  # noqa: F401
    import pydantic_ai.models.ollama  # noqa: F401

    _trust()


def _run(question: Coroutine[Any, Any, Answer], seconds: float) -> Answer:
    # The coroutine ends itself in time; the second limit is for a loop that does not turn.
    return loop.run(question, timeout=seconds + 2)


def _failure_of(model: Model, error: Exception) -> _Failure:
    from pydantic_ai.exceptions import ModelHTTPError, UnexpectedModelBehavior, UserError

    if isinstance(error, ModelHTTPError):
        reason = f"{model.name}: HTTP {error.status_code}"
        if error.status_code == 429:
            return _Failure(reason, circuits.FULL, _retry_after(error))
        if error.status_code in {401, 403, 404}:  # no such model, or no right to it
            return _Failure(reason, circuits.FULL, circuits.FIRST_REST)
        is_ours = error.status_code in {400, 413, 422}
        return _Failure(reason, circuits.NONSENSE if is_ours else circuits.TROUBLE)
    reason = f"{model.name}: {type(error).__name__}"
    if isinstance(error, UnexpectedModelBehavior):
        return _Failure(reason, circuits.NONSENSE)
    if isinstance(error, UserError):  # this kind of model cannot be asked like this
        return _Failure(reason, circuits.FULL, circuits.LONGEST_REST)
    return _Failure(reason, circuits.TROUBLE)


def _retry_after(error: Exception) -> float:
    """Seconds that the server asked for."""
    response = getattr(error.__cause__, "response", None)
    with suppress(AttributeError, TypeError, ValueError):
        return max(1.0, float(response.headers["Retry-After"]))  # type: ignore[union-attr]
    return circuits.FIRST_REST


async def _ask(model: Model, question: _Question, seconds: float) -> Answer:
    from pydantic_ai import Agent, NativeOutput

    started = time.perf_counter()
    async with _client(model, seconds) as (http, client):
        agent = Agent(
            _ollama(model.name, client) if model.is_local else _openai(model.name, client),
            output_type=NativeOutput(question.output),
            instructions=question.instructions,
            retries={"output": 1},
            model_settings=_settings_of(model, question),
            capabilities=tracing.capabilities(),
        )
        async with asyncio.timeout(seconds):
            result = await agent.run(question.prompt)
        latency_ms = (time.perf_counter() - started) * 1000
        if model.is_local:
            await _keep_loaded(model.name, http)
    return Answer(
        output=result.output,
        model=model.name,
        input_tokens=result.usage.input_tokens,
        output_tokens=result.usage.output_tokens,
        cost_usd=0.0 if model.is_local else _price(model.name, result.usage),
        latency_ms=latency_ms,
        raw=result.response.text or "",
    )


def _settings_of(model: Model, question: _Question) -> "OpenAIChatModelSettings":
    chosen: OpenAIChatModelSettings = {"max_tokens": question.max_tokens, "temperature": 0.0}
    if model.is_local:
        # The one switch of thinking that Ollama's /v1 reads (ollama#14820); models without it ignore it.
        chosen["openai_reasoning_effort"] = "none"
    return chosen


@asynccontextmanager
async def _client(
    model: Model, seconds: float
) -> "AsyncIterator[tuple[httpx2.AsyncClient, AsyncOpenAI]]":
    """A client of our own: the SDK's would try three times, wait ten minutes and read without end."""
    import httpx2
    from openai import AsyncOpenAI

    hooks = {"response": [_bound]}
    async with httpx2.AsyncClient(timeout=seconds, event_hooks=hooks, verify=_trust()) as http:
        yield (
            http,
            AsyncOpenAI(
                base_url=f"{_ollama_url()}/v1" if model.is_local else settings.OPENAI_BASE_URL,
                api_key="ollama" if model.is_local else settings.OPENAI_API_KEY,
                max_retries=0,
                timeout=seconds,
                http_client=http,
            ),
        )


@cache
def _trust() -> "ssl.SSLContext":
    """Made once: reading the certificates takes longer than all the rest of a client."""
    import httpx2

    return httpx2.create_ssl_context()


async def _bound(response: "httpx2.Response") -> None:
    """Let a response be read up to MAX_BYTES."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in whole:
                size += len(piece)
                if size > MAX_BYTES:
                    raise httpx2.ReadError("the answer is too long")
                yield piece

        async def aclose(self) -> None:
            await whole.aclose()

    whole: Any = response.stream
    response.stream = Bounded()


_reminded_at: dict[str, float] = {}


async def _keep_loaded(name: str, http: "httpx2.AsyncClient") -> None:
    """Tell Ollama for how long: /v1 has no keep_alive, and what /api/generate says holds for it too."""
    now = time.monotonic()
    if not settings.OLLAMA_KEEP_ALIVE or now - _reminded_at.get(name, -REMIND_EVERY) < REMIND_EVERY:
        return
    _reminded_at[name] = now
    with suppress(Exception):  # the answer is here already; a model that unloads is only slower
        async with asyncio.timeout(1.0):
            await http.post(
                f"{_ollama_url()}/api/generate",
                json={"model": name, "keep_alive": settings.OLLAMA_KEEP_ALIVE},
            )


def _ollama_url() -> str:
    return str(settings.OLLAMA_URL).rstrip("/").removesuffix("/v1")


def _price(name: str, usage: "RunUsage") -> float:
    """Estimated from public list prices; 0 for a model that has none."""
    from genai_prices import Usage, calc_price

    tokens = Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    try:
        return float(calc_price(tokens, model_ref=name, provider_id="openai").total_price)
    except LookupError:
        return 0.0


def _ollama(name: str, client: "AsyncOpenAI") -> "PydanticModel":
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.profiles import merge_profile
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(openai_client=client)
    # Ollama knows `max_tokens` only; without a limit a model can go on forever (ollama#2805).
    older_field = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    profile = merge_profile(provider.model_profile(name), older_field)
    return OllamaModel(name, provider=provider, profile=profile)


def _openai(name: str, client: "AsyncOpenAI") -> "PydanticModel":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
