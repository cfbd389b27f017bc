"""What of this host decides how podman and buildah run."""

from pathlib import Path

from keynet.runtime.engines.podman_like import podman_host


def test_only_the_users_own_subordinate_ids_count(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    assert podman_host.own_lines(file, {"me"}) == []
    file.write_text("me:1:2\nother:3:4\n")
    assert podman_host.own_lines(file, {"me", "1000"}) == ["me:1:2"]
