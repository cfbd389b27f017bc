"""pydantic-settings: models that read the command line."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read, rows

SCRIPT = """
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict
class Opt(BaseModel):
    lr: float = 0.1
class Settings(BaseSettings{keyword}):
    model_config = SettingsConfigDict({config})
    data: str
    epochs: int = Field(3, description="number")
    opt: Opt = Opt()
{call}
"""


@table(
    ("keyword", "config", "call"),
    [
        ("", "cli_parse_args=True", "Settings()"),
        (", cli_parse_args=True", "", "Settings()"),
        ("", "", "Settings(_cli_parse_args=True)"),
        ("", "", "CliApp.run(Settings)"),
    ],
)
def test_each_way_to_ask_for_the_command_line(
    tmp_path: Path, keyword: str, config: str, call: str
) -> None:
    script = SCRIPT.format(keyword=keyword, config=config, call=call)
    found = read(tmp_path, script)
    assert found.parser_type == "pydantic_settings"
    assert rows(found) == [
        ("data", "str", None, True, None),
        ("epochs", "int", 3, False, None),
        ("opt", "str", None, False, None),
        ("opt.lr", "float", 0.1, False, None),
    ]
    assert found.arguments[1].help == "number"


def test_settings_that_read_the_environment_alone_are_no_command_line(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPT.format(keyword="", config="", call="Settings()"))
    assert found.arguments == ()
    assert any("pydantic-settings" in note.message for note in found.notes)


def test_subcommands_are_flattened_below_their_names(tmp_path: Path) -> None:
    script = """
    from pydantic import BaseModel
    from pydantic_settings import BaseSettings, CliApp, CliPositionalArg, CliSubCommand
    class Train(BaseModel):
        lr: float = 0.1
    class Eval(BaseModel):
        path: CliPositionalArg[str]
    class Tool(BaseSettings):
        seed: int = 0
        train: CliSubCommand[Train]
        eval: CliSubCommand[Eval]
    CliApp.run(Tool)
    """
    assert rows(read(tmp_path, script)) == [
        ("seed", "int", 0, False, None),
        ("train.lr", "float", 0.1, False, None),
        ("eval.path", "str", None, True, None),
    ]


def test_aliases_name_options_of_nested_models_too(tmp_path: Path) -> None:
    script = """
    from pydantic_settings import BaseSettings, CliSubCommand, SettingsConfigDict
    from pydantic import AliasChoices, BaseModel, Field
    class In(BaseModel):
        x: int = Field(1, alias="xx")
        y: int = 2
        z: int = Field(3, validation_alias=AliasChoices("zz", "z"))
    class Train(BaseModel):
        inner: In = In()
    class Root(BaseSettings):
        model_config = SettingsConfigDict(cli_parse_args=True)
        inner: In = In()
        train: CliSubCommand[Train]
    Root()
    """
    assert [one.name for one in read(tmp_path, script).arguments] == [
        "inner", "inner.xx", "inner.y", "inner.zz",
        "train.inner", "train.inner.xx", "train.inner.y", "train.inner.zz",
    ]  # fmt: skip


def test_a_model_may_be_given_as_json(tmp_path: Path) -> None:
    script = """
    from pydantic import BaseModel
    from pydantic_settings import BaseSettings

    class Sub(BaseModel):
        a: int = 1

    class Settings(BaseSettings, cli_parse_args=True):
        sub: Sub = Sub()

    Settings()
    """
    found = read(tmp_path, script)
    assert [(one.name, one.type, one.help) for one in found.arguments] == [
        ("sub", "str", "set sub from JSON string"),
        ("sub.a", "int", ""),
    ]
