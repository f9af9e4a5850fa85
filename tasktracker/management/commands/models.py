"""`manage.py models list|pull|warm|check`: the language models of this installation."""

import time
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.llm import LLMClassifier
from tasktracker.lib import circuits, llm, model_server
from tasktracker.lib.progress import last_line, progress_bar

#: A report that leaves no doubt, and what it is.
QUESTION = Sample("Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення")
RIGHT = ("bug", "critical")


class Command(BaseCommand):
    help = "List, pull, warm and check the language models."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for action, text in (
            ("list", "What is installed and configured, and the state of each circuit."),
            ("pull", "Download models."),
            ("warm", "Load the configured models of Ollama."),
            ("check", "Ask each configured model a question whose answer is known."),
        ):
            one = actions.add_parser(action, help=text, description=text)
            one.add_argument("--json", action="store_true", help="One JSON object as last line.")
            if action == "pull":
                one.add_argument("names", nargs="*", metavar="NAME")
                one.add_argument("--all", action="store_true", help="Every configured one.")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            figures = getattr(self, f"_{action}")(options)
        except model_server.NoServer as error:
            raise CommandError(
                _(
                    "There is no answer from Ollama (%(reason)s). Is it running, and OLLAMA_URL right?"
                )
                % {"reason": error}
            ) from error
        except model_server.NoModel as error:
            raise CommandError(_("Ollama says: %(reason)s") % {"reason": error}) from error
        if options["json"]:
            self.stdout.write(last_line({"models": figures}))
        if action == "check" and not all(one["valid"] for one in figures):
            raise CommandError(_("Not every model gave a valid answer."))

    def _list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        chain = llm.chain(cloud=True)
        if not chain:
            self.stdout.write(_("No model is configured: the local classifier decides alone."))
        found = model_server.installed() if settings.OLLAMA_URL else []
        if settings.OLLAMA_URL:
            self.stdout.write(_("Ollama %(version)s") % {"version": model_server.version()})
        figures = []
        for model, state in zip(chain, circuits.states([one.name for one in chain]), strict=True):
            is_here = not model.is_local or model_server.is_installed(model.name, found)
            place = (
                _("cloud") if not model.is_local else _("installed") if is_here else _("missing")
            )
            self.stdout.write(f"{model.name:30} {place:12} {_circuit(state)}")
            figures.append({"name": model.name, "installed": is_here, "circuit": state.state})
        asked = {model.name for model in chain}
        unused = _("not used")
        for one in found:
            if one.name not in asked and one.name.removesuffix(":latest") not in asked:
                size = f"{one.size / 1e9:.1f} GB"
                self.stdout.write(f"{one.name:30} {unused:12} {one.parameters} {size}")
        return figures

    def _pull(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        names = options["names"] or (settings.OLLAMA_MODELS if options["all"] else [])
        if not names:
            raise CommandError(_("Name a model, or --all."))
        for name in names:
            with progress_bar(name, is_quiet=options["json"]) as advance:
                for step in model_server.pull(name):
                    if step.total:
                        advance(step.done, step.total)
            self.stdout.write(_("%(name)s is installed.") % {"name": name})
        return [{"name": name, "installed": True} for name in names]

    def _warm(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        figures = []
        for name in settings.OLLAMA_MODELS:
            started = time.perf_counter()
            model_server.load(name)
            seconds = time.perf_counter() - started
            self.stdout.write(
                _("%(name)s is loaded (%(seconds).1f s).") % {"name": name, "seconds": seconds}
            )
            figures.append({"name": name, "seconds": round(seconds, 1)})
        return figures

    def _check(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        chain = llm.chain(cloud=True)
        if not chain:
            raise CommandError(_("No model is configured: the local classifier decides alone."))
        figures = [_check_one(model) for model in chain]
        for one in figures:
            said = one["answer"] if one["valid"] else one["error"]
            self.stdout.write(f"{one['name']:30} {one['seconds']:6.1f} s  {_verdict(one)}  {said}")
        return figures


def _check_one(model: llm.Model) -> dict[str, Any]:
    """Whatever its circuit says; a good answer closes it."""
    started = time.perf_counter()
    figures: dict[str, Any] = {"name": model.name, "valid": False, "right": False}
    try:
        ask = partial(llm.ask_one, model, seconds=settings.LLM_TIMEOUT)
        (verdict,) = LLMClassifier(ask).classify([QUESTION])
    except llm.Unavailable as error:
        figures["error"] = str(error)
    else:
        said = (verdict.category, verdict.priority)
        figures |= {"valid": True, "right": said == RIGHT, "answer": "/".join(said)}
        figures |= {"tokens": verdict.raw["tokens"], "cost_usd": verdict.raw["cost_usd"]}
    return {**figures, "seconds": round(time.perf_counter() - started, 2)}


def _verdict(figures: dict[str, Any]) -> str:
    if not figures["valid"]:
        return _("failed")
    return _("right") if figures["right"] else _("wrong")


def _circuit(state: circuits.State) -> str:
    if state.state == "closed":
        return _("answers") if not state.points else _("failed lately: %s") % state.last_error
    if state.state == "half-open":
        return _("rested, the next question probes it")
    return _("rests for %(seconds)d s: %(reason)s") % {
        "seconds": round(state.rests_for),
        "reason": state.last_error,
    }
