"""Reads the environment and .env; generates what a laptop needs and production must bring."""

import os
import secrets
from pathlib import Path

import environ
from cryptography.fernet import Fernet

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

#: Everything that `manage.py up` keeps: databases, secrets, exports.
DATA_DIR = (BASE_DIR / str(env("DATA_DIR", default=".devstack"))).resolve()


def made_folder(path: Path) -> Path:
    """A folder that only we may look into."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def kept_secret(name: str, make: str = "token") -> str:
    """NAME from the environment, else the value generated once and kept under DATA_DIR (mode 0600)."""
    given = str(env(name, default=""))
    if given:
        return given
    path = DATA_DIR / "secrets" / name.lower()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = Fernet.generate_key().decode() if make == "fernet" else secrets.token_urlsafe(48)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh)
    return fresh
