"""The cheap signs of a text: what a reader would point at, without understanding it."""

import math
import re
from functools import lru_cache

from tasktracker.lib.text import clean

MAX_CHARACTERS = 1200  # a longer text is a log: its head says what it is about

#: Signs that a reader would point at. Stems, so that Ukrainian endings and surzhyk do not matter.
CUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("question mark", r"\?"),
        ("ends with a question mark", r"\?[\s)(\W]*$"),
        ("exclamation", r"!"),
        ("shouting", r"!!"),
        ("ellipsis", r"\.\.\.|…"),
        ("several lines", r"\n"),
        ("link", r"https?://"),
        ("mention", r"(?:^|\s)@\w"),
        ("version", r"\bv?\d+\.\d+(?:\.\d+)?\b"),
        ("ticket", r"#\d+|\b[a-z]{2,8}-\d+\b|!\d{2,}"),
        ("quote", r"^\s*>|[«“\"].{15,}[»”\"]"),
        ("bot", r"^\W{0,4}(?:\[?(?:firing|resolved|alert|ok|problem|recovery)\b|pipeline|deploy)|[🔴🟢✅🚨📢]"),
        ("alert firing", r"firing|🔴|🚨|\balert|threshold|\bdown\b.{0,4}https?:|severity"),
        ("alert resolved", r"resolved|recovered|🟢|✅|passed|back to normal"),
        (
            "stack trace",
            (
                r"traceback|exception|error:|errno|panic:|\bat [\w.$]+\(|file \".+\", line|segfault"
                r"|nullpointer|undefined is not|stack ?trace|стектрейс"
            ),
        ),
        ("status code", r"\b(?:4\d\d|5\d\d)\b(?! ?(?:грн|uah|eur|usd|₴|\$|€))|\b5xx\b"),
        (
            "outage",
            (
                r"лежимо|лежить|лягл|\bліг\b|\bвпав|\bвпал|недоступн|\bdown\b|outage|unreachable|timed? ?out"
                r"|таймаут|не відкрива|не загруж|не груз|не пускає|can'?t log ?in|cannot log ?in|read-only"
                r"|unavailable|\b50[0234]\b|нічого не працює|все стоїть|падають"
            ),
        ),
        (
            "failure",
            (
                r"не прац|не робот|зламал|поламал|ламає|глюч|\bбаг|помилк|ошибк|падає|вилітає|зависа|завис"
                r"|крутиться|зник|пропа[влд]|злітає|дублю|двічі|не приход|не доход|не зберіг|не відправ|broken|broke\b"
                r"|\bbug|\berror|fail|crash|wrong|doesn'?t|does not|isn'?t|won'?t|not work|stuck|missing|freez"
                r"|hang|lost|vanish|disappear|blank|empty|twice|duplicat|instead of|спиня|замість|криво|порожн"
            ),
        ),
        (
            "money",
            (
                r"двічі|два рази|подвійн|twice|double|charged|debit|списа|списує|зняло|зняли|refund|поверн\w+ (?:кошт|грош)"
                r"|оплат|платіж|payment|payout|\bmoney|гроші|грошей|баланс|invoice|checkout|[€$₴]\s?\d|\d\s?(?:грн|uah|eur|usd)"
            ),
        ),
        (
            "exposure",
            (
                r"чуж[іеаиоу]|someone else|other (?:person|people|client|customer|user)|another (?:client|customer|user)"
                r"|парол|password|passwords|secret|token|\bkey\b|\bключ|\.env\b|leak|витік|expos|паспорт|passport|персональн"
                r"|без логін|no login|incognito|відкрит\w+ (?:назовні|на всіх)|phish|фішинг|hack|злама|xss|injection|deactivated"
            ),
        ),
        ("loss", r"gone|lost|deleted|wiped|зник|втрач|стерт|видал|пропа[лв]|нул[іья]|corrupt"),
        ("everybody", r"\bвсі\b|\bвсіх\b|\bусіх\b|\bусі\b|у всьому|\bevery|\beverything|everyone|nobody|ніхто|100 ?%|all (?:users|clients|customers|orders)|\ball\b"),
        ("now", r"зараз|негайн|терміново|срочно|urgent|asap|right now|immediately|\bnow\b|горить|швидше|this minute|алярм"),
        ("deadline", r"до (?:завтра|понеділка|вівторка|середи|четверга|п'?ятниці|кінця|\d)|deadline|дедлайн|by (?:monday|tuesday|wednesday|thursday|friday|tomorrow|\d)|before (?:the )?\w+|\beod\b|сьогодні|завтра|today|tomorrow"),
        ("blocked", r"блоку|заблок|blocker|blocking|blocked|не можемо|can'?t|cannot|unable"),
        ("minor", r"дрібн|косметик|не критичн|не горить|не терміново|no rush|no hurry|minor|cosmetic|typo|одрук|nitpick|small thing|tiny|пікс|pixel|nice to have|колись|someday|maybe"),
        ("prod", r"\bпрод\b|\bпроді\b|\bprod\b|production|боєвому|live site"),
        (
            "done",
            (
                r"поправи|пофікси|виправи|зроби[вл]|готово|задепло|викоти|відкоти|перемкну|перезапусти|піднял|закри[влтю]"
                r"|залив|вмерж|змерж|працює вже|вже працює|запрацюва|відпусти|перевіри[влі]|fixed|resolved|rolled back|reverted"
                r"|deployed|merged|shipped|released|restarted|works now|working again|is back|\bdone\b|closed|renewed|confirmed"
                r"|підтверджую|оновив|додав|повернув|відправи[вл]|надісла"
            ),
        ),
        ("taking it", r"гляну|дивлюсь|дивлюся|подивлюсь|беру|займусь|зараз перевір|looking|on it|i'?ll |will do|taking|let me|checking|i see"),
        ("mine", r"мій косяк|my (?:bad|mistake|fault)|not a bug|не баг|false alarm|хибна тривога|моя помилка|наплута|це я\b|user error|так задумано"),
        ("thanks", r"дякую|дяки|спасиб|спс|thank|thx|cheers|🙏"),
        ("greeting", r"^\W*(?:привіт|доброго|добрий|вітаю|всім|hi\b|hello|hey\b|morning|good morning)"),
        ("agreement", r"^\W*(?:ок|окей|ага|так|да|угу|добре|супер|клас|ok|okay|yes|yep|yeah|sure|great|nice|cool|agreed|\+1|\+)\b"),
        ("negation at the start", r"^\W*(?:ні|нє|no|nope|not)\b"),
        ("laughter", r"хаха|ахах|lol|haha|😂|🤣|😄|\)\)"),
        (
            "asks",
            (
                r"^\W*(?:а |і |and |so |but |@\w+,? |\w+, ?(?:а )?)?(?:хто|що|шо|де|коли|як|чому|навіщо|скільки|який|яка|яке|які|чи|куди|звідки"
                r"|who|what|where|when|how|why|which|does|do|did|is|are|can|could|should|has|have|any|anyone|will)\b"
            ),
        ),
        ("asks for access", r"доступ|access|права на|permission|invite|запрос|credentials|хто знає|хтось знає|підкаж|anyone know|who (?:has|knows|owns|can)|хто має|де (?:лежить|взяти|знайти)|where (?:is|are|can|do)|link to|лінк на"),
        (
            "wish",
            (
                r"було б|хотілося|хочеться|хочу|хочуть|хоче\b|хотіли|варто|давайте|можна (?:було б )?(?:додати|зробити|щоб)|додайте|зробіть|зробити|прикрут|треба|потрібн|потрібен"
                r"|пропозиці|ідея|would be|could we|can we (?:have|get|add|make)|please add|\badd\b|feature|wish|\bidea\b|suggest|support for"
                r"|i'?d (?:like|love)|we need|\bneed\b|should (?:be able|have|let)|allow|бракує|не вистачає|нема способу|a way to|\bwant|let me|щоб можна|instead of having"
            ),
        ),
        ("please", r"будь ласка|please|\bpls\b|плз|прошу"),
        ("event", r"мітинг|meeting|call\b|стендап|standup|демо|ретро|retro|планування|planning|maintenance|обслуговування|роботи на|freeze|фриз|postmortem|постмортем|нагадую|reminder|heads up|fyi|до відома"),
        ("absence", r"відпуст|лікарн|sick|vacation|\booo\b|day off|з дому|обід|lunch|запізню|вихідн"),
        ("me too", r"\bтеж\b|\bтож\b|також|і в мене|\bі у |так само|same here|me too|same (?:for|thing|on)|another one|ще од(?:ин|на|не)|знову|\bagain\b|підтверджую|confirm"),
        ("told by others", r"пише|пишуть|скарж|дзвон|питають|каже,? що|кажуть|customer|client|clients|users? (?:say|report|complain|write)|tickets?\b|звернен|complain|клієнт|юзер|користувач|покупц|на лінії"),
        ("steps", r"repro|\bsteps?\b|кроки|очіку|expected|expect\b|відтвор|воспроизв|насправді|actual|скрін|screenshot|лог[иі]\b"),
        ("many", r"\b\d{2,}(?:[ ,.]\d{3})* ?(?:кліє|корист|люд|замов|звер|заяв|пацієн|студ|учн|рахун|user|client|custom|order|people|guest|host|ticket|booking|patient|device|shop|store)|сотн|тисяч|thousand|hundreds|\d ?(?:тис|млн|k)\b"),
        ("percent", r"\d ?%"),
        ("amount", r"\d[\d ,.]* ?(?:грн|uah|eur|usd|євро|дол|₴|€|\$|£|zł)|[€$₴£] ?\d"),
        ("workaround", r"workaround|work around|обхід|обійти|поки що|вручну|руками|manually|by hand|in the meantime|в обхід|тимчасов|можна через|instead i"),
        ("law", r"закон|штраф|\bсуд|gdpr|нбу|податков|\bдпс|регулятор|regulator|\blaw\b|legal|penalt|\bfine\b|audit|аудит|перевірк|комплаєнс|compliance|ліценз|мін(?:істер|юст)|моз\b"),
        ("deal", r"контракт|договір|договор|contract|renewal|prospect|\bdeal\b|\bsla\b|піде від нас|підемо|leav(?:e|ing)|churn|відмов|розірв|демо для|tender|тендер"),
        ("harm", r"алерг|інсулін|пацієнт|patient|allerg|insulin|injur|травм|пожеж|\bfire\b|smoke|дим|небезпе|danger|safety|швидк[ау]|ambulance|поліці|police|дитин|дітей|child|kids"),
        ("waiting", r"чекають|чекає|стоять|в черзі|черга|waiting|queue|in line|standing|stuck at|простою|зупин"),
        ("looks", r"колір|кольор|шрифт|відступ|іконк|вирівн|\bfont|colou?r|\bicon|align|spacing|tooltip|підказк|обріза|cut off|overlap|налазить|літер|spelling|label|підпис|картинк|logo|лого|shadow|тінь|padding|margin"),
        ("nice to have", r"приємн|зручн|було б (?:добре|класно|круто|гарно|непогано)|would be (?:nice|great|lovely|handy|cool)|handy|convenien|якось|при нагоді|when you have time|на майбутнє|одного дня|one day|мрі"),
        ("each time", r"щоразу|кожен раз|щодня|щотиж|every (?:time|day|week|monday|morning)|each time|always|завжди|постійно|годин[уи] на|hours? (?:a|per|every)"),
        ("one only", r"в одного|в одної|один (?:клієнт|корист|юзер|раз)|one (?:user|client|customer|guest|person)|тільки (?:у|в) мене|only (?:me|for me)|just me|лише в"),
        ("money wrong", r"(?:списал|списан|знял|зняло|charged|paid|refunded|оплат\w*|виплат\w*) ?(?:\w+ ){0,3}(?:двічі|два рази|подвійн|twice|double|again|знов)|подвійн\w+ (?:спис|оплат|випл|плат)|double[- ](?:charge|payment|pay|bill)|duplicate (?:charge|payment|payout)|не (?:той|ті|тому) (?:рахун|iban|сум)|wrong (?:account|amount|iban)"),
        ("backup", r"бекап|бєкап|backup|restore|репліка|replica|дамп|\bdump"),
        ("payment stopped", r"(?:не мож\w+|неможливо|can(?:'t|not)|unable to|nobody can|ніхто не мож\w*) ?(?:\w+ ){0,2}(?:оплат|заплат|купи|замов|увійти|зайти|залогін|pay|buy|order|book|check ?out|log ?in|sign ?in)"),
        ("progress", r"\bпр\b|\bpr\b|\bmr\b|рев'ю|review|стейдж|staging|на тест|в тест|білд|\bbuild|беклог|backlog|спринт|sprint|борд|board|тікет|ticket|\bjira|\bтаск"),
        ("cause", r"\bбо\b|тому що|because|причина|root cause|виявилось|виявилося|turns out|це через|it was|то був|the reason|ага,|\bah\b|oh,? i|ясно|got it|зрозум"),
    )
)  # fmt: skip

CUE_COUNT = len(CUES) + 6


@lru_cache(maxsize=4096)  # a message is a neighbour of the next ones
def cues(text: str) -> tuple[float, ...]:
    """The cheap signs of one text: CUES as 0 or 1, then length, words, letters and digits."""
    text = clean(text)[:MAX_CHARACTERS]
    lowered = text.lower().replace("’", "'").replace("ʼ", "'")
    letters = sum(character.isalpha() for character in text)
    words = len(text.split())
    return (
        *(float(pattern.search(lowered) is not None) for _name, pattern in CUES),
        math.log1p(len(text)) / 5,
        float(words <= 3),
        float(words <= 8),
        float(letters == 0),
        sum(character.isdigit() for character in text) / max(len(text), 1),
        sum(character.isupper() for character in text) / max(letters, 1),
    )
