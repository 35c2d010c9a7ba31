"""What processes tell each other."""

import pytest

from storage.notices import Stop, Wake, parse


@pytest.mark.parametrize(
    ("payload", "notice"), [("w", Wake()), ("s17", Stop(17)), ("", None), ("s", None), ("x1", None)]
)
def test_a_payload_of_another_release_is_no_notice(payload: str, notice: object) -> None:
    assert parse(payload) == notice
