"""``push``, ``build``, ``params IMAGE``, ``doctor`` and ``clean`` as their users run them."""

import json
import os
from pathlib import Path

import pytest

from tests.fakes import engine
from tests.fakes.backend import Reply
from tests.fakes.registry import Reply as RegistryReply
from tests.unit.cli.conftest import KEY, Platform, keynet

Capture = pytest.CaptureFixture[str]


def builds(platform: Platform) -> list[list[str]]:
    return [
        call
        for call in engine.calls(platform.engines)
        if "build" in call and not any("keynet/probe" in part for part in call)
    ]


@pytest.mark.medium
def test_push_leaves_image_and_artifact_and_says_so(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py") == 0
    shown = capsys.readouterr()
    repository = platform.registry.repository(f"kitech-model/{KEY}")
    digest = repository.tags["latest"]
    assert shown.out == f"{platform.registry_host}/kitech-model/{KEY}@{digest}\n"
    for line in (
        "Validating entrypoint       train.py",
        "Extracting hyperparameters  argparse, 1 argument",
        "Choosing engine             buildah 1.28.2 (",
        "Selecting project           #12 객체 탐지 모델",
        f"Requesting upload key       {KEY}",
        "  STEP 1/",
        "✨ Push completed in ",
        f"  Upload key                {KEY}\n",
        f"  Image                     {platform.registry_host}/kitech-model/{KEY}@{digest}\n",
        "  Hyperparameters           1\n",
    ):
        assert line in shown.err
    [request] = platform.backend.seen
    assert request.json["modelName"] == "train"
    assert [p["name"] for p in request.json["hyperParameters"]] == ["lr"]


@pytest.mark.slow
def test_json_is_the_only_thing_on_standard_output(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py", "--json", "--model-name", "mine", "--project", "7") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["image"] == f"{platform.registry_host}/kitech-model/{KEY}:latest"
    assert result["project_id"] == 7
    assert result["model_name"] == "mine"
    assert result["upload_key"] == KEY
    assert result["builder"]["name"] == "buildah"
    assert result["hyperparameters"][0]["default"] == 0.001
    assert result["bytes_pushed"] is None
    assert {"total", "build", "push"} <= set(result["seconds"])
    assert platform.backend.seen[-1].path.endswith("/v1/projects/7/trains/images")


@pytest.mark.slow
def test_a_project_given_by_number_is_shown_with_its_title(
    platform: Platform, capsys: Capture
) -> None:
    key = platform.backend.replies[0]
    listed = {"content": [{"id": 6, "title": "other"}, {"id": 7, "title": "위성 사진"}]}
    platform.backend.answer(Reply.of(listed), key)
    assert keynet("push", "train.py", "--project", "7") == 0
    assert "Selecting project           #7 위성 사진\n" in capsys.readouterr().err
    [asked, posted] = platform.backend.seen
    assert asked.path.startswith("/v1/projects/trainable")
    assert posted.path.endswith("/v1/projects/7/trains/images")


@pytest.mark.slow
@pytest.mark.parametrize(
    "listing",
    [Reply.of({"content": [{"id": 6, "title": "other"}]}), Reply(404, b"{}"), Reply(200, b"<")],
    ids=["not listed", "no list", "no JSON"],
)
def test_a_project_whose_title_cannot_be_had_is_pushed_to_all_the_same(
    platform: Platform, capsys: Capture, listing: Reply
) -> None:
    key = platform.backend.replies[0]
    platform.backend.answer(listing, key)
    assert keynet("push", "train.py", "--project", "7") == 0
    assert "Selecting project           #7\n" in capsys.readouterr().err


def asked_for_the_account(platform: Platform) -> int:
    """Count the pings since the last call; what attaches the metadata makes one at most."""
    pings = sum(request.url == "/v2/" for request in platform.registry.seen)
    platform.registry.seen.clear()
    return pings


@pytest.mark.slow
def test_an_account_that_was_taken_minutes_ago_is_not_asked_about_again(
    platform: Platform, capsys: Capture
) -> None:
    key = platform.backend.replies[0]
    platform.backend.answer(key, key)
    assert keynet("push", "train.py") == 0
    assert asked_for_the_account(platform) == 1
    assert f"Checking registry           {platform.registry_host}\n" in capsys.readouterr().err
    assert keynet("push", "train.py") == 0
    assert asked_for_the_account(platform) <= 1
    assert "(login verified within the last 10 minutes)" in capsys.readouterr().err


@pytest.mark.slow
def test_an_account_that_was_revoked_since_costs_one_upload_key_and_not_a_second(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = platform.backend.replies[0]
    platform.backend.answer(key, key)
    assert keynet("push", "train.py") == 0
    monkeypatch.setenv("FAKE_ENGINE", "denied")
    platform.registry.auth = "basic"
    platform.registry.password = "another-password"
    for requests in (2, 2):
        assert keynet("push", "train.py") == 6
        assert len(platform.backend.seen) == requests
        assert "keynet login" in capsys.readouterr().err


@pytest.mark.slow
def test_a_harbor_password_from_the_environment_is_asked_about_each_time(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = platform.backend.replies[0]
    platform.backend.answer(key, key)
    monkeypatch.setenv("KEYNET_HARBOR_PASSWORD", "a-password-of-some-length")
    for _turn in range(2):
        assert keynet("push", "train.py") == 0
        assert asked_for_the_account(platform) == 1


@pytest.mark.slow
def test_quiet_prints_the_image_alone(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py", "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.count("\n") == 1


@pytest.mark.slow
def test_params_gives_back_what_push_attached(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py", "--quiet") == 0
    image = capsys.readouterr().out.strip()
    assert keynet("params", image, "--json") == 0
    read = json.loads(capsys.readouterr().out)
    assert read["arguments"] == [
        {"name": "lr", "type": "float", "default": 0.001, "required": False, "help": "",
         "choices": None}
    ]  # fmt: skip


@pytest.mark.slow
def test_params_compares_an_image_with_a_script(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py", "--quiet") == 0
    image = capsys.readouterr().out.strip()
    assert keynet("params", image, "train.py") == 0
    script = platform.project / "train.py"
    script.write_text(script.read_text().replace("0.001", "0.5"))
    capsys.readouterr()
    assert keynet("params", image, "train.py") == 1
    assert capsys.readouterr().out == "~ lr  default: 0.001 -> 0.5\n"


@pytest.mark.slow
def test_the_newer_answer_names_the_image(platform: Platform, capsys: Capture) -> None:
    image = f"{platform.registry_host}/elsewhere/{KEY}:v1"
    command = {"tag": f"docker tag <YOUR_IMAGE:TAG> {image}", "push": f"docker push {image}"}
    platform.backend.answer(Reply.of({"id": 1, "uploadKey": KEY, "command": command}))
    assert keynet("push", "train.py", "--json") == 0
    assert json.loads(capsys.readouterr().out)["image"] == image


@pytest.mark.slow
def test_no_upload_key_is_asked_for_when_the_build_cannot_start(
    platform: Platform, capsys: Capture
) -> None:
    (platform.project / ".dockerignore").write_text("loop\n")
    (platform.project / "loop").symlink_to("loop")
    for wrong, status in (
        (["push", "missing.py"], 3),
        (["push", "train.py", "--dockerfile", "missing"], 3),
        (["push", "train.py", "--requirements", "missing.txt"], 3),
        (["push", "train.py", "--context", "missing"], 3),
        (["push", "loop"], 3),
        (["push", "train.py", "--dockerfile", "loop"], 3),
        (["push", "train.py", "--requirements", "loop"], 3),
        (["push", "train.py", "--base-image", "Not A Reference"], 7),
        (["push", "train.py", "--platform", "nonsense"], 2),
        (["push", "train.py", "--builder", "podman"], 4),
        (["push", "train.py", "--secret", "src=missing"], 2),
        (["push", "train.py", "--label", "nonsense"], 2),
        (["push", "train.py", "--build-arg", "API_TOKEN=ghp_0123456789abcdef0123456789abcdef"], 2),
        (["push", "train.py", "--project", "many"], 2),
        (["push", "train.py", "--quiet", "--verbose"], 2),
    ):
        assert keynet(*wrong) == status, wrong
        assert capsys.readouterr().err
    assert platform.backend.seen == []


def test_a_secret_among_the_build_arguments_of_pyproject_is_refused(
    platform: Platform, capsys: Capture
) -> None:
    token = "ghp_0123456789abcdef0123456789abcdef"
    (platform.project / "pyproject.toml").write_text(
        f'[tool.keynet]\nbuild-args = {{API_TOKEN = "{token}"}}\n'
    )
    assert keynet("push", "train.py") == 2
    shown = capsys.readouterr().err
    assert "API_TOKEN" in shown
    assert token not in shown
    assert platform.backend.seen == []


@pytest.mark.medium
def test_an_account_that_the_registry_refuses_costs_no_upload_key(
    platform: Platform, capsys: Capture
) -> None:
    platform.registry.auth = "basic"
    assert keynet("push", "train.py") == 6
    assert platform.registry_host in capsys.readouterr().err
    assert platform.backend.seen == []
    assert builds(platform) == []


@pytest.mark.slow
def test_an_engine_that_cannot_run_is_refused_only_where_run_is_needed(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "fail-run")
    assert keynet("build", "train.py", "--quiet", "--builder", "buildah") == 0
    (platform.project / "requirements.txt").write_text("numpy\n")
    assert keynet("build", "train.py", "--quiet", "--builder", "buildah") == 4
    assert "RUN" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--quiet"], ["--verbose"]])
def test_a_failed_build_shows_step_log_and_containerfile_once(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "fail-build")
    assert keynet("push", "train.py", *flags) == 4
    shown = capsys.readouterr().err
    assert "could not build the image: it failed at COPY" in shown
    assert shown.count("something said why") == 1
    assert "Containerfile: " in shown
    assert platform.registry.repositories == {}


@pytest.mark.slow
def test_a_refused_push_is_not_authorised(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "denied")
    assert keynet("push", "train.py") == 6
    assert "keynet login" in capsys.readouterr().err


@pytest.mark.slow
def test_a_failed_attachment_says_that_the_image_was_pushed(
    platform: Platform, capsys: Capture
) -> None:
    answer = platform.registry.answer

    def refuse_artifacts(
        method: str, target: str, headers: dict[str, str], body: bytes, *rest: object
    ) -> RegistryReply:
        if method == "PUT" and "/manifests/sha256" in target:
            return RegistryReply(400, {}, b"{}")
        return answer(method, target, headers, body)

    platform.registry.answer = refuse_artifacts  # type: ignore[method-assign, assignment]
    assert keynet("push", "train.py") == 8
    shown = capsys.readouterr().err
    assert f"{platform.registry_host}/kitech-model/{KEY}" in shown
    assert "was pushed" in shown


@pytest.mark.slow
def test_the_requirements_make_one_stage_with_the_bases_user(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "user=jovyan")
    (platform.project / "requirements.txt").write_text("numpy\n")
    assert keynet("push", "train.py", "--quiet") == 0
    [build] = builds(platform)
    assert "--label=keynet.managed=true" in build
    built = engine.containerfiles(platform.engines)[-1]
    assert "RUN --mount=type=bind,source=build," in built
    assert "\nUSER jovyan\n" in built


@pytest.mark.slow
def test_a_base_that_cannot_be_pulled_is_left_to_the_build(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "no-base")
    (platform.project / "requirements.txt").write_text("numpy\n")
    assert keynet("push", "train.py", "--quiet") == 0
    [_build] = builds(platform)
    built = engine.containerfiles(platform.engines)[-1]
    assert "RUN --mount" not in built
    assert "COPY --from=dependencies" in built


@pytest.mark.slow
def test_nothing_is_left_in_the_temporary_and_cache_folders(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = sorted(platform.project.iterdir())
    assert keynet("push", "train.py", "--quiet") == 0
    assert list(temporary.iterdir()) == []
    assert sorted(platform.project.iterdir()) == before
    staging = Path(os.environ["XDG_CACHE_HOME"]) / "keynet" / "staging"
    assert list(staging.iterdir()) == []


@pytest.mark.slow
def test_no_secret_is_in_any_argument(platform: Platform) -> None:
    assert keynet("push", "train.py", "--quiet") == 0
    said = json.dumps(engine.calls(platform.engines))
    assert "a-password-of-some-length" not in said
    assert "a-token-of-some-length" not in said


def test_dry_run_shows_the_plan_and_touches_nothing(platform: Platform, capsys: Capture) -> None:
    assert keynet("push", "train.py", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "FROM docker.io/library/python:3.10-slim" in shown
    assert 'CMD ["python", "train.py"]' in shown
    assert keynet("push", "train.py", "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["containerfile"] in shown
    assert plan["containerfile_one_stage"] is None
    assert plan["project_id"] == 12
    assert platform.backend.seen == []
    assert engine.calls(platform.engines) == []


@pytest.mark.medium
def test_dry_run_shows_both_forms_of_a_recipe_that_installs(
    platform: Platform, capsys: Capture
) -> None:
    (platform.project / "requirements.txt").write_text("numpy==2.1.0\n")
    assert keynet("push", "train.py", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert keynet("push", "train.py", "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert "COPY --from=dependencies" in plan["containerfile"]
    assert "RUN --mount=" in plan["containerfile_one_stage"]
    assert plan["containerfile"] in shown
    assert plan["containerfile_one_stage"] in shown


@pytest.mark.slow
def test_a_script_without_parser_warns_how_to_add_one(platform: Platform, capsys: Capture) -> None:
    (platform.project / "train.py").write_text("print('training')\n")
    assert keynet("push", "train.py") == 0
    assert "add_argument" in capsys.readouterr().err
    assert platform.backend.seen[0].json["hyperParameters"] == []


@pytest.mark.slow
def test_the_decorator_names_model_and_base(platform: Platform) -> None:
    (platform.project / "train.py").write_text(
        "@trace_pytorch(model_name='detector', base_image='pytorch/pytorch:2.4.0')\n"
        "def main(): ...\n"
    )
    assert keynet("push", "train.py", "--quiet") == 0
    assert platform.backend.seen[0].json["modelName"] == "detector"


def test_a_script_outside_takes_its_own_folder_as_context(
    platform: Platform, tmp_path: Path, capsys: Capture
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.py").write_text("print(1)\n")
    assert keynet("push", str(other / "run.py"), "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["context"].startswith(str(other))


@pytest.mark.slow
def test_build_needs_no_login(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KEYNET_CONFIG", str(tmp_path / "nothing.json"))
    assert keynet("build", "train.py", "--json") == 0
    built = json.loads(capsys.readouterr().out)
    assert built["image"].startswith("localhost/keynet/project-")
    assert built["image_id"] == engine.IMAGE_ID
    archive = tmp_path / "image.tar"
    assert keynet("build", "train.py", "--output", f"oci-archive:{archive}") == 0
    assert archive.read_bytes() == b"an archive"
    assert keynet("build", "train.py", "--dry-run") == 0


@pytest.mark.slow
def test_doctor_shows_what_works_and_what_does_not(platform: Platform, capsys: Capture) -> None:
    platform.backend.answer(Reply.of({"content": [], "meta": {"total": 0}}))
    assert keynet("doctor") == 0
    shown = capsys.readouterr().out
    assert "✔ buildah" in shown
    assert "✘ docker" in shown
    assert "→" in shown
    assert f"✔ registry       {platform.registry_host}" in shown
    assert keynet("doctor", "--json") == 0
    examined = json.loads(capsys.readouterr().out)
    assert [e["name"] for e in examined["engines"] if e["usable"]] == ["buildah", "direct"]
    assert all(finding["ok"] for finding in examined["platform"])


@pytest.mark.medium
def test_doctor_fails_when_the_chosen_engine_does_not_build(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "fail-run")
    monkeypatch.setenv("KEYNET_CONFIG", str(tmp_path / "nothing.json"))
    monkeypatch.setenv("KEYNET_BUILDER", "buildah")
    assert keynet("doctor") == 4
    shown = capsys.readouterr().out
    assert "without RUN" in shown
    assert "✘ login" in shown


@pytest.mark.medium
def test_doctor_reports_a_platform_that_fails(platform: Platform, capsys: Capture) -> None:
    platform.backend.answer(Reply(status=401))
    platform.registry.auth = "basic"
    assert keynet("doctor", "--json") == 6
    examined = json.loads(capsys.readouterr().out)
    assert {finding["name"]: finding["ok"] for finding in examined["platform"]} == {
        "login": True, "backend": False, "registry": False
    }  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_the_program(shell: str, capsys: Capture) -> None:
    assert keynet("completion", shell) == 0
    assert "_KEYNET_COMPLETE" in capsys.readouterr().out
