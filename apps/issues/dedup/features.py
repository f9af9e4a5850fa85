"""What the judge looks at in a pair of reports: named numbers, each with the direction it may point in.

The directions keep the model honest: on the shipped pairs a free model learns that another language,
or less similarity, means "duplicate", because distant paraphrases were written to be distant.
"""

from rapidfuzz import fuzz

from apps.issues.dedup.base import Candidate, Report
from apps.issues.dedup.cognates import skeletons, stems, words_of
from apps.issues.dedup.conflicts import Comparison, Facts, compare, facts_of

#: name -> +1 may only speak for "the same problem", -1 only against it, 0 free.
DIRECTIONS = {
    "cosine_same_language": 1,
    "cosine_high_same_language": 1,
    "cosine_other_language": 1,
    "cosine_high_other_language": 1,
    "words_sorted": 1,
    "words_set": 1,
    "stems_ours": 1,
    "stems_theirs": 1,
    "cognates": 1,
    "cognates_share": 1,
    "shared_versions": 1,
    "shared_numbers": 1,
    "shared_endpoints": 1,
    "shared_symptoms": 1,
    "shared_families": 1,
    "conflicting_versions": -1,
    "conflicting_numbers": -1,
    "conflicting_endpoints": -1,
    "conflicting_symptoms": -1,
    "conflicting_platforms": -1,
    "conflicting_families": -1,
    "new_symptoms": -1,
    "same_opening_other_facts": -1,
    "numbers_only_ours": -1,
    "numbers_only_theirs": -1,
    "fine_elsewhere": -1,
    "negations_differ": -1,
    "request_differs": -1,
    "lengths_differ": -1,
    "rival": -1,
    "is_other_language": 0,
}
NAMES = tuple(DIRECTIONS)
_PLATFORMS = ("platform", "browser", "environment", "wallet")
_HIGH_SAME, _HIGH_OTHER = 0.55, 0.40  # about the medians of true duplicates, centred vectors
_RIVAL_FLOOR, _RIVAL_CEILING = 0.2, 0.5  # below: any unrelated issue of a project is as near
_OPENING_WORDS = 4


def features_of(
    report: Report, other: Report, similarity: float, rival: float = 0.0
) -> list[float]:
    """The pair as numbers, in the order of NAMES. `rival` is the best cosine among other issues."""
    ours, theirs = facts_of(report.text), facts_of(other.text)
    comparison = compare(ours, theirs)
    same = report.language == other.language
    values = {
        "cosine_same_language": similarity if same else 0.0,
        "cosine_high_same_language": max(0.0, similarity - _HIGH_SAME) if same else 0.0,
        "cosine_other_language": 0.0 if same else similarity,
        "cosine_high_other_language": 0.0 if same else max(0.0, similarity - _HIGH_OTHER),
        "is_other_language": 0.0 if same else 1.0,
        "request_differs": float(ours.is_request != theirs.is_request),
        "fine_elsewhere": float(min(3, ours.fine)),
        "negations_differ": float(min(3, abs(ours.negations - theirs.negations))),
        "numbers_only_ours": float(min(3, len(ours.numbers - theirs.numbers))),
        "numbers_only_theirs": float(min(3, len(theirs.numbers - ours.numbers))),
        "rival": min(_RIVAL_CEILING, max(_RIVAL_FLOOR, rival)),
    }
    values.update(_words(report.text, other.text, same))
    values.update(_agreements(comparison))
    values.update(_contradictions(comparison, ours, theirs))
    return [values[name] for name in NAMES]


def _words(text: str, other: str, same: bool) -> dict[str, float]:
    one, two = words_of(text), words_of(other)
    our_stems, their_stems = stems(text), stems(other)
    our_bones, their_bones = skeletons(text), skeletons(other)
    common, bones = len(our_stems & their_stems), len(our_bones & their_bones)
    left = min(1 - common / max(1, len(our_stems)), 1 - common / max(1, len(their_stems)))
    shorter, longer = sorted((len(one) + 10, len(two) + 10))
    return {
        "words_sorted": fuzz.token_sort_ratio(one, two) / 100 if same else 0.0,
        "words_set": fuzz.token_set_ratio(one, two) / 100 if same else 0.0,
        "stems_ours": common / max(1, len(our_stems)) if same else 0.0,
        "stems_theirs": common / max(1, len(their_stems)) if same else 0.0,
        "cognates": 0.0 if same else float(min(5, bones)),
        "cognates_share": 0.0 if same else bones / max(3, min(len(our_bones), len(their_bones))),
        # "Import of CSV fails at ..." and "Import of CSV loses ...": a copied frame with other facts in it.
        "same_opening_other_facts": _opening(one, two) * left if same else 0.0,
        "lengths_differ": min(1.0, longer / shorter - 1),
    }


def _opening(one: str, two: str) -> float:
    """How many of the first words are the same in the same order, 0..1; one common word is chance."""
    count = 0
    for ours, theirs in zip(one.split()[:_OPENING_WORDS], two.split(), strict=False):
        if ours != theirs:
            break
        count += 1
    return max(0, count - 1) / (_OPENING_WORDS - 1)


def _agreements(comparison: Comparison) -> dict[str, float]:
    shared = comparison.shared
    others = sum(
        len(values)
        for kind, values in shared.items()
        if kind not in ("versions", "numbers", "endpoints", "symptom")
    )
    return {
        "shared_versions": float(min(2, len(shared.get("versions", ())))),
        "shared_numbers": float(min(3, len(shared.get("numbers", ())))),
        "shared_endpoints": float(min(2, len(shared.get("endpoints", ())))),
        "shared_symptoms": float(min(3, len(shared.get("symptom", ())))),
        "shared_families": float(min(4, others)),
    }


def _contradictions(comparison: Comparison, ours: Facts, theirs: Facts) -> dict[str, float]:
    conflicting = comparison.conflicting
    known = ("versions", "numbers", "endpoints", "symptom", *_PLATFORMS)
    none: frozenset[str] = frozenset()
    return {
        "conflicting_versions": float("versions" in conflicting),
        "conflicting_numbers": float("numbers" in conflicting),
        "conflicting_endpoints": float("endpoints" in conflicting),
        "conflicting_symptoms": float("symptom" in conflicting),
        "conflicting_platforms": float(sum(kind in conflicting for kind in _PLATFORMS)),
        "conflicting_families": float(sum(kind not in known for kind in conflicting)),
        "new_symptoms": float(
            min(3, len(ours.values.get("symptom", none) - theirs.values.get("symptom", none)))
        ),
    }


def cosine(report: Report, candidate: Candidate) -> float | None:
    """Cosine of the two vectors, pgvector's answer without them, None when neither is known."""
    if report.vector is not None and candidate.report.vector is not None:
        return float(report.vector @ candidate.report.vector)
    return candidate.similarity
