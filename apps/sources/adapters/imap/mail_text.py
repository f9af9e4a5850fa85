"""What the writer of a mail has written: without the mails that it answers and without signatures."""

import re

LONGEST_SIGNATURE = 12  # lines below a closing
MAX_ATTRIBUTION = 3  # lines over which "On Monday ... wrote:" may be broken

_WROTE = re.compile(
    r"\b(?:wrote|пише|писав|писала|написав|написала|пишет|написал)\s*(?:\(-?\w{1,4}\))?\s*:$",
    re.IGNORECASE,
)
_WHEN_OR_WHO = re.compile(r"on\b|.*[\d@]", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"-{3,}\s*(?:Original Message|Original Appointment|Початкове повідомлення|Оригінальне повідомлення"
    r"|Вихідне повідомлення|Исходное сообщение)\s*-{3,}|_{20,}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\W{0,2}(?:From|Від|Від кого|От)\W{0,2}:.*\S", re.IGNORECASE)
_BESIDE_FROM = re.compile(
    r"\W{0,2}(?:Sent|Date|To|Cc|Subject|Надіслано|Відправлено|Дата|Кому|Копія|Тема|Отправлено)\W{0,2}:",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"-{3,}\s*(?:Forwarded message|Переслане повідомлення|Пересланное сообщение)\s*-{3,}"
    r"|Begin forwarded message:|Початок переспрямованого повідомлення:",
    re.IGNORECASE,
)
_FORWARDING = re.compile(r"\s*(?:fwd?|wg|пересл|пер|перенаправлено)\s*:", re.IGNORECASE)
_ANSWERING = re.compile(r"\s*(?:re|aw|відп|вiдп|на|отв)(?:\[\d+\])?\s*:\s*", re.IGNORECASE)
_DEVICE = re.compile(
    r"(?:Sent from|Sent with|Get Outlook for|Надіслано з|Надіслано через|Відправлено з|Отримайте Outlook для"
    r"|Отправлено с)\b.{0,80}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:З (?:найкращими )?(?:повагою|побажаннями)|(?:Best|Kind|Warm) (?:regards|wishes)|Regards|Sincerely)[\s,.!]*",
    re.IGNORECASE,
)


def is_forward(subject: str) -> bool:
    """Whether it passes on what somebody else has written, which is then what it says."""
    return bool(_FORWARDING.match(subject))


def bare_subject(subject: str) -> str:
    """Without `Re:`, however often it was answered."""
    position = 0
    while found := _ANSWERING.match(subject, position):
        position = found.end()
    return subject[position:].strip()


def own_words(text: str, *, keeps_quotes: bool = False) -> str:
    """The text without quotes and signatures; line ends and blank lines are put in order."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if not keeps_quotes:
        lines = _without_quotes(lines)
    lines = _without_signature(lines)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        if _FORWARDED.match(line.strip()):  # what is passed on is said, too
            return kept + lines[position:]
        if line.lstrip().startswith(">"):
            position += 1
            continue
        if _SEPARATOR.fullmatch(line.strip()) or _begins_headers(lines, position):
            break
        if length := _attribution(lines, position):
            position += length
            # Whoever answers below quotes first; where nothing is marked, all that follows is quoted.
            if not _is_marked(lines, position):
                break
            continue
        kept.append(line)
        position += 1
    return kept


def _attribution(lines: list[str], position: int) -> int:
    """Over how many lines somebody is said to have written what follows; 0 for no such words."""
    joined = ""
    for length, line in enumerate(lines[position : position + MAX_ATTRIBUTION], start=1):
        if not line.strip() or len(line) > 300:
            return 0
        joined = f"{joined} {line.strip()}".strip()
        if _WROTE.search(joined[-40:]) and _WHEN_OR_WHO.match(joined):
            return length
    return 0


def _is_marked(lines: list[str], position: int) -> bool:
    following = (line.strip() for line in lines[position : position + 5])
    return next((line for line in following if line), "").startswith(">")


def _begins_headers(lines: list[str], position: int) -> bool:
    """Outlook puts the headers of what it quotes above it: two of them below a sender are no chance."""
    if not _FROM.fullmatch(lines[position].strip()[:500]):
        return False
    below = [line.strip() for line in lines[position + 1 : position + 8] if line.strip()][:4]
    return sum(bool(_BESIDE_FROM.match(line)) for line in below) >= 2


def _without_signature(lines: list[str]) -> list[str]:
    if "--" in lines:
        lines = lines[: lines.index("--")]
    end = len(lines)
    while end and (not lines[end - 1].strip() or _DEVICE.fullmatch(lines[end - 1].strip())):
        end -= 1
    lines = lines[:end]
    for back in range(1, min(LONGEST_SIGNATURE, len(lines)) + 1):
        if _CLOSING.fullmatch(lines[-back].strip()[:100]):
            return lines[:-back]
    return lines
