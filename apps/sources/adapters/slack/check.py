"""What Slack says of an app's tokens, and what a person can do about it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.sources.adapters.base import Finding
from apps.sources.adapters.slack.library import TROUBLES, WebApi, connected, refusal_of
from tasktracker.lib import loop
from tasktracker.lib.workflow import TryLater

TIMEOUT = 30.0  # seconds; a person waits for it

HISTORY = frozenset({"channels:history", "groups:history"})
NAMES = frozenset({"channels:read", "groups:read", "users:read"})


def check(
    app_token: str, bot_token: str, *, has_secret: bool, workspace_id: str, api_url: str
) -> list[Finding]:
    """See `base.Checker`."""
    try:
        return loop.run(
            _ask(app_token, bot_token, has_secret, workspace_id, api_url), timeout=TIMEOUT
        )
    except TimeoutError as error:
        raise TryLater(_("Slack cannot be reached.")) from error


async def _ask(
    app_token: str, bot_token: str, has_secret: bool, workspace_id: str, api_url: str
) -> list[Finding]:
    async with connected() as session:
        found = []
        if app_token:
            found.append(await _socket(WebApi(app_token, session, api_url)))
        else:
            found.append(_webhook(has_secret))
        if bot_token:
            found += await _bot(WebApi(bot_token, session, api_url), workspace_id)
        else:
            found.append(_nameless())
        return found


async def _socket(app: WebApi) -> Finding:
    try:
        await app.ask("apps.connections.open")
    except TROUBLES as error:
        return Finding(
            str(refusal_of(error)),
            _(
                "At api.slack.com/apps, switch on Socket Mode, and make an app-level token with the "
                "scope connections:write on the page Basic Information."
            ),
        )
    return Finding(_("The app token is right: Slack lets this server connect (Socket Mode)."))


def _webhook(has_secret: bool) -> Finding:
    if has_secret:
        return Finding(_("There is a signing secret: Slack posts events to this server."))
    return Finding(
        _("There is neither an app token nor a signing secret, so nothing comes in."),
        _("Give an app token for Socket Mode, or the signing secret of the app."),
    )


def _nameless() -> Finding:
    return Finding(
        _("There is no bot token: people and channels are shown by their ids."),
        _(
            "Give the Bot User OAuth Token of the page OAuth & Permissions. With it, what was said "
            "during an outage is read, too."
        ),
    )


async def _bot(bot: WebApi, workspace_id: str) -> list[Finding]:
    try:
        us = await bot.ask("auth.test")
    except TROUBLES as error:
        trouble = refusal_of(error)
        if isinstance(trouble, TryLater):
            raise trouble from error
        remedy = _(
            "Copy the Bot User OAuth Token of the page OAuth & Permissions into the field of the bot token:"
            " it begins with xoxb-."
        )
        return [Finding(str(trouble), remedy)]
    return [_identity(us, workspace_id), _scopes(us), await _channels(bot)]


def _identity(us: Mapping[str, Any], workspace_id: str) -> Finding:
    names = {"name": us.get("user"), "workspace": us.get("team"), "id": us.get("team_id")}
    if workspace_id and workspace_id != us.get("team_id"):
        return Finding(
            _("The bot token is of the workspace %(workspace)s (%(id)s).") % names,
            _("Correct the workspace id of this source, or take the token of the other workspace."),
        )
    return Finding(
        _("The bot token is right. The bot is @%(name)s in %(workspace)s (%(id)s).") % names
    )


def _scopes(us: Mapping[str, Any]) -> Finding:
    headers = {str(key).lower(): value for key, value in (us.get("_headers") or {}).items()}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    lacking = sorted((HISTORY | NAMES) - granted)
    if not lacking:
        return Finding(_("The bot may read channels, their history and names."))
    return Finding(
        _("The bot lacks scopes: %(scopes)s.") % {"scopes": ", ".join(lacking)},
        _("Add them on the page OAuth & Permissions, and install the app again."),
    )


async def _channels(bot: WebApi) -> Finding:
    try:
        answer = await bot.ask(
            "users.conversations", types="public_channel,private_channel", limit=200
        )
    except TROUBLES as error:
        return Finding(str(refusal_of(error)), _("Add what is missing, and check again."))
    count = len(answer.get("channels") or [])
    if not count:
        return Finding(
            _("The bot is in no channel."), _("In a channel of Slack, write: /invite @bot's name.")
        )
    text = ngettext("The bot is in %(count)d channel.", "The bot is in %(count)d channels.", count)
    return Finding(text % {"count": count})
