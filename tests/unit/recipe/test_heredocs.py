"""Heredocs are found where BuildKit finds them, and nowhere else."""

import pytest

from keynet.recipe import heredocs, instructions
from tests.tables import table


@table(
    ("line", "names"),
    [
        ("RUN <<EOF", ["EOF"]),
        ("run cat <<-EOF >/x", ["EOF"]),
        ("COPY <<'a b' <<\"B\" /x/", ["a b", "B"]),
        ("ADD 3<<E\\OF /x", ["EOF"]),
        ("RUN cat <<A 3<<B | tee x", ["A", "B"]),
        ("ONBUILD RUN <<EOF", ["EOF"]),
        ("RUN x=$(cat <<EOF", ["EOF"]),
        ('RUN echo "it\'s" <<EOF', ["EOF"]),
        # In the shell's quotes, the shell's own.
        ("RUN bash -c 'cat <<EOF'", []),
        ('RUN sh -c "cat <<EOF && echo \\"<<B\\""', []),
        ("RUN echo \\'<<EOF", []),
        ('RUN ["sh", "-c", "cat <<EOF"]', []),
        ("RUN echo it's <<EOF", []),
        # No heredocs.
        ("RUN cat <<<word", []),
        ("RUN cat <<< EOF", []),
        ("RUN echo $((1<<2))", []),
        ("RUN echo a << b", []),
        ("RUN echo a<<b", []),
        ("LABEL a=<<EOF", []),
        ("ENV A <<EOF", []),
        ("RUN", []),
        ("ONBUILD LABEL a=<<EOF", []),
    ],
)
def test_words_that_are_heredocs(line: str, names: list[str]) -> None:
    assert [each.name for each in heredocs.find(line)] == names


@table(
    ("text", "expected"),
    [
        # The end is a line of its own, and tabs before it count only with a dash.
        ("RUN <<EOF\nFROM x\n EOF\nEOF\nUSER a\n", ["RUN", "USER"]),
        ("RUN <<-EOF\nFROM x\n\tEOF\nUSER a\n", ["RUN", "USER"]),
        ("RUN <<EOF\nFROM x\n\tEOF\nEOF\nUSER a\n", ["RUN", "USER"]),
        ("RUN <<A <<B\nFROM x\nA\nFROM y\nB\nUSER a\n", ["RUN", "USER"]),
        ("RUN <<EOF\r\nFROM x\r\nEOF\r\nUSER a\r\n", ["RUN", "USER"]),
        ("RUN cat \\\n  <<EOF\nFROM x\nEOF\nUSER a\n", ["RUN", "USER"]),
        # The quoted one and the one without an end have no body.
        ("RUN bash -c 'cat <<EOF'\nUSER a\nEOF\n", ["RUN", "USER", "EOF"]),
        ("RUN echo $((1 <<2))\nUSER a\n", ["RUN", "USER"]),
        ("RUN cat <<<EOF\nUSER a\nEOF\n", ["RUN", "USER", "EOF"]),
    ],
)
def test_what_follows_a_body_is_read(text: str, expected: list[str]) -> None:
    assert [each.name for each in instructions.parse(text)] == expected


def test_an_instruction_has_its_first_heredoc_as_written() -> None:
    text = "RUN cat <<-'A' 3<<B\nA\nB\nRUN x <<C\nCOPY <<D /x\nD\n"
    assert [each.heredoc for each in instructions.parse(text)] == ["<<-'A'", "", "<<D"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "RUN <<EOF\n" * 50_000,
        "RUN <<EOF\n\tEOF\n" * 30_000,
        "RUN " + "'" * 200_001 + " <<EOF\nEOF\n",
        "RUN " + '"\\' * 200_000 + " <<EOF\nEOF\n",
        "RUN " + "<<" * 200_000 + "\n",
        "RUN <<" + "'" * 200_001 + "\n",
        "ONBUILD " * 50_000 + "RUN <<EOF\n",
    ],
    ids=range(7),
)
def test_odd_files_are_read_in_linear_time(text: str) -> None:
    instructions.parse(text)
