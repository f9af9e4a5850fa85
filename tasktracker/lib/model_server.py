"""Ollama's own side door: which models it has, pull one, load one. Questions go through `tasktracker.lib.llm`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings

QUICK = 5.0  # seconds for what needs no model
LOADING = 300.0  # seconds for a large model from a slow disk


class NoServer(Exception):
    """The server gives no answer; the sentence says what it was."""


class NoModel(Exception):
    """The server answers, and cannot do this with this model; in its own words."""


class Installed(NamedTuple):
    name: str
    size: int  # bytes
    parameters: str  # as in 14.8B


class Progress(NamedTuple):
    status: str
    done: int
    total: int


def version() -> str:
    """The server's, by which a person knows that it is the right one."""
    with _server(QUICK) as client:
        response = client._client.get("/api/version")  # noqa: SLF001 - the package has no call for it
        return str(response.json()["version"])


def installed() -> list[Installed]:
    with _server(QUICK) as client:
        models = client.list().models
    return [
        Installed(
            str(one.model),
            int(one.size or 0),
            str((one.details and one.details.parameter_size) or ""),
        )
        for one in models
    ]


def is_installed(name: str, among: list[Installed]) -> bool:
    """Ollama calls a model without a tag `latest`."""
    return (name if ":" in name else f"{name}:latest") in {
        one.name if ":" in one.name else f"{one.name}:latest" for one in among
    }


def pull(name: str) -> Iterator[Progress]:
    """Download a model; what is there already is not loaded again."""
    with _server(None) as client:
        for step in client.pull(name, stream=True):
            yield Progress(str(step.status or ""), int(step.completed or 0), int(step.total or 0))


def load(name: str) -> None:
    """Bring the model into memory and keep it there for OLLAMA_KEEP_ALIVE."""
    with _server(LOADING) as client:
        client.generate(model=name, keep_alive=settings.OLLAMA_KEEP_ALIVE or None)


@contextmanager
def _server(timeout: float | None) -> Iterator[Any]:
    """A client for one call; the package's and its HTTP client's errors become ours."""
    from ollama import Client, RequestError, ResponseError

    if not settings.OLLAMA_URL:
        raise NoServer("OLLAMA_URL is empty")
    try:
        with Client(host=str(settings.OLLAMA_URL).removesuffix("/v1"), timeout=timeout) as client:
            yield client
    except (RequestError, ResponseError) as error:
        raise NoModel(error.error) from error
    except Exception as error:
        raise NoServer(f"{settings.OLLAMA_URL}: {type(error).__name__}") from error
