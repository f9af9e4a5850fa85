"""How well entities are found on the shipped corpus: floors, so that a rule that mends one case costs no ten."""

import json
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

from apps.messages.entities.base import KINDS
from apps.messages.entities.extract import extract

FLOORS = {
    "projects": 0.55,
    "technologies": 0.89,
    "versions": 0.84,
    "people": 0.92,
    "deadlines": 0.80,
    "all": 0.82,
}


@pytest.fixture(scope="module")
def figures():
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    for path in sorted(Path(settings.BASE_DIR, "data", "training").glob("part_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            ours = extract(row["text"])
            for kind in KINDS:
                labelled = {surface.casefold() for surface in row["entities"].get(kind, [])}
                forms = [
                    {entity.surface.casefold(), entity.normal.casefold()} for entity in ours[kind]
                ]
                right[kind] += sum(bool(form & labelled) for form in forms)
                found[kind] += len(forms)
                expected[kind] += len(labelled)
    for counter in (right, found, expected):
        counter["all"] = counter.total()
    return {kind: 2 * right[kind] / (found[kind] + expected[kind]) for kind in FLOORS}


@pytest.mark.parametrize("kind", FLOORS)
def test_the_corpus_is_read_as_well_as_before(figures, kind):
    assert figures[kind] >= FLOORS[kind], figures
