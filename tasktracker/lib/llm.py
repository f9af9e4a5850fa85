"""The door to language models: pydantic-ai, Ollama first, then the cloud where it is allowed.

An empty, invalid or late answer is a failure and goes to the next model of the chain. No SDK retries,
one output retry, a time-out for everything. Nothing here knows what the question is about.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from pydantic import BaseModel

from tasktracker.lib import loop

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model

logger = logging.getLogger(__name__)

Output = TypeVar("Output", bound=BaseModel)

MAX_TOKENS = 600  # of an answer


class Unavailable(Exception):
    """No model of the chain gave a valid answer in time."""


@dataclass(frozen=True)
class Answer:
    output: Any  # an instance of the asked-for model
    model: str
    tokens: int


def is_available(*, cloud: bool) -> bool:
    """Whether any model is configured; says nothing about whether it answers."""
    return bool(_chain(cloud=cloud))


def ask(output: type[Output], *, instructions: str, prompt: str, cloud: bool) -> Answer:
    """A validated answer of the first model that gives one; raises Unavailable."""
    try:
        return loop.run(_ask(output, instructions, prompt, cloud), timeout=settings.LLM_TIMEOUT + 5)
    except TimeoutError as error:
        raise Unavailable("no model answered in time") from error


def _chain(*, cloud: bool) -> list[tuple[str, str]]:
    chain: list[tuple[str, str]] = []
    if settings.OLLAMA_URL:
        chain += [("ollama", name) for name in settings.OLLAMA_MODELS]
    if cloud and settings.OPENAI_API_KEY:
        chain.append(("openai", settings.OPENAI_MODEL))
    return chain


async def _ask(output: type[Output], instructions: str, prompt: str, cloud: bool) -> Answer:
    from pydantic_ai.exceptions import AgentRunError, UserError

    chain = _chain(cloud=cloud)
    if not chain:
        raise Unavailable("no model is configured")
    failures = []
    deadline = asyncio.get_running_loop().time() + settings.LLM_TIMEOUT
    for kind, name in chain:
        try:
            async with asyncio.timeout_at(deadline):
                return await _ask_one(kind, name, output, instructions, prompt)
        except (AgentRunError, UserError, TimeoutError, OSError) as error:
            failures.append(f"{name}: {type(error).__name__}")
            # Only the kind of trouble: the message may quote the chat.
            logger.warning("model %s failed: %s", name, type(error).__name__)
    raise Unavailable("; ".join(failures))


async def _ask_one(
    kind: str, name: str, output: type[Output], instructions: str, prompt: str
) -> Answer:
    from openai import AsyncOpenAI
    from pydantic_ai import Agent, NativeOutput

    is_local = kind == "ollama"
    # A client of our own: the SDK's would try three times and wait ten minutes.
    async with AsyncOpenAI(
        base_url=f"{settings.OLLAMA_URL.rstrip('/')}/v1" if is_local else settings.OPENAI_BASE_URL,
        api_key="ollama" if is_local else settings.OPENAI_API_KEY,
        max_retries=0,
        timeout=settings.LLM_TIMEOUT,
    ) as client:
        agent = Agent(
            _ollama(name, client) if is_local else _openai(name, client),
            output_type=NativeOutput(output),
            instructions=instructions,
            retries={"output": 1},
            model_settings={"max_tokens": MAX_TOKENS, "temperature": 0.0},
        )
        result = await agent.run(prompt)
    return Answer(result.output, name, result.usage.total_tokens or 0)


def _ollama(name: str, client: "AsyncOpenAI") -> "Model":
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.profiles import merge_profile
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(openai_client=client)
    # Ollama knows `max_tokens` only; without a limit a model can go on forever (ollama#2805).
    older_field = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    profile = merge_profile(provider.model_profile(name), older_field)
    return OllamaModel(name, provider=provider, profile=profile)


def _openai(name: str, client: "AsyncOpenAI") -> "Model":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
