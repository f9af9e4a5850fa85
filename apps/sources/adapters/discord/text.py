"""What a Discord message says, as plain text: names for mentions, no markdown, no ids of emoji."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

#: Code is said as it stands; so is what is between angle brackets, and an address.
_STYLED = re.compile(
    r"(?P<kept>```.+?```|`[^`\n]+`|<[^<>\n]+>|https?://[^\s<>)]+|\\[*_~|`\\>#])"
    r"|\*\*\*(?P<both>[^\n]+?)\*\*\*"
    r"|\*\*(?P<bold>[^\n]+?)\*\*"
    r"|__(?P<underlined>[^\n]+?)__"
    r"|~~(?P<struck>[^\n]+?)~~"
    r"|\|\|(?P<hidden>.+?)\|\|"
    r"|(?<![\w*])\*(?![\s*])(?P<italic>[^*\n]+)(?<!\s)\*(?![\w*])"
    r"|(?<!\w)_(?![\s_])(?P<slanted>[^_\n]+)(?<!\s)_(?!\w)",
    re.DOTALL,
)
_CODED = re.compile(r"```(?:\w+\n)?(?P<block>.+?)```|`(?P<word>[^`\n]+)`", re.DOTALL)
_HEADING = re.compile(r"^(?:#{1,3}|-#) (?=\S)", re.MULTILINE)
_LINK = re.compile(r"\[(?P<label>[^\]\n]+)\]\(<?(?P<address>https?://[^\s)>]+)>?\)")
_REFERENCE = re.compile(
    r"<(?:"
    r"@[!&]?(?P<who>\d+)|\#(?P<where>\d+)|a?:(?P<emoji>\w+):\d+|/(?P<command>[^:<>]+):\d+"
    r"|t:(?P<moment>-?\d{1,12})(?::\w)?|id:(?P<page>\w+)|(?P<address>https?://[^\s<>]+)"
    r")>"
)
_ESCAPED = re.compile(r"\\([*_~|`\\>#])")

#: In a message: the ids of channels and roles that it mentions without their names.
MENTIONED = re.compile(r"<(?:#|@&)(\d+)>")


def plain(markdown: str, names: Mapping[str, str]) -> str:
    """The text as Discord shows it, with the address of a link after its words."""
    text = _HEADING.sub("", _unstyled(markdown))
    text = _LINK.sub(lambda found: _link(found["label"], found["address"]), text)
    text = _REFERENCE.sub(lambda found: _reference(found, names), text)
    text = _CODED.sub(lambda found: (found["block"] or found["word"]).strip("\n"), text)
    return _ESCAPED.sub(r"\1", text)


def said_in_embeds(embeds: list[Any], names: Mapping[str, str]) -> str:
    """What an integration says in boxes; the preview of a link is nobody's words."""
    own = [embed for embed in _objects(embeds) if embed.get("type", "rich") == "rich"]
    return "\n".join(plain(text, names) for embed in own for text in _texts(embed) if text)


def _unstyled(text: str) -> str:
    def bare(found: re.Match[str]) -> str:
        if found["kept"]:
            return found["kept"]
        return _STYLED.sub(bare, next(inner for inner in found.groups()[1:] if inner))

    return _STYLED.sub(bare, text)


def _link(label: str, address: str) -> str:
    return address if label == address else f"{label} ({address})"


def _reference(found: re.Match[str], names: Mapping[str, str]) -> str:
    if found["who"]:
        return f"@{names.get(found['who'], found['who'])}"
    if found["where"]:
        return f"#{names.get(found['where'], found['where'])}"
    if found["emoji"]:
        return f":{found['emoji']}:"
    if found["command"]:
        return f"/{found['command']}"
    if found["moment"]:
        return _moment(int(found["moment"]))
    return found["address"] or f"#{found['page']}"


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return str(seconds)


def _texts(embed: Mapping[str, Any]) -> Iterator[str]:
    author = embed.get("author")
    if isinstance(author, Mapping):
        yield _string(author.get("name"))
    yield _string(embed.get("title"))
    yield _string(embed.get("description"))
    for field in _objects(embed.get("fields")):
        yield f"{_string(field.get('name'))}: {_string(field.get('value'))}"


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
