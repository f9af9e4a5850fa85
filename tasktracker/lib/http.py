"""The door to other systems' HTTP: verified TLS, time-outs, a deadline, short answers, no redirects.

Addresses are typed by people, so none that is private is connected to, unless its host is allowed.
Nothing is repeated here: the errors tell whether a repeat can do harm.
"""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpcore2
import httpx2
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tasktracker.lib.addresses import Address, addresses_of, is_allowed
from tasktracker.lib.addresses import Forbidden as Forbidden  # what `ask` raises

CONNECT = 3.0  # seconds
READ = 8.0  # seconds between two pieces of an answer
DEADLINE = 20.0  # seconds for everything that one door is asked
MAX_BODY = 2 * 1024 * 1024  # bytes


class Unreachable(Exception):
    """The request was surely not sent; a repeat does no harm."""


class NoAnswer(Exception):
    """Sent, at least in part, and not answered: nobody knows whether it was taken."""


class AnswerTooLong(NoAnswer):
    """More than `MAX_BODY`; whoever asks for less may get it."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]  # their names in lower case
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body's value; None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


_taken: ContextVar[list[float] | None] = ContextVar("seconds of answers", default=None)


@contextmanager
def timing() -> Iterator[list[float]]:
    """Seconds of every question that is sent within it, also of one that is not answered."""
    taken: list[float] = []
    token = _taken.set(taken)
    try:
        yield taken
    finally:
        _taken.reset(token)


class Door:
    """One system at one address, for one piece of work: its deadline counts from the first question."""

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str] | None = None, deadline: float = DEADLINE
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = {
            "User-Agent": "TaskTracker",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is packed could unpack to anything
            **(headers or {}),
        }
        self._clock = _Clock(deadline)

    def ask(
        self,
        method: str,
        path: str = "",
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request; raises Unreachable, Forbidden or NoAnswer."""
        url = self._checked(path)
        self._clock.start()
        transport = _Transport(self._clock)
        timeout = httpx2.Timeout(READ, connect=CONNECT)
        began = time.monotonic()
        try:
            with (
                httpx2.Client(transport=transport, timeout=timeout, trust_env=False) as client,
                client.stream(
                    method, url, content=content, headers={**self.headers, **(headers or {})}
                ) as response,
            ):
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    _body(response),
                )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Unreachable(_why_unreachable(url, error)) from error
        except _TooLong as error:
            words = _("The answer of %(host)s is too long for us.")
            raise AnswerTooLong(words % {"host": url.host}) from error
        except httpx2.TimeoutException as error:
            words = _("%(host)s did not answer in time: it is overloaded, or hangs.")
            raise NoAnswer(words % {"host": url.host}) from error
        except httpx2.TransportError as error:
            words = _("%(host)s broke off without a whole answer (%(words)s).")
            raise NoAnswer(words % {"host": url.host, "words": _words(error)}) from error
        finally:
            if (taken := _taken.get()) is not None:
                taken.append(time.monotonic() - began)

    def post(self, path: str = "", *, value: Any) -> Answer:
        """`ask` with a value as JSON."""
        content = json.dumps(value).encode()
        return self.ask("POST", path, content=content, headers={"Content-Type": "application/json"})

    def _checked(self, path: str) -> httpx2.URL:
        try:
            url = httpx2.URL(f"{self.base_url}{path}")
        except httpx2.InvalidURL as error:
            raise Forbidden(_("This is no web address.")) from error
        if url.scheme not in ("https", "http") or not url.host or url.userinfo:
            raise Forbidden(_("This is no web address."))
        if url.scheme == "http" and not is_allowed(url.host):
            raise Forbidden(
                _(
                    "%(host)s is asked without TLS: use https://, or name the host in OUTBOUND_PRIVATE_HOSTS."
                )
                % {"host": url.host}
            )
        return url


class _Clock:
    """Time that is left, for a whole piece of work."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at: float | None = None

    def start(self) -> None:
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._seconds

    def at_most(self, timeout: float | None, error: type[Exception]) -> float:
        """`timeout`, or what is left; raises `error` when that is nothing."""
        left = (self._ends_at or 0.0) - time.monotonic()
        if left <= 0:
            raise error(_("the deadline is over"))
        return left if timeout is None else min(timeout, left)


class _Transport(httpx2.HTTPTransport):
    """Connects only to addresses that were looked at, and never waits past the deadline."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(), max_connections=1, network_backend=_Backend(clock)
        )


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError(_("it has no address"))
        for address in _addresses(host, port):
            seconds = self._clock.at_most(timeout, httpcore2.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, seconds, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._clock)
        raise failure


class _Stream(httpcore2.NetworkStream):
    """A socket whose every wait ends with the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.at_most(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.at_most(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = self._clock.at_most(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are always verified, against the system's or those of SSL_CERT_FILE."""
    return httpx2.create_ssl_context()


def _addresses(host: str, port: int) -> list[Address]:
    try:
        return addresses_of(host, port)
    except OSError as error:
        raise httpcore2.ConnectError(_("there is no such host")) from error


class _TooLong(httpx2.ReadError):
    pass


def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > MAX_BODY:
            raise _TooLong("the answer is too long")
    return bytes(body)


def _why_unreachable(url: httpx2.URL, error: Exception) -> str:
    """What failed before anything was sent, and what a person can do about it."""
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    values = {"host": url.host, "port": port, "words": _words(error)}
    causes = list(_causes(error))
    for kind, sentence in _REMEDIES:
        if any(isinstance(cause, kind) for cause in causes):
            return _(sentence) % values
    return _("%(host)s cannot be reached (%(words)s).") % values


_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (
        socket.gaierror,
        gettext_noop("There is no host %(host)s, or no name server answers: look at the address."),
    ),
    (
        ConnectionRefusedError,
        gettext_noop(
            "Nothing listens on port %(port)s of %(host)s: look at the address, and whether the server runs."
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        gettext_noop(
            "The certificate of %(host)s cannot be trusted (%(words)s): renew it there, or name its authority in "
            "SSL_CERT_FILE."
        ),
    ),
    (
        ssl.SSLError,
        gettext_noop(
            "%(host)s does not speak TLS on port %(port)s (%(words)s): look at the address, and its https://."
        ),
    ),
    (
        TimeoutError,
        gettext_noop(
            "%(host)s does not take connections on port %(port)s: look at the address, the server and firewalls."
        ),
    ),
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _words(error: Exception) -> str:
    """Without what OpenSSL puts around its own: "[SSL: A_CODE] … (_ssl.c:1006)"."""
    return _OPENSSL.sub("", str(error)) or type(error).__name__


_OPENSSL = re.compile(r"^\[[A-Z]+: \w+\] | \(_ssl\.c:\d+\)$")
