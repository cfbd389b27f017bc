"""The library through many schedules of faults, at each kind of registry."""

from typing import Any

import pytest
from hypothesis import given, settings

from tests.fakes.profiles import PROFILES, Profile
from tests.property.test_registry_faults import CIRCUMSTANCES, push_and_pull

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_faults_at_each_registry_end_in_the_same_image(profile: Profile) -> None:
    @settings(max_examples=200, deadline=None)
    @given(**CIRCUMSTANCES)
    def check(**drawn: Any) -> None:
        push_and_pull(profile, **drawn)

    check()
