"""The figures that evaluations share."""

from tasktracker.management.evaluation.figures import labels

NAMES = ("bug", "feature", "question", "info")


def test_macro_f1_is_the_mean_of_the_classes_that_occur():
    figures = labels(["bug", "bug", "info"], ["bug", "info", "info"], NAMES)

    assert figures["macro_f1"] == round((2 / 3 + 2 / 3) / 2, 4)


def test_what_was_not_answered_is_wrong_and_no_class_of_its_own():
    figures = labels(["bug", "bug", "info"], ["bug", "", "info"], NAMES)

    assert figures["accuracy"] == round(2 / 3, 4)
    assert figures["macro_f1"] == round((2 / 3 + 1) / 2, 4)
    assert set(figures["per_class"]) == set(NAMES)


def test_a_class_that_was_only_said_counts_as_nought():
    figures = labels(["bug", "bug"], ["bug", "info"], NAMES)

    assert figures["macro_f1"] == round((2 / 3 + 0) / 2, 4)


def test_without_messages_there_are_no_figures():
    assert labels([], [], NAMES) == {"accuracy": None, "macro_f1": None, "per_class": {}}
