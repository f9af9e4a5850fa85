"""What is settled without a model: certainties that hold for everybody, and a project's own rules."""

from apps.messages.answers import Answer
from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.rules import RulesClassifier
from apps.messages.models import Message


def answer(message: Message, sample: Sample) -> Answer | None:
    """The answer of the project's rules; None when they leave it to the models."""
    return None


def certain_answer(sample: Sample) -> Answer | None:
    """What can only be one thing, in whatever project."""
    rules = RulesClassifier()
    (verdict,) = rules.classify([sample])
    return verdict and Answer(rules.name, rules.version, verdict)
