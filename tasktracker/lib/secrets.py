"""Secrets at rest: encrypted with our own key ring, never with SECRET_KEY.

The first key of FIELD_ENCRYPTION_KEYS encrypts, every key decrypts; a saved row gets the first one.
"""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class CannotDecrypt(ValueError):
    """None of FIELD_ENCRYPTION_KEYS opens the stored value."""


class Sealed(str):
    """A stored value that nobody has opened yet."""

    __slots__ = ()


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


class _OpenedWhenRead(DeferredAttribute):
    """Decrypts a row's value when somebody asks for it; raises CannotDecrypt then, and only then."""

    field: models.Field[Any, Any]

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = json.loads(decrypt(value))
            self.__set__(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # With a setter the attribute goes before the row's __dict__, so that every look comes by here.
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON object that lies encrypted in the database, and is opened when it is read.

    A row whose key is lost loads with the others; saving it keeps what it has.
    """

    descriptor_class = _OpenedWhenRead

    if TYPE_CHECKING:  # what django-stubs takes a field for
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Sealed):
            return str(value)
        return None if value is None else encrypt(json.dumps(value, ensure_ascii=False))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value as it lies in the row: what nobody opened is saved as it is."""
        kept = model_instance.__dict__
        if self.attname in kept:
            return kept[self.attname]
        return super().pre_save(model_instance, add)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj), ensure_ascii=False)
