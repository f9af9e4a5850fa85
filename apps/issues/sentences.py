"""Takes a text apart into its sentences: an abbreviation, an initial or a number ends none."""

import re

#: What may end a sentence. Before a small letter it goes on.
_END = re.compile(r"(?<=[.!?…])[\"»”']?\s+(?=[^a-zа-яіїєґ]|\Z)|\n+")
_ABBREVIATIONS = (
    "вул ул просп пр-т бульв пров пл буд корп кв під'їзд обл р-н смт тел"
    " рр ст грн коп тис млн млрд вер ін інш напр див бл прибл приб зав заст ім"
    " гр проф доц акад св оз табл мал стор розд п/п"
    " ver vs etc approx mr mrs ms dr prof sr jr st inc ltd dept est fig incl excl"
    " resp cf"
)
_SHORTENED = frozenset(_ABBREVIATIONS.split())
#: A word with its full stop at the end of the text; inner ones make "т.д." and "e.g.".
_LAST_WORD = re.compile(
    r"(?<![\w.])(?P<word>[^\W\d_][\w'’ʼ/-]{0,12}|(?:[^\W\d_]{1,2}\.){1,4}[^\W\d_]{1,2})\.\Z"
)
_LOOKED_AT = 20  # characters before an end
_STEP = re.compile(r"[.:;!?\n]\s*\d{1,2}\.\Z")
_NUMBERED = re.compile(r"\d{1,2}[.)]\s")  # the next step of a list


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, without what stands between them."""
    found, start = [], 0
    for end in _END.finditer(text):
        if "\n" in end.group() or not _goes_on(text, end):
            found.append(text[start : end.start()])
            start = end.end()
    found.append(text[start:])
    return [sentence for sentence in found if sentence.strip()]


def _goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether this full stop only shortens a word, or a number follows it."""
    if text[end.start() - 1] != ".":
        return False
    if text[end.end() : end.end() + 1].isdigit() and not _NUMBERED.match(text, end.end()):
        return True
    before = text[max(0, end.start() - _LOOKED_AT) : end.start()]
    if _STEP.search(before):
        return True
    last = _LAST_WORD.search(before)
    return last is not None and _is_shortened(last["word"])


def _is_shortened(word: str) -> bool:
    """Known, an initial, or letters with full stops between them."""
    if "." in word or len(word) == 1:
        return True
    return word.casefold() in _SHORTENED
