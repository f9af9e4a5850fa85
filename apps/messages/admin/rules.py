"""A project's own rules, and their trial before they decide anything."""

from typing import Any

from django.contrib import admin
from django.db.models import TextField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.messages import trial
from apps.messages.admin.rule_forms import RuleForm, TryForm
from apps.messages.admin.rule_words import actions_of, conditions_of, text_told, week_told
from apps.messages.models import Rule
from apps.messages.ruling import rules_of
from apps.sources.admin.display import badge
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter
from apps.sources.models import Chat, Project


@admin.register(Rule)
class RuleAdmin(ProjectScopedAdmin):
    form = RuleForm
    list_display = ["name", "position", "is_active", "when", "then", "state", "project"]
    list_editable = ["position", "is_active"]
    list_select_related = ["project", "chat", "route_to"]
    list_filter = [("project", VisibleRelatedFilter), "is_active"]
    list_fullwidth = True
    list_before_template = "admin/chat_messages/rule/above_list.html"
    search_fields = ["name", "contains", "pattern", "author", "tag"]
    search_help_text = gettext_lazy("Name, phrase, expression, author or tag")
    ordering = ["project", "position", "id"]
    change_form_template = "admin/chat_messages/rule/change_form.html"
    save_as = True
    warn_unsaved_form = True
    formfield_overrides: dict[Any, Any] = {
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})}
    }

    # Rows and forms

    def get_form(self, request: HttpRequest, obj: Rule | None = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)  # a class of its own for each request
        form.chats = self._chats(request)
        return form

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        names = self._names(request)
        for rule in changelist.result_list:
            rule.names = names
        return changelist

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        route = "route_hidden" if self._is_route_hidden(request, obj) else "route_to"
        fieldsets: list[Any] = [
            (None, {"fields": ["project", "name", "position", "is_active"]}),
            (
                gettext_lazy("When all of these hold"),
                {
                    "fields": ["contains", "pattern", "author", "chat", "language", "entity"],
                    "description": gettext_lazy("What is left empty is not asked."),
                },
            ),
            (
                gettext_lazy("Then"),
                {
                    "fields": ["is_ignored", "category", "priority", route, "tag"],
                    "description": gettext_lazy(
                        "A priority alone leaves the category to the models. What a person has set"
                        " is never changed."
                    ),
                },
            ),
        ]
        if self._may_save(request, obj):
            tried = {"fields": ["try_text", "try_author", "try_chat"]}
            fieldsets.append((gettext_lazy("Try it before you save"), tried))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> list[str]:
        return ["route_hidden"]

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        if "pattern" in form.changed_data:
            obj.timeouts, obj.last_timeout_at = 0, None
        super().save_model(request, obj, form, change)

    # Columns

    @display(description=gettext_lazy("when"))
    def when(self, rule: Rule) -> str:
        return "; ".join(conditions_of(rule.plain))

    @display(description=gettext_lazy("then"))
    def then(self, rule: Rule) -> str:
        return "; ".join(actions_of(rule.plain, getattr(rule, "names", {})))

    @display(description=gettext_lazy("state"))
    def state(self, rule: Rule) -> str:
        return badge(_("Too slow"), "danger") if rule.timeouts else ""

    @display(description=gettext_lazy("route to"))
    def route_hidden(self, rule: Rule) -> str:
        return _("A project that you cannot see; the rule keeps it.")

    # Pages

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name="chat_messages_rule_try"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        form = context["adminform"].form
        is_tried = getattr(form, "is_tried", False)
        context |= {
            "may_try": self._may_save(request, context["original"]),
            "trial": self._try(request, form) if is_tried else None,
        }
        return super().render_change_form(request, context, *args, **kw)

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """All rules of a project, on a text or on a week; it only looks."""
        if not self.has_view_permission(request):
            return self.gone(request, "")
        data = request.POST or None
        form = TryForm(data, projects=Project.visible_to(request.user), chats=self._chats(request))
        told = None
        if form.is_bound and form.is_valid():
            told = self._told(request, form.cleaned_data, None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try the rules"),
            "form": form,
            "trial": told,
            "opts": self.opts,
            "media": self.media + form.media,
        }
        return render(request, "admin/chat_messages/rule/try.html", context)

    def _try(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        asked = {**form.cleaned_data, "run": form.trying}
        return self._told(request, asked, form.instance)

    def _told(
        self, request: HttpRequest, asked: dict[str, Any], candidate: Rule | None
    ) -> dict[str, Any]:
        project = asked["project"]
        names = self._names(request)
        if candidate is None:
            rules, own = rules_of(project.pk), None
        else:
            rules, own = trial.with_candidate(candidate)
        if asked["run"] == "week":
            return week_told(trial.on_week(rules, project, candidate=own), own, names)
        found = trial.on_text(
            rules,
            project,
            asked["try_text"],
            author=asked["try_author"],
            chat=asked["try_chat"],
            candidate=own,
        )
        return text_told(found, own, names)

    # What this user may see and do

    def _may_save(self, request: HttpRequest, rule: Rule | None) -> bool:
        if rule is None:
            return bool(self.has_add_permission(request))
        return bool(self.has_change_permission(request, rule))

    def _chats(self, request: HttpRequest) -> Any:
        chats = Chat.objects.select_related("source")
        if request.user.is_superuser:
            return chats
        return chats.filter(source__project__in=Project.visible_to(request.user))

    def _names(self, request: HttpRequest) -> dict[int, str]:
        return dict(Project.visible_to(request.user).values_list("pk", "name"))

    def _is_route_hidden(self, request: HttpRequest, rule: Rule | None) -> bool:
        if rule is None or "_saveasnew" in request.POST:
            return False
        stored = Rule.objects.filter(pk=rule.pk).values_list("route_to", flat=True).first()
        return stored is not None and stored not in self._names(request)
