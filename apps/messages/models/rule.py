"""A project's own rules, as its people write them."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.messages.classifiers import rules
from apps.messages.models.message import Category, Priority
from apps.sources.models import Chat, Project

CONDITIONS = frozenset({"contains", "pattern", "author", "chat", "language", "entity"})
ACTIONS = frozenset({"is_ignored", "category", "priority", "route_to", "tag"})


class Rule(models.Model):
    """A project's own rule: when all its conditions hold, its actions are taken."""

    class Language(models.TextChoices):
        UKRAINIAN = "uk", _("Ukrainian")
        ENGLISH = "en", _("English")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="rules"
    )
    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveIntegerField(
        _("order"), default=100, help_text=_("The first rule that fits wins.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    contains = models.TextField(
        _("contains one of"),
        blank=True,
        default="",
        max_length=2000,
        help_text=_("A phrase per line; case does not matter, a star stands for any ending."),
    )
    pattern = models.CharField(
        _("matches the expression"),
        max_length=500,
        blank=True,
        default="",
        help_text=_(
            "A regular expression, searched for anywhere in the text; case does not matter."
        ),
    )
    author = models.CharField(_("author is"), max_length=200, blank=True, default="")
    chat = models.ForeignKey(
        Chat,
        models.CASCADE,
        verbose_name=_("chat is"),
        related_name="+",
        null=True,
        blank=True,
    )
    language = models.CharField(
        _("language is"), max_length=2, choices=Language, blank=True, default=""
    )
    entity = models.CharField(
        _("names"), max_length=100, blank=True, default="", help_text=_("As in: Kafka, @olena")
    )

    is_ignored = models.BooleanField(_("ignore the message"), default=False)
    category = models.CharField(
        _("category"), max_length=10, choices=Category, blank=True, default=""
    )
    priority = models.CharField(
        _("priority"), max_length=10, choices=Priority, blank=True, default=""
    )
    route_to = models.ForeignKey(
        Project,
        models.SET_NULL,
        verbose_name=_("route to"),
        related_name="+",
        null=True,
        blank=True,
    )
    tag = models.CharField(_("tag"), max_length=50, blank=True, default="")
    timeouts = models.PositiveIntegerField(
        _("how often the expression took too long"), default=0, editable=False
    )
    last_timeout_at = models.DateTimeField(_("last time"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["project", "position", "id"]

    def __str__(self) -> str:
        return self.name

    #: Fields whose values a form could not read: they are wrong, but not empty.
    unread: frozenset[str] = frozenset()

    # Mutators

    @classmethod
    def note_timeouts(cls, project_id: int, patterns: Iterable[str]) -> None:
        """Expressions that took too long: the rule's page tells it."""
        rows = cls.objects.filter(project=project_id, pattern__in=list(patterns))
        rows.update(timeouts=models.F("timeouts") + 1, last_timeout_at=Now())

    # Properties

    @property
    def phrases(self) -> tuple[str, ...]:
        return tuple(line.strip() for line in self.contains.splitlines() if line.strip())

    @property
    def plain(self) -> rules.Rule:
        """As the classifier takes it."""
        return rules.Rule(
            id=self.pk,
            name=self.name,
            contains=self.phrases,
            pattern=self.pattern,
            author=self.author.strip(),
            chat_id=self.chat_id,
            chat=str(self.chat) if self.chat_id else "",
            language=self.language,
            entity=self.entity.strip(),
            is_ignored=self.is_ignored,
            category=self.category,
            priority=self.priority,
            route_to_id=self.route_to_id,
            tag=self.tag.strip(),
            project_id=self.project_id,
        )

    def clean(self) -> None:
        """Refuse what could never fit or never do anything, at the field where it is wrong."""
        errors: dict[str, Any] = {}
        if problem := rules.problem_of(self.pattern):
            errors["pattern"] = _in_words(problem)
        if any(not rules.has_word(phrase) for phrase in self.phrases):
            errors["contains"] = gettext("Each phrase needs a word.")
        if self.is_ignored and (self.category or self.priority):
            errors["is_ignored"] = gettext(
                "A message that is ignored needs no category and no priority."
            )
        if self.route_to_id is not None and self.route_to_id == self.project_id:
            errors["route_to"] = gettext("The messages are in this project already.")
        conditions = (self.contains.strip(), self.pattern, self.author.strip(), self.chat_id)
        is_conditional = any((*conditions, self.language, self.entity.strip()))
        if not is_conditional and not self.unread & CONDITIONS:
            errors.setdefault("__all__", []).append(
                gettext("Set at least one condition: a rule without any would fit every message.")
            )
        actions = (self.is_ignored, self.category, self.priority, self.route_to_id)
        if not any((*actions, self.tag.strip())) and not self.unread & ACTIONS:
            errors.setdefault("__all__", []).append(
                gettext("Set at least one action: this rule would change nothing.")
            )
        if errors:
            raise ValidationError(errors)


def _in_words(problem: rules.Problem) -> str:
    """What is wrong with an expression, in the reader's language where we have its words."""
    known = _PROBLEMS.get(problem.reason)
    details = {"reason": known or problem.reason, "position": problem.position}
    if problem.position is None:
        return gettext("This expression cannot be read: %(reason)s.") % details
    return (
        gettext("This expression cannot be read: %(reason)s, at character %(position)d.") % details
    )


#: What `regex` says, as it says it.
_PROBLEMS = {
    "missing )": _("a closing bracket is missing"),
    "unbalanced parenthesis": _("a closing bracket stands alone"),
    "unterminated character set": _("a square bracket is not closed"),
    "nothing to repeat": _("there is nothing to repeat"),
    "multiple repeat": _("a repetition is repeated"),
    "bad escape (end of pattern)": _("it ends with a backslash"),
    "bad character range": _("the range is the wrong way round"),
    "unknown property": _("no such property"),
    "unknown extension": _("no such extension"),
    "unknown group": _("no such group"),
    "missing >": _("the name of a group is not closed"),
    "min repeat greater than max repeat": _("the range is the wrong way round"),
    "too many repetitions": _("too many repetitions"),
}
