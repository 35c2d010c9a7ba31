"""How secrets are sealed: with the operator's keys, of which the first seals and all open.

A box is a Fernet token, which nobody can read or change without the key. Its owner is sealed in,
so that a box put in the place of another does not open there.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import SecretsLocked, SecretUnreadable

MIN_KEY_CHARS = 32
"""For a key that is any text; it should be random, because deriving does not slow guessing."""

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
"""As `Fernet.generate_key` writes them: URL-safe base64 (cryptography docs, "Fernet")."""
_KEY_BYTES = 32
_PURPOSE = b"dashscope-slack: secrets at rest"


class Vault:
    """Seals texts and opens what it sealed.

    Args:
        keys: Each a Fernet key, or any text of at least 32 characters. The first seals, all open.
            None at all: the vault stays shut.

    Raises:
        ValueError: A key is too short; the text does not tell which.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [_fernet(key) for key in keys]
        self._fernets = MultiFernet(fernets) if fernets else None

    @property
    def is_open(self) -> bool:
        """Whether there is a key."""
        return self._fernets is not None

    def seal(self, text: str, *, owner: Sequence[str]) -> str:
        """Return a box for an owner.

        Raises:
            SecretsLocked: There is no key.
        """
        return self._opened().encrypt(_label(owner) + text.encode()).decode()

    def unseal(self, box: str, *, owner: Sequence[str]) -> str:
        """Return what is in an owner's box.

        Raises:
            SecretsLocked: There is no key.
            SecretUnreadable: No key fits, the box is damaged or it is somebody else's.
        """
        try:
            content = self._opened().decrypt(box)
        except (InvalidToken, ValueError):  # the latter for a box that is no token at all
            raise SecretUnreadable from None
        label = _label(owner)
        if not content.startswith(label):
            raise SecretUnreadable
        return content.removeprefix(label).decode()

    def _opened(self) -> MultiFernet:
        if self._fernets is None:
            raise SecretsLocked
        return self._fernets


def _label(owner: Sequence[str]) -> bytes:
    """Return one line that no other owner's begins with: JSON has no line breaks of its own."""
    return json.dumps([*owner]).encode() + b"\n"


def _fernet(key: str) -> Fernet:
    if _FERNET_KEY.fullmatch(key):
        return Fernet(key)
    if len(key) < MIN_KEY_CHARS:
        raise ValueError(
            f"each key must be a Fernet key or any text of at least {MIN_KEY_CHARS} characters"
        )
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return Fernet(urlsafe_b64encode(derivation.derive(key.encode())))
