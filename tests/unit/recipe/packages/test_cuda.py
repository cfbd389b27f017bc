"""Requirements that need CUDA, and those without it."""

from keynet.recipe.packages import cuda
from tests.tables import table


@table(
    ("line", "name"),
    [
        ("cupy-cuda12x>=13", "cupy-cuda12x"),
        ("onnxruntime_gpu", "onnxruntime-gpu"),
        ("flash-attn==2.5", "flash-attn"),
        ("jax[cuda12-local]", "jax"),
        ("flash-attn; sys_platform == 'win32'", ""),
        ("jax[cuda12]", ""),
        ("torch==2.4.0", ""),
        ("not a requirement !", ""),
    ],
)
def test_some_need_it_in_the_base(line: str, name: str) -> None:
    assert cuda.needs_toolkit(line) == name


@table(
    ("line", "name"),
    [
        ("torch==2.4.0+cpu", "torch"),
        ("tensorflow-cpu", "tensorflow-cpu"),
        ("torch==2.4.0+cu121", ""),
        ("torch", ""),
        ("!", ""),
    ],
)
def test_some_are_builds_without_it(line: str, name: str) -> None:
    assert cuda.without_gpu(line) == name


def test_an_index_of_builds_without_it_is_noticed() -> None:
    assert cuda.names_cpu_index("--extra-index-url https://download.pytorch.org/whl/cpu\ntorch\n")
    assert not cuda.names_cpu_index("# https://download.pytorch.org/whl/cpu\ntorch\n")
    assert not cuda.names_cpu_index("-i https://download.pytorch.org/whl/cpuset\n")
