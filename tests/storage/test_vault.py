"""Sealing and unsealing, without a database."""

from base64 import urlsafe_b64decode

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import SecretsLocked, SecretUnreadable
from storage.vault import Vault

OWNER = ("T1", "app/1")
OLD, NEW = "an old key that is quite long enough", Fernet.generate_key().decode()
BOX = (
    "gAAAAABrASLQdLmW71T8u72vt6YiGpDa3M0nAPBrvwQknVKrz0PxAklgXmwt_Qzhfdkz7XKtsu3mdsO8"
    "l3LU108JExQd3mIXr4amY2MGRjziebcB-v4ojf8="
)
"""`text`, sealed for the owner with the old key."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_an_owner_reads_what_was_sealed_for_it(text: str, owner: list[str]) -> None:
    vault = Vault([NEW])
    box = vault.seal(text, owner=owner)
    assert vault.unseal(box, owner=owner) == text
    assert len(text) < 5 or text not in box


@pytest.mark.parametrize("other", [("T2", "app/1"), ("T1", "app/2"), ("T1",), ("T1", "app/1", "")])
def test_a_box_moved_to_another_owner_is_refused(other: tuple[str, ...]) -> None:
    box = Vault([NEW]).seal("text", owner=OWNER)
    with pytest.raises(SecretUnreadable):
        Vault([NEW]).unseal(box, owner=other)


@given(TEXTS, st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_no_owner_reads_what_another_owns(text: str, one: list[str], other: list[str]) -> None:
    vault = Vault([NEW])
    box = vault.seal(text, owner=one)
    if one != other:
        with pytest.raises(SecretUnreadable):
            vault.unseal(box, owner=other)


def test_the_first_key_seals_and_all_keys_open() -> None:
    before = Vault([OLD]).seal("text", owner=OWNER)
    both = Vault([NEW, OLD])
    assert both.unseal(before, owner=OWNER) == "text"
    after = both.seal("text", owner=OWNER)
    assert Vault([NEW]).unseal(after, owner=OWNER) == "text"
    with pytest.raises(SecretUnreadable):
        Vault([OLD]).unseal(after, owner=OWNER)


def test_a_fernet_key_is_taken_as_it_is() -> None:
    key = Fernet.generate_key()
    assert Fernet(key).decrypt(Vault([key.decode()]).seal("text", owner=OWNER)).endswith(b"text")


def test_the_same_text_is_the_same_key_in_every_release() -> None:
    """A box of the first release; were it not readable any more, every secret would be lost."""
    assert Vault([OLD]).unseal(BOX, owner=OWNER) == "text"


@pytest.mark.parametrize("key", ["", "k" * 31, "hush", "Zm9yLXRlc3RzLW9ubHktbm90LWEta2V5"[:31]])
def test_a_short_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="at least 32 characters") as caught:
        Vault([NEW, key])
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("key", ["k" * 32, "密" * 32, "+/" * 22 + "==", "k" * 4000])
def test_any_longer_text_is_a_key(key: str) -> None:
    vault = Vault([key])
    assert vault.unseal(vault.seal("text", owner=OWNER), owner=OWNER) == "text"


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    vault = Vault([])
    assert not vault.is_open
    assert Vault([NEW]).is_open
    with pytest.raises(SecretsLocked):
        vault.seal("text", owner=OWNER)
    with pytest.raises(SecretsLocked):
        vault.unseal("box", owner=OWNER)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_what_is_no_box_is_unreadable(box: str) -> None:
    with pytest.raises(SecretUnreadable):
        Vault([NEW, OLD]).unseal(box, owner=OWNER)


@given(st.integers(0, len(BOX.rstrip("=")) - 1), st.sampled_from("AZaz09-_"))
def test_a_box_with_any_letter_changed_is_unreadable(at: int, letter: str) -> None:
    changed = BOX[:at] + letter + BOX[at + 1 :]
    if urlsafe_b64decode(changed) != urlsafe_b64decode(BOX):
        with pytest.raises(SecretUnreadable):
            Vault([OLD]).unseal(changed, owner=OWNER)


def test_a_token_sealed_elsewhere_with_the_same_key_is_unreadable() -> None:
    for content in (b"text", b'["T1", "app/1"]text', b"\xff"):
        with pytest.raises(SecretUnreadable):
            Vault([NEW]).unseal(Fernet(NEW).encrypt(content).decode(), owner=OWNER)
