"""Reads the new mails of some folders for ever: IDLE where the server knows it, else now and then."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from apps.sources.adapters.base import Inbox, Payload
from apps.sources.adapters.imap.connecting import Access
from apps.sources.adapters.imap.mailbox import Folder, Letter, Mailbox

AT_ONCE = 20  # mails
IDLE_FOR = 28 * 60  # seconds at most: servers may log off who waits for longer than 29 minutes
#: The clocks of two machines differ, and a day begins elsewhere at another time.
CLOCKS = timedelta(minutes=10)
A_DAY = timedelta(days=1)

Result = TypeVar("Result")


async def listen(
    access: Access, folders: list[str], inbox: Inbox, *, older_days: int, patience: int
) -> None:
    """Take what is new in each folder, wait for more, and again. See `base.Listener`."""
    thread = _Thread(access)
    try:
        await thread.do(thread.mailbox.open)
        while True:
            for name in folders:
                await _take_new(thread, name, inbox, older_days)
            if not patience:
                return
            if not thread.mailbox.can_idle:
                await asyncio.sleep(patience)
                continue
            # Only the open folder is told of: the first; the others are looked at now and then.
            await thread.do(partial(thread.mailbox.examine, folders[0]))
            await thread.do(partial(thread.mailbox.idle, min(patience, IDLE_FOR)))
    finally:
        await thread.end()


class _Thread:
    """The thread of one connection: its calls come one after another, and it ends when we do."""

    def __init__(self, access: Access) -> None:
        self.mailbox = Mailbox(access)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mailbox")
        self._running: Future[Any] | None = None

    async def do(self, call: Callable[[], Result]) -> Result:
        future = self._executor.submit(call)
        self._running = future
        return await asyncio.wrap_future(future)

    async def end(self) -> None:
        """Also while a call waits for the server, which would otherwise keep us waiting."""
        if self._running is not None and not self._running.done():
            self.mailbox.wake()
        try:
            await self.do(self.mailbox.close)
        finally:
            self._executor.shutdown(wait=False)


async def _take_new(thread: _Thread, name: str, inbox: Inbox, older_days: int) -> None:
    """Everything of a folder that was not taken; the position follows every few mails."""
    position = await inbox.position()
    folder = await thread.do(partial(thread.mailbox.examine, name))
    last_uid, started_at = _mark(position.get(name), folder, older_days)
    since = (started_at - A_DAY - timedelta(days=older_days)).date()
    uids: list[int] = []
    if folder.next_uid > last_uid + 1:
        uids = await thread.do(partial(thread.mailbox.uids_since, last_uid, since))
    for start in range(0, len(uids), AT_ONCE):
        batch = uids[start : start + AT_ONCE]
        letters = await thread.do(partial(thread.mailbox.letters, batch))
        payloads = [_payload(letter, folder, started_at) for letter in letters]
        mark = [folder.validity, batch[-1], started_at.isoformat()]
        await inbox.take(payloads, {**position, name: mark})
    # What lies between is too old, or gone: nobody needs to look at it again.
    last_uid = max([last_uid, folder.next_uid - 1, *uids])
    await inbox.take([], {**position, name: [folder.validity, last_uid, started_at.isoformat()]})


def _mark(saved: Any, folder: Folder, older_days: int) -> tuple[int, datetime]:
    """The last mail that was taken, and when this folder was read for the first time."""
    if saved is None:
        # Who gives us a mailbox of many years wants to know what comes, unless they say otherwise.
        return (0 if older_days else folder.next_uid - 1), datetime.now(UTC)
    validity, last_uid, started_at = saved
    # With another UIDVALIDITY the numbers are others; what was taken before is known by its Message-ID.
    return (last_uid if validity == folder.validity else 0), datetime.fromisoformat(started_at)


def _payload(letter: Letter, folder: Folder, started_at: datetime) -> Payload:
    data = {
        "folder": folder.name,
        "uidvalidity": folder.validity,
        "uid": letter.uid,
        "size": letter.size,
        "stored_at": letter.stored_at.isoformat(),
        "is_history": letter.stored_at < started_at - CLOCKS,
        # Nothing is lost: what is no UTF-8 becomes lone surrogates, and bytes again.
        "mail": letter.content.decode("utf-8", "surrogateescape"),
    }
    return Payload(data, int(hashlib.sha256(letter.content).hexdigest()[:15], 16))
