"""What is long to make is kept from one run to the next."""

from pathlib import Path

import pytest

from keynet.files import disk_cache


def test_what_another_version_kept_goes_when_it_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thing-older").write_bytes(b"older")
    (tmp_path / "another-older").write_bytes(b"another")
    disk_cache.kept(tmp_path, "thing", "newer", lambda: b"newer")
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(disk_cache, "_UNUSED_S", -1)
    disk_cache.kept(tmp_path, "thing", "newest", lambda: b"newest")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another-older", "thing-newest"]
