"""Run a cell; where it needs what is not there, it goes on, and that is noted.

All of this happens in the submission's own process.
"""

import ast
import re
from functools import cache

from IPython.core.interactiveshell import InteractiveShell

NOTE = "_course_note"  # the name under which what fails in a cell is noted
INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")
INSTALLING = re.compile(
    r"\s*(sudo\s+)?(\S*/)?((pip[\d.]*|conda|mamba|micromamba|uv|apt|apt-get|brew)\s"
    r"|\S+\s+-m\s+(pip|conda|uv)\s)"
)

EMPTY = re.compile(r"\A(\s*\n)+")  # lines above a cell, which IPython does not count


def run(shell: InteractiveShell, cell: str) -> BaseException | None:
    """Run a cell; return what it raises.

    IPython takes longer for a cell than most cells do, so plain Python is run here.
    """
    try:
        text = EMPTY.sub("", cell)
        name = shell.compile.cache(text, shell.execution_count)
        tree = shell.compile.ast_parse(text, name)
        is_plain = not _may_be_magic(tree)
        code = shell.compile(GoOn().visit(tree), name, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        is_plain = False
    if not is_plain:
        result = shell.run_cell(cell, silent=True)
        return result.error_before_exec or result.error_in_exec
    try:
        with shell.builtin_trap:
            exec(code, shell.user_global_ns, shell.user_ns)
    except BaseException as error:
        return error
    return None


def install_nothing(shell: InteractiveShell) -> None:
    """Let commands that install something do nothing: without a network they fail."""
    for name in INSTALLERS:
        shell.register_magic_function(lambda *_: None, "line", name)
    run, read = shell.system, shell.getoutput
    shell.system = lambda cmd: None if INSTALLING.match(f"{cmd} ") else run(cmd)
    shell.getoutput = lambda cmd, *args, **named: (
        [] if INSTALLING.match(f"{cmd} ") else read(cmd, *args, **named)
    )


class GoOn(ast.NodeTransformer):
    """Lets a cell go on after a line that needs what is not there.

    That is an import, a magic or a shell command, and whatever then raises an
    ImportError because it uses what these should have brought.
    """

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Put each statement of a cell on its own feet."""
        node.body = [x for statement in node.body for x in _on_its_own(statement)]
        return node


def _may_be_magic(tree: ast.Module) -> bool:
    """Return whether a cell, as `ls -l`, may be a command of IPython's without a %."""
    return (
        len(tree.body) == 1
        and isinstance(tree.body[0], ast.Expr)
        and not isinstance(tree.body[0].value, ast.Call)
    )


def _on_its_own(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        if getattr(node, "module", None) == "__future__":
            return [node]
        return [_tried(one, "Exception", _bound(one)) for one in _each(node)]
    return [_tried(node, "Exception" if _is_magic(node) else "ImportError", [])]


def _each(node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
    """Take an import of several names apart."""
    if isinstance(node, ast.Import):
        parts = [ast.Import([alias]) for alias in node.names]
    else:
        parts = [
            ast.ImportFrom(node.module, [alias], node.level) for alias in node.names
        ]
    return [ast.copy_location(part, node) for part in parts]


def _bound(node: ast.Import | ast.ImportFrom) -> list[str]:
    alias = node.names[0]
    return [alias.asname or alias.name.partition(".")[0]]


def _is_magic(node: ast.stmt) -> bool:
    """Return whether a statement is a magic or a shell command."""
    call = getattr(node, "value", None)
    of = getattr(getattr(call, "func", None), "value", None)
    return getattr(getattr(of, "func", None), "id", "") == "get_ipython"


def _tried(node: ast.stmt, kind: str, names: list[str]) -> ast.Try:
    return ast.copy_location(ast.Try([node], [_noting(kind, *names)], [], []), node)


@cache
def _noting(kind: str, *names: str) -> ast.ExceptHandler:
    """Return what notes an error; a tree may hold it in many places."""
    said = [ast.Constant(name) for name in names]
    noted = ast.Call(_builtin(NOTE), [ast.List(said, ast.Load())], [])
    handler = ast.ExceptHandler(_builtin(kind), None, [ast.Expr(noted)])
    return ast.fix_missing_locations(handler)


def _builtin(name: str) -> ast.Attribute:
    """Return the code of a builtin that no name of the notebook hides."""
    load = ast.Load()
    found = ast.Call(ast.Name("__import__", load), [ast.Constant("builtins")], [])
    return ast.Attribute(found, name, load)


class Missing:
    """Stands for what an import should have brought; using it says what is missing."""

    def __init__(self, error: BaseException) -> None:
        self._error = type(error) if isinstance(error, ImportError) else ImportError
        self._said = str(error)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error(self._said)

    def __call__(self, *_args: object, **_named: object) -> object:
        """Raise the error."""
        raise self._error(self._said)
