"""The words of a project's own, and how they may be written."""

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.sources.models.project import Project
from tasktracker.lib.text import clean

GLOSSARY_LIMIT = 500  # terms of a project
_MIN_STARRED = 3  # letters before a star; fewer would find half of all words
_BETWEEN = re.compile(r",?\s*\n\s*|,")  # a comma, or a line each
_STARRED = re.compile(r"[^\s*]*\*+[^\s]*")


def validate_alias(alias: str) -> None:
    """A star ends a word of some letters; a phrase without a letter or digit is nothing."""
    if not re.search(r"\w", alias):
        raise ValidationError(_("“%(alias)s” has no letter."), params={"alias": alias})
    if len(alias) < 2:
        raise ValidationError(_("“%(alias)s” is one letter only."), params={"alias": alias})
    for word in _STARRED.findall(alias):
        letters = re.findall(r"\w", word)
        if word.count("*") > 1 or not word.endswith("*") or len(letters) < _MIN_STARRED:
            raise ValidationError(
                _("“%(alias)s”: a star stands at the end of a word, after three letters or more."),
                params={"alias": alias},
            )


def validate_aliases(aliases: str) -> None:
    """Each of them, and none empty; a comma at the very end is forgiven."""
    for alias in _BETWEEN.split(aliases.rstrip(", \n\r")) if aliases.strip() else []:
        if not alias.strip():
            raise ValidationError(_("There is nothing between two commas."))
        validate_alias(alias.strip())


def spelling_key(spelling: str) -> str:
    """The same for what differs only in case, spaces or the star at its end."""
    return " ".join(clean(spelling).casefold().rstrip("*").split())


class GlossaryTerm(models.Model):
    """A word of the project's own: how it is called, and the other ways in which people write it."""

    class Kind(models.TextChoices):
        PROJECTS = "projects", _("Project or component")
        TECHNOLOGIES = "technologies", _("Technology")
        PEOPLE = "people", _("Person")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="glossary"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PROJECTS)
    name = models.CharField(_("name"), max_length=100)
    aliases = models.TextField(
        _("also written as"),
        blank=True,
        default="",
        max_length=2000,
        help_text=_("Separated by commas. A star stands for any ending: білінг*"),
    )
    meaning = models.CharField(
        _("meaning"), max_length=200, blank=True, default="", help_text=_("For the language model.")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary")
        ordering = ["project", "kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "name"], name="one_term_per_project_and_kind"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # Somebody pastes them: what nobody sees would make another word of the same letters.
        self.name = " ".join(clean(self.name).split())
        self.aliases, self.meaning = clean(self.aliases), clean(self.meaning)
        try:
            validate_aliases(self.aliases)
        except ValidationError as error:
            raise ValidationError({"aliases": error.messages}) from None
        if len(self.name) < 2 or not any(map(str.isalpha, self.name)):
            raise ValidationError({"name": _("A name has a letter and at least two characters.")})
        if "*" in self.name:
            raise ValidationError({"name": _("A star belongs into the other ways to write it.")})
        others = GlossaryTerm.objects.filter(project=self.project_id).exclude(pk=self.pk)
        if self.project_id and others.count() >= GLOSSARY_LIMIT:
            raise ValidationError(
                _("A project has at most %(limit)d terms."), params={"limit": GLOSSARY_LIMIT}
            )
        self.check_others(others)

    def check_others(self, others: Iterable["GlossaryTerm"]) -> None:
        """Raise ValidationError when another term is written like this one: which would be meant?"""
        taken = {key: term for term in others for key in term.keys}
        for spelling in (self.name, *self.spellings):
            other = taken.get(spelling_key(spelling))
            if other is not None:
                text = _("“%(spelling)s” belongs to the term “%(term)s” already.")
                details = {"spelling": spelling, "term": other.name}
                field = "name" if spelling == self.name else "aliases"
                raise ValidationError({field: ValidationError(text, params=details)})

    # Properties

    @property
    def keys(self) -> set[str]:
        return {spelling_key(spelling) for spelling in (self.name, *self.spellings)}

    @property
    def spellings(self) -> tuple[str, ...]:
        return tuple(alias.strip() for alias in _BETWEEN.split(self.aliases) if alias.strip())
