"""Secrets at rest: encrypted with our own key ring, never with SECRET_KEY.

The first key of FIELD_ENCRYPTION_KEYS encrypts, every key decrypts; `rotate_field_keys` rewrites rows.
"""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class CannotDecrypt(Exception):
    """None of FIELD_ENCRYPTION_KEYS opens the stored value."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def key_ring() -> MultiFernet:
    return _ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    return key_ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raise CannotDecrypt instead of handing the ciphertext on."""
    try:
        return key_ring().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise CannotDecrypt("no key of FIELD_ENCRYPTION_KEYS opens this value") from error


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON object that lies encrypted in the database."""

    if TYPE_CHECKING:  # what django-stubs takes a field for
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(json.dumps(value, ensure_ascii=False))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(decrypt(value))

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj), ensure_ascii=False)
