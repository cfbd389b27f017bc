"""Change Python source in ways that leave it Python more often than not."""

import ast
import copy
import io
import random
import tokenize
from collections.abc import Callable, Sequence

WORDS = (
    """
None ¦ True ¦ ... ¦ -1 ¦ 1e999 ¦ 0 ¦ 10**9 ¦ '' ¦ b'x' ¦ [] ¦ {} ¦ () ¦ *x ¦ **x ¦ x ¦ self
cls ¦ lambda: x ¦ lambda x=1, *a, **k: a ¦ x if y else z ¦ (yield) ¦ await x ¦ not x
x or y ¦ x[0] ¦ x[-1:0:-1] ¦ x.y ¦ x() ¦ f'{x!r:>{y}}' ¦ {**x} ¦ [*x] ¦ {*x} ¦ x := 1 ¦ str
int ¦ float ¦ bool ¦ list ¦ dict ¦ set ¦ tuple ¦ range(3) ¦ print ¦ range(10**9) ¦ sorted(x)
zip(x, y) ¦ map(f, x) ¦ getattr(x, 'y') ¦ setattr(x, 'y', 1) ¦ type(x) ¦ super()
isinstance(x, str) ¦ vars(x) ¦ globals() ¦ __file__ ¦ __name__ ¦ os.environ['X']
os.path.join('a', 'b') ¦ sys.argv ¦ Path('x') / 'y' ¦ argparse.SUPPRESS
argparse.ArgumentParser() ¦ parser.add_argument ¦ parser.add_subparsers()
parser.add_argument_group() ¦ parser.parse_args() ¦ click.Choice(['a', 1]) ¦ click.INT
click.option('--x') ¦ click.argument('x', nargs=-1) ¦ typer.Option(...) ¦ typer.Argument(1)
Optional[int] ¦ List[float] ¦ Literal['a', 1] ¦ Annotated[int, typer.Option()] ¦ int | None
Enum('E', 'a b') ¦ dataclass ¦ field(default_factory=list) ¦ partial(f, 1) ¦ nargs='+'
default=[x] ¦ type=lambda s: int(s) ¦ choices=x ¦ action='store_true'
action=argparse.BooleanOptionalAction ¦ help=f'{x}' ¦ dest='x' ¦ required=x
parents=[parser] ¦ multiple=True ¦ is_flag=True
""".strip()
    .replace("\n", " ¦ ")
    .split(" ¦ ")
)


def mutated(source: str, others: Sequence[str], chance: random.Random) -> str:
    """Return the source after one to four changes, with parts of ``others``."""
    for _ in range(chance.randint(1, 4)):
        change = chance.choice(_CHANGES)
        try:
            source = change(source, others, chance)
        except (SyntaxError, ValueError, IndexError, RecursionError, tokenize.TokenError):
            source = _lines(source, others, chance)
    return source


def _lines(source: str, others: Sequence[str], chance: random.Random) -> str:
    lines = source.splitlines(keepends=True) or ["\n"]
    at = chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[at : at + chance.randint(1, 4)]
        case 1:
            lines.insert(chance.randrange(len(lines)), lines[at])
        case 2:
            lent = chance.choice(others).splitlines(keepends=True) if others else []
            start = chance.randrange(len(lent) or 1)
            lines[at:at] = lent[start : start + chance.randint(1, 6)]
        case _:
            indent = chance.choice(["", " ", "    ", "\t"])
            lines[at] = indent + lines[at].lstrip() if chance.random() < 0.5 else indent + lines[at]
    return "".join(lines)


def _tokens(source: str, _others: Sequence[str], chance: random.Random) -> str:
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.string.strip()]
    if not tokens:
        return source
    token = chance.choice(tokens)
    lines = source.splitlines(keepends=True)
    row, start = token.start
    end = token.end[1] if token.end[0] == row else len(lines[row - 1])
    line = lines[row - 1]
    word = chance.choice([*WORDS, chance.choice(tokens).string])
    lines[row - 1] = line[:start] + word + line[end:]
    return "".join(lines)


def _expressions(source: str, others: Sequence[str], chance: random.Random) -> str:
    tree = ast.parse(source)
    lenders = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    if others and chance.random() < 0.3:
        lenders = [n for n in ast.walk(ast.parse(chance.choice(others))) if isinstance(n, ast.expr)]
    lenders += [ast.parse(chance.choice(EXPRESSIONS), mode="eval").body for _ in range(3)]
    lent = copy.deepcopy(chance.choice(lenders))
    parent, name, at = chance.choice(_places(tree, ast.expr))
    _put(parent, name, at, lent)
    return ast.unparse(tree)


def _statements(source: str, others: Sequence[str], chance: random.Random) -> str:
    tree = ast.parse(source)
    lender = ast.parse(chance.choice(others)) if others and chance.random() < 0.5 else tree
    lent = copy.deepcopy(chance.choice([n for n in ast.walk(lender) if isinstance(n, ast.stmt)]))
    parent, name, at = chance.choice(_places(tree, ast.stmt))
    if chance.random() < 0.3 and isinstance(getattr(parent, name), list):
        getattr(parent, name).insert(at or 0, lent)
    else:
        _put(parent, name, at, lent)
    return ast.unparse(tree)


def _keywords(source: str, _others: Sequence[str], chance: random.Random) -> str:
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    call = chance.choice(calls)
    donor = chance.choice(calls)
    given = [*donor.keywords, ast.keyword(None, ast.Name("x"))]
    call.keywords.append(copy.deepcopy(chance.choice(given)))
    if chance.random() < 0.3:
        call.args.insert(0, copy.deepcopy(chance.choice([*donor.args, ast.Constant("--x")])))
    return ast.unparse(tree)


def _bytes(source: str, _others: Sequence[str], chance: random.Random) -> str:
    at = chance.randrange(len(source) + 1)
    return (
        source[:at]
        + chr(chance.choice([0, 9, 10, 12, 34, 40, 92, 255, 0x2028, 0x1F600]))
        + source[at:]
    )


def _places(
    tree: ast.AST, kind: type[ast.expr] | type[ast.stmt]
) -> list[tuple[ast.AST, str, int | None]]:
    found: list[tuple[ast.AST, str, int | None]] = []
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                found += [(node, name, n) for n, one in enumerate(value) if isinstance(one, kind)]
            elif isinstance(value, kind):
                found.append((node, name, None))
    if not found:
        raise ValueError("nothing to change")
    return found


def _put(parent: ast.AST, name: str, at: int | None, lent: ast.AST) -> None:
    if at is None:
        setattr(parent, name, lent)
    else:
        getattr(parent, name)[at] = lent


def _is_expression(word: str) -> bool:
    try:
        ast.parse(word, mode="eval")
    except SyntaxError:
        return False
    return True


EXPRESSIONS = [word for word in WORDS if _is_expression(word)]
_CHANGES: tuple[Callable[[str, Sequence[str], random.Random], str], ...] = (
    _expressions,
    _expressions,
    _expressions,
    _statements,
    _statements,
    _keywords,
    _keywords,
    _tokens,
    _lines,
    _bytes,
)
