"""The glossary: what a team calls its components, technologies and people, and how it writes them."""

from typing import Any

from django.contrib import admin
from django.db.models import TextField
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.sources.admin.display import badge
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter
from apps.sources.models import GlossaryTerm
from tasktracker.lib.text import shorten

KIND_COLOURS = {"projects": "primary", "technologies": "info", "people": "success"}


@admin.register(GlossaryTerm)
class GlossaryTermAdmin(ProjectScopedAdmin):
    list_display = ["name", "kind_label", "spelled", "short_meaning", "project"]
    list_select_related = ["project"]
    list_filter = [("project", VisibleRelatedFilter), "kind"]
    search_fields = ["name", "aliases", "meaning"]
    fields = ["project", "kind", "name", "aliases", "meaning"]
    formfield_overrides: dict[Any, Any] = {
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
    }

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, term: GlossaryTerm) -> str:
        return badge(term.get_kind_display(), KIND_COLOURS.get(term.kind, ""))

    @display(description=_("also written as"))
    def spelled(self, term: GlossaryTerm) -> str:
        return shorten(", ".join(term.spellings), 80)

    @display(description=_("meaning"))
    def short_meaning(self, term: GlossaryTerm) -> str:
        return shorten(term.meaning, 80)
