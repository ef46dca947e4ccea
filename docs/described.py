"""What code says about itself, for the reference pages: docstrings, and the texts below members."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeAliasType


def texts_of(owner: type) -> dict[str, str]:
    """Member of a class, inherited ones too -> the text below it, in one line. A member without a text is not in it."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        if not base.__module__.startswith(("builtins", "pydantic", "enum", "typing")):
            found |= _texts(inspect.getsourcefile(base) or "").get(base.__name__, {})
    return found


def text_of_alias(alias: TypeAliasType) -> str | None:
    """The text below a `type NAME = ...`; None where there is none."""
    return _texts(sys.modules[alias.__module__].__file__ or "")[""].get(alias.__name__)


def summary(owner: type) -> str:
    """The docstring of a class, in one line."""
    return one_line(owner.__doc__ or "")


def one_line(text: str) -> str:
    """Without breaks."""
    return " ".join(text.split())


@cache
def _texts(file: str) -> Mapping[str, dict[str, str]]:
    """Class (or nothing, for the module itself) -> member -> text."""
    tree = ast.parse(Path(file).read_text("utf-8"))
    bodies: dict[str, list[ast.stmt]] = {"": tree.body}
    bodies |= {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name: _below(body) for name, body in bodies.items()}


def _below(body: list[ast.stmt]) -> dict[str, str]:
    found: dict[str, str] = {}
    for member, text in pairwise(body):
        name = _name(member)
        if name and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            found[name] = one_line(text.value.value)
    return found


def _name(member: ast.stmt) -> str:
    match member:
        case ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]) | ast.TypeAlias(name=ast.Name(name)):
            return name
    return ""
