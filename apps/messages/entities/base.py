"""What a text names, and the words that a project has of its own."""

from dataclasses import dataclass

KINDS = ("projects", "technologies", "versions", "people", "deadlines")


@dataclass(frozen=True)
class Entity:
    """A piece of the text and what it stands for ("кафку" -> "Kafka")."""

    surface: str
    normal: str


@dataclass(frozen=True)
class Term:
    """A word of the project's glossary: its name and other ways to write it.

    A star at the end of a word of an alias stands for any ending. The words of the name itself take
    the Ukrainian endings.
    """

    name: str
    kind: str = "projects"
    aliases: tuple[str, ...] = ()
