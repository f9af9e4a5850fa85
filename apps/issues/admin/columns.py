"""What the review queue shows of an issue, column by column."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from apps.issues.admin.decide import offered
from apps.issues.admin.issue_page import in_a_row
from apps.issues.models import Issue
from apps.messages.admin.entity_words import line_by_line
from apps.sources.admin.display import (
    badge,
    category_badge,
    in_words,
    link,
    percent,
    post_buttons,
    priority_badge,
    with_lock,
)
from apps.sources.admin.scope import page_of
from tasktracker.lib.text import shorten

STATUS_COLOURS = {
    "new": "primary",
    "approved": "success",
    "in_progress": "info",
    "rejected": "danger",
    "duplicate": "warning",
}
EXPORT_COLOURS = {"created": "success", "failed": "danger", "pending": "info"}


class IssueColumns:
    """Columns of the list, some of them also fields of the page."""

    @display(description=gettext_lazy("title"), ordering="title")
    def short_title(self, issue: Issue) -> str:
        return shorten(issue.title, 110)

    @display(description=gettext_lazy("perhaps the same as"))
    def suggested(self, issue: Any) -> str:
        return in_a_row(issue, issue.suggestions, may_decide=issue.is_decidable)

    @display(description=gettext_lazy("category"), ordering="category")
    def category_label(self, issue: Issue) -> str:
        return with_lock(category_badge(issue), issue, "category")

    @display(description=gettext_lazy("priority"), ordering="priority")
    def priority_label(self, issue: Issue) -> str:
        return with_lock(priority_badge(issue), issue, "priority")

    @display(description=gettext_lazy("confidence"), ordering="confidence")
    def sureness(self, issue: Issue) -> str:
        return percent(issue.confidence)

    @display(description=gettext_lazy("reports"))
    def reports(self, issue: Any) -> int:
        return int(issue.report_count)

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, issue: Issue) -> str:
        return badge(issue.get_status_display(), STATUS_COLOURS.get(issue.status, ""))

    @display(description=gettext_lazy("exports"))
    def exported(self, issue: Any) -> Any:
        exports = [one for one in issue.exports.all() if one.status != "failed" or one.is_failure]
        states = [export.status for export in exports]
        worst = next((state for state in ("failed", "pending", "created") if state in states), "")
        return badge(len(states), EXPORT_COLOURS[worst]) if worst else ""

    @display(description=gettext_lazy("decide"))
    def buttons(self, issue: Any) -> str:
        if not issue.is_decidable:
            return ""
        return post_buttons(
            [(name, verb.icon, verb.title) for name, verb in offered(issue)],
            lambda name: reverse("admin:issues_issue_decide", args=[issue.pk, name]),
        )

    @display(description=gettext_lazy("came from"))
    def came_from(self, issue: Issue) -> str:
        return in_words(issue.origin)

    @display(description=gettext_lazy("entities"))
    def found_in_text(self, issue: Issue) -> str:
        return line_by_line(issue.entities)

    @display(description=gettext_lazy("labels"))
    def label_list(self, issue: Issue) -> str:
        return ", ".join(map(str, issue.labels))

    @display(description=gettext_lazy("duplicate of"))
    def original_issue(self, issue: Issue) -> str:
        original = issue.duplicate_of
        return link(page_of(original), f"#{original.pk} {original.title}") if original else ""
