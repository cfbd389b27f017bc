"""Start following a script, and what is tried when its main path shows no parser."""

import ast
from collections.abc import Iterable
from typing import Final

from keynet.script.interpreter.definitions import Class, Function, Module
from keynet.script.interpreter.evaluation.coroutines import awaited
from keynet.script.interpreter.interpreter import MAX_WAITING, Interpreter
from keynet.script.interpreter.statements import is_entry_test
from keynet.script.interpreter.values import Arguments, External, Imported, Value

__all__ = ["call_uncalled", "call_waiting", "call_with_parser", "follow", "follow_imported"]

_ENTRIES: Final = frozenset(["main", "cli", "run", "app", "train", "entrypoint", "cli_main"])
_PARSER_NAMES: Final = frozenset(
    ["parser", "subparser", "arg_parser", "argparser", "parent_parser"]
)


def follow(run: Interpreter, module: Module, tree: ast.Module, text: str) -> None:
    """Follow the script from its first line."""
    run.has_block = any(isinstance(node, ast.If) and is_entry_test(node.test) for node in tree.body)
    run.main_function = next((n for n in tree.body if _is_main(n)), None)
    scope = run.begin(module, "__main__")
    scope.names["__doc__"] = ast.get_docstring(tree, clean=False)
    module.text = text
    run.execute(tree.body, scope)


def call_waiting(run: Interpreter) -> None:
    """Call the functions that were passed to unknown callables."""
    for _count in range(MAX_WAITING):
        if not run.waiting:
            return
        function = run.waiting.pop(0)
        _call(run, function)


def call_uncalled(run: Interpreter, module: Module, names: Iterable[str] | None = None) -> None:
    """Call the functions of a module that nothing has called."""
    scope = module.scope
    if scope is None:
        return
    for name, value in list(scope.names.items()):
        wanted = names is None or name in names
        if wanted and isinstance(value, Function) and value.node not in run.called:
            _call(run, value)


def follow_imported(run: Interpreter, module: Module) -> None:
    """Follow what the script imports: it may only start a module of its project."""
    scope = module.scope
    if scope is None:
        return
    for name, value in list(scope.names.items()):
        if isinstance(value, Imported) and (name in _ENTRIES or len(scope.names) < 16):
            found = scope.names[name] = run.resolve(value)
            if isinstance(found, Function) and found.node not in run.called:
                _call(run, found)


def call_with_parser(run: Interpreter, module: Module) -> None:
    """Pass a new parser to functions that take one and that nothing has called."""
    scope = module.scope
    if scope is None:
        return
    functions = [value for value in scope.names.values() if isinstance(value, Function)]
    for cls in [value for value in scope.names.values() if isinstance(value, Class)]:
        members = [getattr(v, "function", v) for v in cls.namespace.values()]
        functions.extend(member for member in members if isinstance(member, Function))
    parser = run.call(External("argparse.ArgumentParser"), Arguments())
    for function in functions:
        parameters = [p.arg for p in function.node.args.args]
        if function.node not in run.called and _PARSER_NAMES.intersection(parameters):
            given = {name: parser for name in parameters if name in _PARSER_NAMES}
            run.call(function, Arguments((), given, open=True))


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "main"


def _call(run: Interpreter, function: Value) -> None:
    """Call a function with arguments that are unknown; take all that it yields."""
    run.iterate(awaited(run, run.call(function, Arguments(open=True))))
