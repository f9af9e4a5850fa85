"""What a Slack message says, as plain text: no mrkdwn, no links in angle brackets, no entities."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

#: Code is said as it stands, and what is between angle brackets is no emphasis.
_STYLED = re.compile(
    r"(?P<kept>```.+?```|`[^`\n]+`|<[^<>\n]+>)"
    r"|(?<![\w*])\*(?![\s*])(?P<bold>[^*\n]+)(?<!\s)\*(?![\w*])"
    r"|(?<!\w)_(?![\s_])(?P<italic>[^_\n]+)(?<!\s)_(?!\w)"
    r"|(?<![\w~])~(?![\s~])(?P<struck>[^~\n]+)(?<!\s)~(?![\w~])",
    re.DOTALL,
)
_CODED = re.compile(r"```(?P<block>.+?)```|`(?P<word>[^`\n]+)`", re.DOTALL)
_REFERENCE = re.compile(r"<(?P<what>[^<>\n]+)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}

NOBODY: Mapping[str, str] = MappingProxyType({})

#: In a message: the ids of people and channels that it mentions.
MENTIONED = re.compile(r"<[@#]([A-Z0-9]+)(?:\||>)")


def plain(mrkdwn: str, names: Mapping[str, str] = NOBODY) -> str:
    """The text as Slack shows it, with the address of a link after its words."""
    text = _CODED.sub(lambda found: found["block"] or found["word"], _unstyled(mrkdwn))
    return _unescaped(_REFERENCE.sub(lambda found: _reference(found["what"], names), text))


def said_in_attachments(attachments: Sequence[Mapping[str, Any]]) -> str:
    """What an integration says beside its text, or the message that somebody passes on.

    The preview of a link is nobody's words.
    """
    own = [item for item in attachments if item.get("is_share") or not _is_preview(item)]
    return "\n".join(text for text in map(_attachment, own) if text)


def passed_on_from(attachments: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Who wrote the message that this one shares: id and name, both empty where it shares none."""
    shared = next((item for item in attachments if item.get("is_share")), {})
    author_id = str(shared.get("author_id") or "")
    return author_id, str(shared.get("author_name") or author_id)


def said_in_blocks(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The words of a message that consists of blocks only."""
    return "\n".join(text for block in blocks for text in _texts(block) if text)


def _unstyled(text: str) -> str:
    def bare(found: re.Match[str]) -> str:
        inner = found["bold"] or found["italic"] or found["struck"]
        return found["kept"] or _STYLED.sub(bare, inner)

    return _STYLED.sub(bare, text)


def _reference(what: str, names: Mapping[str, str]) -> str:
    target, _bar, label = what.partition("|")
    if target.startswith(("@", "#")):
        return target[0] + (label.lstrip("@#") or names.get(target[1:], target[1:]))
    if target.startswith("!"):
        return _special(target[1:], label)
    address = target.removeprefix("mailto:").removeprefix("tel:")
    bare = re.sub(r"^https?://", "", address).rstrip("/")
    if not label or label == bare or label.rstrip("/") == address.rstrip("/"):
        return address
    return f"{label} ({address})"


def _special(target: str, label: str) -> str:
    """`!here`, `!subteam^S1|@team`, `!date^1700000000^{date}|yesterday`."""
    name, _caret, rest = target.partition("^")
    if name == "date":
        return label
    if name == "subteam":
        return f"@{label.lstrip('@') or rest}"
    return f"@{label.lstrip('@') or name}"


def _unescaped(text: str) -> str:
    # Once, so that "&amp;lt;" is what somebody typed as "&lt;".
    return _ENTITY.sub(lambda found: _CHARACTERS[found[1]], text)


def _is_preview(attachment: Mapping[str, Any]) -> bool:
    return any(attachment.get(field) for field in ("from_url", "original_url", "is_msg_unfurl"))


def _attachment(item: Mapping[str, Any]) -> str:
    parts = [item.get(field) for field in ("pretext", "title", "text")]
    said = [plain(part) for part in parts if isinstance(part, str) and part]
    said += [
        plain(f"{field.get('title') or ''}: {field.get('value') or ''}")
        for field in _objects(item.get("fields"))
    ]
    if not said:
        said = [said_in_blocks(_objects(item.get("blocks")))]
    return "\n".join(said) or plain(str(item.get("fallback") or ""))


def _texts(block: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a block, in its order; pictures and buttons' values are none."""
    text = block.get("text")
    if isinstance(text, Mapping):
        yield from _texts(text)
    elif isinstance(text, str):
        yield plain(text) if block.get("type") == "mrkdwn" else text
    for inside in ("fields", "elements"):
        for item in _objects(block.get(inside)):
            yield from _texts(item)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
