"""What `make fuzz` looks for with a fuzzer holds for its seeds, and for whatever comes to mind."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import seeds
from tests.fuzz.laws import LAWS


@pytest.mark.parametrize("law", LAWS)
def test_a_law_holds_for_everything_the_fuzzer_begins_with(law: str) -> None:
    found = seeds(law)
    assert found
    for seed in found:
        LAWS[law](seed)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(LAWS)), st.binary(max_size=400))
def test_a_law_holds_for_any_bytes(law: str, data: bytes) -> None:
    LAWS[law](data)
