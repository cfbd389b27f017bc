"""What of the host's network reaches a build."""

import os
import subprocess
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe import certificates, hostnetwork
from keynet.recipe.hostnetwork import Detected


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA's certificate in PEM."""
    folder = tmp_path_factory.mktemp("ca")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=company"]
    argv += ["-keyout", str(folder / "key"), "-out", str(folder / "ca.crt")]
    subprocess.run(argv, check=True, capture_output=True)
    return folder / "ca.crt"


def _detect(home: Path, *global_files: Path, **environment: str) -> Detected:
    # No system bundle: the machine that runs the tests must not matter.
    environment.setdefault("SSL_CERT_DIR", str(home / "absent"))
    return hostnetwork.detect(
        environment, home, global_files=global_files, site_prefix=home / "prefix"
    )


def _pip_conf(detected: Detected) -> str:
    return detected.network.pip_conf.reveal() if detected.network.pip_conf else ""


def test_a_plain_host_has_no_settings(tmp_path: Path) -> None:
    detected = _detect(tmp_path)
    assert detected.network.proxies == {}
    assert detected.network.ca_bundle is None
    assert detected.network.pip_conf is None
    assert detected.notices == ()


def test_proxies_come_in_both_spellings(tmp_path: Path) -> None:
    found = _detect(tmp_path, HTTPS_PROXY="http://p:1", no_proxy="a,b", ALL_PROXY="").network
    assert {name: value.reveal() for name, value in found.proxies.items()} == {
        "HTTPS_PROXY": "http://p:1",
        "NO_PROXY": "a,b",
        "https_proxy": "http://p:1",
        "no_proxy": "a,b",
    }


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    url = "https://u:s3cret@example.com/simple"
    detected = _detect(tmp_path, HTTPS_PROXY="http://u:s3cret@p:1", PIP_INDEX_URL=url)
    assert "s3cret" not in repr(detected)


def test_pip_variables_are_taken(tmp_path: Path) -> None:
    detected = _detect(
        tmp_path,
        PIP_INDEX_URL="https://a/simple",
        PIP_EXTRA_INDEX_URL="https://b/simple https://c/simple",
        PIP_TRUSTED_HOST="b c",
        PIP_FIND_LINKS="https://d/links",
        PIP_DEFAULT_TIMEOUT="99",
        PIP_QUIET="1",
    )
    assert _pip_conf(detected) == (
        "[global]\n"
        "extra-index-url = https://b/simple\n    https://c/simple\n"
        "find-links = https://d/links\n"
        "index-url = https://a/simple\n"
        "timeout = 99\n"
        "trusted-host = b\n    c\n"
    )


def test_files_count_in_pips_order(tmp_path: Path) -> None:
    machine = tmp_path / "etc.conf"
    machine.write_text(
        "[global]\nindex-url = https://machine\ntimeout = 1\n[install]\nretries = 1\n"
    )
    user = tmp_path / ".config" / "pip" / "pip.conf"
    user.parent.mkdir(parents=True)
    user.write_text("[global]\nindex_url = https://user\nretries = 2\n")
    named = tmp_path / "named.conf"
    named.write_text("[install]\nproxy = http://named\n[list]\nformat = json\n")
    detected = _detect(tmp_path, machine, PIP_CONFIG_FILE=str(named), PIP_TIMEOUT="3")
    assert _pip_conf(detected) == (
        "[global]\nindex-url = https://user\nproxy = http://named\nretries = 1\ntimeout = 3\n"
    )


def test_old_user_file_and_the_environments_own_are_read(tmp_path: Path) -> None:
    for folder, line in ((".pip", "index-url = https://old"), ("prefix", "timeout = 7")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pip.conf").write_text(f"[global]\n{line}\n")
    assert _pip_conf(_detect(tmp_path)) == "[global]\nindex-url = https://old\ntimeout = 7\n"


def test_dev_null_switches_files_off(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://a\n")
    assert _pip_conf(_detect(tmp_path, file, PIP_CONFIG_FILE="/dev/null")) == ""


def test_indexes_on_this_disk_are_reported_and_not_used(tmp_path: Path) -> None:
    detected = _detect(
        tmp_path,
        PIP_INDEX_URL="file:///srv/simple",
        PIP_EXTRA_INDEX_URL="https://a/simple file:///srv/more",
        PIP_FIND_LINKS="/srv/wheels",
        PIP_NO_INDEX="1",
    )
    assert _pip_conf(detected) == "[global]\nindex-url = https://a/simple\nno-index = 1\n"
    said = " ".join(notice.text for notice in detected.notices)
    for part in ("file:///srv/simple", "file:///srv/more", "/srv/wheels"):
        assert part in said


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"PIP_INDEX_URL": "file:///srv/simple"}, "no-index = true"),
        (
            {"PIP_INDEX_URL": "file:///srv/simple", "PIP_EXTRA_INDEX_URL": "https://a https://b"},
            "extra-index-url = https://b\nindex-url = https://a",
        ),
        ({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels"}, "no-index = 1"),
        ({"PIP_NO_INDEX": "1"}, "no-index = 1"),
        ({"PIP_FIND_LINKS": "/srv/wheels"}, ""),
    ],
)
def test_the_public_index_is_not_asked_in_the_place_of_this_disk(
    tmp_path: Path, settings: dict[str, str], expected: str
) -> None:
    expected = f"[global]\n{expected}\n" if expected else ""
    assert _pip_conf(_detect(tmp_path, **settings)) == expected


def test_client_certificate_is_not_sent(tmp_path: Path) -> None:
    detected = _detect(tmp_path, PIP_CLIENT_CERT="/home/key.pem")
    assert _pip_conf(detected) == ""
    assert "client certificate" in detected.notices[0].text


def test_uv_settings_are_used_where_pip_has_none(tmp_path: Path) -> None:
    detected = _detect(
        tmp_path, UV_DEFAULT_INDEX="https://a/simple", UV_INDEX="corp=https://b/simple"
    )
    assert "index-url = https://a/simple" in _pip_conf(detected)
    assert "extra-index-url = https://b/simple" in _pip_conf(detected)
    both = _detect(tmp_path, UV_INDEX_URL="https://a/simple", PIP_INDEX_URL="https://b/simple")
    assert _pip_conf(both) == "[global]\nindex-url = https://b/simple\n"


def test_netrc_passwords_reach_their_hosts_only(tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine a login user password p@ss\n")
    netrc.chmod(0o600)
    detected = _detect(
        tmp_path, PIP_INDEX_URL="https://a:1/simple", PIP_EXTRA_INDEX_URL="https://b https://x:y@a/"
    )
    assert "index-url = https://user:p%40ss@a:1/simple" in _pip_conf(detected)
    assert "extra-index-url = https://b\n    https://x:y@a/" in _pip_conf(detected)


def test_a_netrc_that_is_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".netrc")
    detected = _detect(tmp_path, PIP_INDEX_URL="https://index.example.com/simple")
    assert "index-url = https://index.example.com/simple" in _pip_conf(detected)


@pytest.mark.parametrize("content", [b"index-url = https://u:s3cret@a\n", b"\xff"])
def test_broken_settings_are_ignored_and_named_without_their_lines(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "pip.conf"
    file.write_bytes(content)
    detected = _detect(tmp_path, file, PIP_TIMEOUT="3")
    assert _pip_conf(detected) == "[global]\ntimeout = 3\n"
    assert "pip.conf cannot be read" in detected.notices[0].text
    assert "s3cret" not in detected.notices[0].text


def test_missing_bundle_is_a_warning_for_builds_that_do_not_need_it(tmp_path: Path) -> None:
    detected = _detect(tmp_path, SSL_CERT_FILE=str(tmp_path / "gone"))
    assert detected.network.ca_bundle is None
    assert "gone, set on this machine, cannot be used" in detected.notices[0].text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_named_bundle_is_used_alone(tmp_path: Path, authority: Path, name: str) -> None:
    found = hostnetwork.detect({name: str(authority)}, tmp_path, global_files=()).network
    assert found.ca_bundle == authority.read_bytes()


@pytest.mark.medium
def test_the_bundle_of_pips_settings_is_used(tmp_path: Path, authority: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\ncert = {authority}\n")
    assert _detect(tmp_path, file).network.ca_bundle == authority.read_bytes()


def test_directory_of_certificates_is_joined(tmp_path: Path, authority: Path) -> None:
    (tmp_path / "certs").mkdir()
    for name in ("a.pem", "b.crt", "README"):
        (tmp_path / "certs" / name).write_bytes(b"# note\r\n" + authority.read_bytes())
    found = certificates.bundle({"SSL_CERT_DIR": f"{tmp_path}/absent:{tmp_path}/certs"}, None)
    assert found == authority.read_bytes()
    assert certificates.bundle({"PIP_CERT": str(tmp_path / "certs")}, None) == found


def test_the_system_bundle_is_used_only_where_it_has_more_than_pips(
    tmp_path: Path, authority: Path
) -> None:
    pip_bundle = certificates._pip_bundle().read_bytes()
    system = tmp_path / "system.crt"
    system.write_bytes(pip_bundle)
    assert certificates.bundle({}, None, (str(tmp_path / "absent"), str(system))) is None
    system.write_bytes(authority.read_bytes())
    found = certificates.bundle({}, None, (str(system),))
    assert found is not None
    assert found.count(b"BEGIN CERTIFICATE") == pip_bundle.count(b"BEGIN CERTIFICATE") + 1
    assert authority.read_bytes() in found
    assert certificates.bundle({}, None, ()) is None


def test_unusable_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContextInvalid, match=r"CA certificates .*absent"):
        certificates.bundle({"PIP_CERT": str(tmp_path / "absent")}, None)
    (tmp_path / "empty").write_text("")
    with pytest.raises(ContextInvalid, match="no PEM certificate"):
        certificates.bundle({}, str(tmp_path / "empty"))
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(ContextInvalid, match="too large"):
        certificates.bundle({}, str(tmp_path / "huge"))
