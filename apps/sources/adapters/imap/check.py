"""What a mailbox says of its settings, and what a person can do about it."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.sources.adapters.base import Finding
from apps.sources.adapters.imap.connecting import Access
from apps.sources.adapters.imap.mailbox import Mailbox
from tasktracker.lib.workflow import GiveUp

SHOWN = 20  # folders


def check(access: Access, folders: Sequence[str]) -> list[Finding]:
    """See `base.Checker`."""
    with Mailbox(access) as mailbox:
        text = _("%(host)s lets %(user)s in.")
        found = [Finding(text % {"host": access.host, "user": access.username})]
        there = mailbox.folders()
        found += [_folder(mailbox, name, there) for name in folders]
        found.append(_way(mailbox, folders))
    if access.encryption == "none":
        found.append(
            Finding(
                _("Mails and password travel without encryption."),
                _("Choose ssl or starttls, unless the server is on this machine."),
            )
        )
    return found


def _folder(mailbox: Mailbox, name: str, there: list[str]) -> Finding:
    try:
        folder = mailbox.examine(name)
    except GiveUp:
        names = ", ".join(f"“{other}”" for other in there[:SHOWN])
        return Finding(
            _("There is no folder “%(folder)s”.") % {"folder": name},
            _("Write one of these: %(names)s.") % {"names": names},
        )
    text = ngettext(
        "The folder “%(folder)s” has %(count)d mail.",
        "The folder “%(folder)s” has %(count)d mails.",
        folder.count,
    )
    return Finding(text % {"folder": name, "count": folder.count})


def _way(mailbox: Mailbox, folders: Sequence[str]) -> Finding:
    if not mailbox.can_idle:
        return Finding(
            _("The server does not know IDLE, so it is asked for new mails each minute.")
        )
    if len(folders) > 1:
        text = _(
            "The server tells of new mails in “%(folder)s” at once (IDLE); the other folders are looked at each minute."
        )
        return Finding(text % {"folder": folders[0]})
    return Finding(_("The server tells of new mails at once (IDLE)."))
