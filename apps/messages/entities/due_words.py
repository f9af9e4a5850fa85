"""The words of both languages for days and times, as pieces of regular expressions."""

WEEKDAYS = (
    r"monday|mon\b|понеділ[о]?к\w*|пн\b",
    r"tuesday|tue\b|вівтор[о]?к\w*|вт\b",
    r"wednesday|wed\b|серед[аиіу]|ср\b",
    r"thursday|thu\b|четвер\w*|чт\b",
    r"friday|fri\b|п['’ʼ]?ятниц\w*|пт\b",
    r"saturday|sat\b|субот\w*|сб\b",
    r"sunday|sun\b|неділ[яіюею]+|нд\b",
)
MONTHS = (
    r"jan(?:uary)?|січ(?:ня|ень|ні)?", r"feb(?:ruary)?|лют(?:ого|ий|ому)", r"mar(?:ch)?|берез(?:ня|ень|ні)",
    r"apr(?:il)?|квіт(?:ня|ень|ні)", r"may|трав(?:ня|ень|ні)", r"june?|черв(?:ня|ень|ні)", r"july?|лип(?:ня|ень|ні)",
    r"aug(?:ust)?|серп(?:ня|ень|ні)", r"sept?(?:ember)?|верес(?:ня|ень|ні)", r"oct(?:ober)?|жовт(?:ня|ень|ні)",
    r"nov(?:ember)?|листопад[аі]?", r"dec(?:ember)?|груд(?:ня|ень|ні)",
)  # fmt: skip
WEEKDAY = "(?:" + "|".join(WEEKDAYS) + r")(?!\w)"
MONTH = "(?:" + "|".join(MONTHS) + r")\b"

_HOUR = r"(?:[01]?\d|2[0-3])"
CLOCK = rf"(?:{_HOUR}:[0-5]\d(?:\s?[ap]m\b)?|(?:1[0-2]|0?[1-9])\s?[ap]m\b)(?:\s(?:UTC|CET|CEST|EET|EEST|GMT|EST|EDT|PST|PDT|JST|Kyiv|Київ)\b)?(?:\ssharp)?"
PART = r"morning|noon|midday|midnight|afternoon|evening|night|lunch|eod|cob|вечора|вечером|ввечері|увечері|ранку|зранку|вранці|обіду|опівночі|полудня"
TIME = rf"(?:(?:at|о|об|до|by|before)\s)?{CLOCK}|(?:після\s|до\s)?(?:{PART})|о\s{_HOUR}(?![\d:.%])"

_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)"
DATE = (
    rf"(?:the\s)?\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{MONTH}(?:\s20\d\d)?"
    rf"|{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?!\d|[:.]\d)"
    r"|\d{1,2}\.\d{2}(?:\.(?:20)?\d\d)?(?![\d.])|20\d\d-\d\d-\d\d"
    rf"|the\s{_ORDINAL}|\d{{1,2}}-(?:го|те|е)|\d{{1,2}}\sчисла"
)
PERIOD_END = (
    r"(?:the\s)?end of (?:the\s|this\s|next\s)?(?:day|week|month|quarter|year|sprint|q[1-4]|"
    rf"{MONTH})|eod|eow|eom|cob|кінця\s(?:(?:цього|наступного)\s)?(?:дня|тижня|місяця|кварталу|року|спринту|{MONTH})"
)
RELATIVE = (
    r"today|tonight|tomorrow|this (?:morning|afternoon|evening)|сьогодні(?:\sж)?|завтра|післязавтра"
)
DAY = rf"(?:{RELATIVE}|(?:next\s|this\s|наступн\w+\s|цю\s|цієї\s|цього\s)?{WEEKDAY}|{DATE}|{PERIOD_END})(?!\w)"
MOMENT = rf"(?:(?:eod|cob|end of day|кінця дня)\s{DAY}|{DAY}(?:,?\s(?:{TIME})(?!\w))?|(?:{CLOCK}|о\s{_HOUR}(?![\d:.%])|{PART})(?!\w)(?:\s(?:{DAY}))?)"
