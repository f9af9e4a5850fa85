"""One loop for async clients."""

from django.utils import translation

from tasktracker.lib import loop


async def language() -> str | None:
    return translation.get_language()


def test_what_runs_on_the_loop_speaks_the_language_of_its_caller():
    with translation.override("uk"):
        assert loop.run(language(), timeout=5) == "uk"

    with translation.override("en"):
        assert loop.run(language(), timeout=5) == "en"
