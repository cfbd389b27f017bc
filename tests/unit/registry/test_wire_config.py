"""The config of an image whose digest was verified: what is wrong with it is the image's."""

import pytest

from keynet.errors import RegistryError
from keynet.registry.wire import read_config


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"rootfs": {"type": "layers", "diff_ids": null}}', "rootfs.diff_ids"),
        (b'{"created": {"a": 1}}', "created"),
        (b"<html>", ""),
    ],
)
def test_a_damaged_config_is_not_blamed_on_the_address(content: bytes, said: str) -> None:
    with pytest.raises(RegistryError, match=f"config, which says how it runs.*{said}") as raised:
        read_config(content)
    assert "damaged" in raised.value.hint
    assert "proxy" not in raised.value.hint
