"""What a training changed, in rows for its page: figures, classes, and messages answered otherwise."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.messages.models import Category, Message, ModelVersion, Priority
from apps.messages.training.comparison import TOLERANCE
from apps.sources.admin.scope import page_of
from apps.sources.models import Project
from tasktracker.lib.text import shorten


def report_of(version: ModelVersion, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """Empty for a version that was not trained yet."""
    figures, report = version.figures, version.report
    if "after" not in figures:
        return {}
    return {
        "figures": [_figure(name, title, figures) for name, title in _titles().items()],
        "classes": [
            *_classes(figures, "categories", dict(Category.choices)),
            *_classes(figures, "priorities", dict(Priority.choices)),
        ],
        "rival": report.get("rival", ""),
        "is_promoted": not figures["failed"],
        "learnt": len(report.get("learnt", [])),
        "learnt_from_corpus": report.get("learnt_from_corpus", 0),
        "kept_out": figures["after"].get("messages", 0),
        "kept_out_corrections": figures["after"].get("corrections", 0),
        "dropped": report.get("dropped", 0),
        "better": report.get("better", 0),
        "worse": report.get("worse", 0),
        "changes": _changes(report.get("changes", []), user),
    }


def _titles() -> dict[str, str]:
    return {
        "macro_f1": _("Categories of the corpus, macro-F1"),
        "issue_recall": _("Bugs and feature requests of the corpus that are found"),
        "corrected": _("Corrections answered as people did"),
    }


def _figure(name: str, title: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "before": _shown(figures["before"].get(name)),
        "after": _shown(figures["after"].get(name)),
        "tolerance": number_format(TOLERANCE[name], 2),
        "is_failed": name in figures["failed"],
    }


def _classes(figures: dict[str, Any], kind: str, labels: dict[Any, Any]) -> list[dict[str, Any]]:
    before, after = (figures[side].get(kind, {}) for side in ("before", "after"))
    return [
        {
            "label": labels[name],
            "messages": row["messages"],
            "cells": [
                _shown(side.get(name, {}).get(figure))
                for figure in ("precision", "recall", "f1")
                for side in (before, after)
            ],
        }
        for name, row in after.items()
        if name in labels
    ]


def _changes(
    changes: list[dict[str, Any]], user: AbstractBaseUser | AnonymousUser
) -> list[dict[str, Any]]:
    """Corrected messages only of the reader's own projects."""
    ids = [change["message"] for change in changes if "message" in change]
    visible = Message.objects.filter(pk__in=ids, project__in=Project.visible_to(user)).in_bulk()
    labels: dict[Any, Any] = dict(Category.choices)
    rows = []
    for change in changes:
        message = visible.get(change.get("message"))
        if message is None and "text" not in change:
            continue
        rows.append(
            {
                "text": shorten(message.text if message else change["text"], 160),
                "address": page_of(message) if message else "",
                "right": labels.get(change["right"], change["right"]),
                "before": labels.get(change["before"], change["before"]),
                "after": labels.get(change["after"], change["after"]),
                "is_better": change["after"] == change["right"],
                "is_worse": change["before"] == change["right"],
            }
        )
    return rows


def _shown(value: float | None) -> str:
    return "–" if value is None else str(number_format(round(value, 3), 3))
