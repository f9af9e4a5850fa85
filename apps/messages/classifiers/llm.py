"""The classifier that asks a language model. Only enumerations and bounded strings come back."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Neighbour, Sample, Shot, Verdict
from tasktracker.lib.chat_text import ChatText
from tasktracker.lib.text import clean

PROMPT = "prompt_v2.md"

# Characters. Together with the instructions and the answer they fit Ollama's default of 4,096 tokens.
MESSAGE, REPLIED_TO, RECENT, SHOT, TERM, GLOSSARY = 3000, 600, 250, 250, 160, 1200
RECENT_MESSAGES, SHOTS = 5, 3
KINDS = ("projects", "technologies", "versions", "people", "deadlines")
MAX_STRINGS, MAX_STRING = 10, 80
MAX_RAW = 4000  # characters of the raw answer that are kept


def _bounded(values: Any) -> Any:
    """Cut what is too much: a message must not be able to make an answer invalid."""
    if not isinstance(values, list):
        return []
    return [value[:MAX_STRING] for value in values if isinstance(value, str)][:MAX_STRINGS]


def _ratio(value: Any) -> Any:
    """Some models say 95 for 0.95."""
    is_percent = isinstance(value, int | float) and 1 < value <= 100
    return value / 100 if is_percent else value


Ratio = Annotated[float, Field(ge=0.0, le=1.0), BeforeValidator(_ratio)]
Strings = Annotated[
    list[Annotated[str, Field(max_length=MAX_STRING)]],
    Field(max_length=MAX_STRINGS),
    BeforeValidator(_bounded),
]


class LLMAnswer(BaseModel):
    """What a model may say; everything else is dropped or refused."""

    category: Literal["bug", "feature", "question", "info"]
    priority: Literal["low", "medium", "high", "critical"]
    confidence: Ratio
    projects: Strings = []
    technologies: Strings = []
    versions: Strings = []
    people: Strings = []
    deadlines: Strings = []


class Word(NamedTuple):
    """A term of the project's glossary."""

    name: str
    spellings: tuple[str, ...] = ()
    meaning: str = ""


class LLMClassifier:
    """`ask` is the door: (output type, instructions=, prompt=) -> an answer as of `tasktracker.lib.llm`."""

    name = "llm"
    version = PROMPT.removesuffix(".md")

    def __init__(
        self,
        ask: Callable[..., Any],
        *,
        glossary: Sequence[Word] = (),
        shots: Sequence[Shot] = (),
    ) -> None:
        self._ask = ask
        self._glossary = glossary
        self._shots = shots

    def classify(self, samples: Sequence[Sample]) -> list[Verdict]:
        return [self._classify(sample) for sample in samples]

    def _classify(self, sample: Sample) -> Verdict:
        text = prompt(sample, glossary=self._glossary, shots=self._shots)
        answer = self._ask(LLMAnswer, instructions=instructions(), prompt=text.prompt())
        said: LLMAnswer = answer.output
        return Verdict(
            category=said.category,
            priority=said.priority,
            confidence=said.confidence,
            entities={kind: _copied(getattr(said, kind), text, sample.text) for kind in KINDS},
            raw={
                "model": answer.model,
                "tokens": answer.tokens,
                "input_tokens": answer.input_tokens,
                "cost_usd": answer.cost_usd,
                "answer": clean(answer.raw)[:MAX_RAW],
            },
        )


@cache
def instructions() -> str:
    return (resources.files("apps.messages.classifiers") / PROMPT).read_text(encoding="utf-8")


def prompt(
    sample: Sample, *, glossary: Sequence[Word] = (), shots: Sequence[Shot] = ()
) -> ChatText:
    """The message with its conversation, everything that people wrote between fences."""
    text = ChatText()
    _quote_glossary(text, glossary)
    for shot in [one for one in shots if _is_labelled(one)][:SHOTS]:
        text.quote(shot.text, limit=SHOT, label="Example of a similar message:")
        text.say(f"The team decided: {shot.category}, {shot.priority}.")
    for neighbour in reversed(_conversation(sample)):
        text.quote(
            neighbour.text,
            limit=RECENT,
            label=f"Earlier in the chat, {text.author(_name_of(neighbour, sample))} wrote:",
        )
    if sample.replied_to is not None:
        author = text.author(_name_of(sample.replied_to, sample))
        text.quote(
            sample.replied_to.text,
            limit=REPLIED_TO,
            label=f"The message to classify answers this one of {author}:",
        )
    forwarded = ", forwarded" if sample.is_forward else ""
    label = f"Classify this message of {text.author(sample.author)}{forwarded}:"
    text.quote(sample.text, limit=MESSAGE, label=label)
    return text


def _is_labelled(shot: Shot) -> bool:
    return shot.category in CATEGORIES and shot.priority in PRIORITIES


def _quote_glossary(text: ChatText, glossary: Sequence[Word]) -> None:
    lines: list[str] = []
    for word in glossary:
        also = f" ({', '.join(word.spellings)})" if word.spellings else ""
        meaning = f": {word.meaning}" if word.meaning else ""
        lines.append(" ".join(clean(f"{word.name}{also}{meaning}").split())[:TERM])
    if lines:
        text.quote("\n".join(lines), limit=GLOSSARY, label="The project's glossary:")


def _conversation(sample: Sample) -> list[Neighbour]:
    """The last messages before this one, newest first, without the one that it answers."""
    recent = sample.recent or ((sample.previous,) if sample.previous is not None else ())
    answered = sample.replied_to.text if sample.replied_to is not None else None
    return [one for one in recent if one.text.strip() and one.text != answered][:RECENT_MESSAGES]


def _name_of(neighbour: Neighbour, sample: Sample) -> str:
    """The same letter for the same author; somebody unknown is not the author of the message."""
    return sample.author if neighbour.is_same_author else neighbour.author or "somebody else"


def _copied(strings: Sequence[str], text: ChatText, original: str) -> list[str]:
    """Those that stand in the message: a string that does not was made up."""
    found = (text.unmask(string) for string in strings)
    return list(dict.fromkeys(one for one in found if one.strip() and one in original))
