"""How the mounts of a run are read: what engines understand, whatever the folder's name."""

from pathlib import Path

import pytest

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.mounts import mount_flag, mounted_at
from tests.tables import table

HERE = Path("/here")


@table(
    ("text", "flag"),
    [
        ("data:/data", "type=bind,source=/here/data,target=/data"),
        ("/srv/x:/data:ro", "type=bind,source=/srv/x,target=/data,readonly"),
        ("a,b:/data", 'type=bind,"source=/here/a,b",target=/data'),
        ("type=bind,src=./d,dst=/data", "type=bind,src=/here/d,dst=/data"),
        ("type=bind,src=d,dst=/data", "type=bind,src=/here/d,dst=/data"),
        ('type=bind,"src=a,b",dst=/data', 'type=bind,"src=/here/a,b",dst=/data'),
        ("src=/a,target=/b,readonly", "type=bind,src=/a,target=/b,readonly"),
        ("type=volume,source=cache,target=/c", "type=volume,source=cache,target=/c"),
        (
            "type=image,source=localhost/data,target=/c",
            "type=image,source=localhost/data,target=/c",
        ),
        ("type=tmpfs,target=/c", "type=tmpfs,target=/c"),
    ],
)
def test_a_mount_of_a_folder_has_an_absolute_source(text: str, flag: str) -> None:
    assert mount_flag(text, HERE) == flag


def test_the_folder_of_the_command_may_have_a_comma() -> None:
    flag = mount_flag("data:/data", Path('/a,b "c"'))
    assert flag == 'type=bind,"source=/a,b ""c""/data",target=/data'
    assert mounted_at(flag) == "/data"


@table(
    "text",
    [
        *("", ":", "data", "data:", ":/data", "a:b", "a:/b:x", "type=bind,src=/a"),
        *("a:/", "a://", "a:/b/..", "type=bind,source=a,target=/", "type=tmpfs,dst=/./"),
        *("a:/b\n", "a\x1b:/b", 'type=bind,"src=/a,target=/b', "~nobody-known:/data"),
    ],
)
def test_a_mount_that_no_engine_could_take_is_refused(text: str) -> None:
    with pytest.raises(InvalidRunSettings, match="--mount"):
        mount_flag(text, HERE)


@table("target", ["/workspace", "/workspace/", "//workspace", "/x/../workspace"])
def test_the_place_of_a_mount_is_known_however_it_is_written(target: str) -> None:
    assert mounted_at(f"type=bind,source=/a,target={target}") == "/workspace"
    assert mounted_at(f'type=bind,"source=/a,b",target={target}') == "/workspace"
