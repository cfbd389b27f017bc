"""What a remembered result of an engine belongs to."""

import pytest

from keynet.runtime.probing import cache_key


def test_a_result_in_another_language_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    keys = {}
    for language in ("en", "en_GB", "xx", "ko"):
        monkeypatch.setenv("LANGUAGE", language)
        keys[language] = cache_key.of("docker", ["unix:///run/docker.sock"])
    assert keys["en"] == keys["en_GB"] == keys["xx"] != keys["ko"]
