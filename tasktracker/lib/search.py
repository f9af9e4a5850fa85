"""Search by part of a word that the trigram index can answer.

Django's `icontains` compares UPPER(column), which no index of ours is made on; `holds` is ILIKE.
"""

from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import Contains


@CharField.register_lookup
@TextField.register_lookup
class Holds(Contains):
    """`field__holds="50%"`: the text is somewhere inside, in any case; % and _ mean themselves."""

    lookup_name = "holds"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"ILIKE {rhs}"
