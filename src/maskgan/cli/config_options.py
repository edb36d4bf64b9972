"""Command line options made from the fields of a training config: name, type, default and help.

A field ``batch_size: int = 8`` becomes ``--batch-size INTEGER``; its docstring is the help text. Options that are not
given are ``None``, so that a preset's recipe can come between what is given and the field's default.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

DataclassType = Any  # type[Any] is not hashable to mypy, as a cache needs it
PresetDefaults = Mapping[str, Mapping[str, Any]]
"""By preset, defaults that its recipe puts in place of the fields', by option name."""


def config_options(
    config_type: DataclassType,
    recipes: PresetDefaults = MappingProxyType({}),
    without: Collection[str] = (),
    optional: bool = False,
) -> list[click.Option]:
    """The options of a config, in the order of its fields.

    Args:
        config_type: a dataclass; fields with metadata ``cli: False`` are left out.
        recipes: defaults that depend on the preset, for the help text.
        without: names of fields to leave out.
        optional: whether fields without a default may be left out too.
    """
    options = []
    for field, flag, owner in _flat_fields(config_type):
        if field.name in without:
            continue
        hint = _hints(owner)[field.name]
        text = _docs(owner)[field.name]
        default, choices = field.default, field.metadata.get("choices")
        by_preset = {name: recipe.get(flag, default) for name, recipe in recipes.items()}
        if "[default:" not in text:
            text += default_note(default, by_preset)
        options.append(
            click.Option(
                [f"--{flag.replace('_', '-')}", flag],
                help=text,
                required=default is MISSING and field.default_factory is MISSING and not optional,
                **(_click_type(hint) if choices is None else {"type": click.Choice(choices)}),
            )
        )
    return options


def default_note(default: Any, by_preset: Mapping[str, Any] = MappingProxyType({})) -> str:
    """What a help text says of a default: nothing of a flag's, an absent or an empty one.

    Args:
        default: of the field.
        by_preset: the default under each preset, if that depends on it.
    """
    if set(by_preset.values()) - {default}:
        presets: dict[Any, list[str]] = {}
        for name, value in by_preset.items():
            presets.setdefault(value, []).append(name)
        listed = ", ".join(f"{value} in {' and '.join(names)}" for value, names in presets.items())
        return f"  [default: {listed}]"
    if default is MISSING or default is None or default == "" or isinstance(default, bool):
        return ""
    return f"  [default: {default}]"


def take_options(config_type: DataclassType, options: dict[str, Any]) -> dict[str, Any]:
    """Remove the options of a config from ``options``, and return those that were given by the names of its fields.

    Those of a nested dataclass are a mapping under the name of their field.
    """
    given: dict[str, Any] = {}
    for field in fields(config_type):
        if (form := field.metadata.get("flag")) is None:
            if (value := options.pop(field.name, None)) is not None:
                given[field.name] = value
            continue
        flags = {inner.name: form.format(inner.name) for inner in fields(_hints(config_type)[field.name])}
        values = {name: options.pop(flag, None) for name, flag in flags.items()}
        given[field.name] = {name: value for name, value in values.items() if value is not None}
    return given


def _flat_fields(config_type: DataclassType) -> Iterator[tuple[Field[Any], str, DataclassType]]:
    """Each field that is an option, the option's name, and the dataclass that holds it."""
    for field in fields(config_type):
        if not field.metadata.get("cli", True):
            continue
        form = field.metadata.get("flag")
        if form is None:
            yield field, field.name, config_type
            continue
        nested = _hints(config_type)[field.name]
        for inner in fields(nested):
            yield inner, form.format(inner.name), nested


@cache
def _hints(config_type: DataclassType) -> Mapping[str, Any]:
    # The type of the field ``augment`` is not imported: no option needs it.
    return get_type_hints(config_type, localns={"AugmentConfig": object})


@cache
def _docs(config_type: DataclassType) -> Mapping[str, str]:
    """The docstring below each field, of a dataclass and those it inherits from, as one line without the period."""
    docs: dict[str, str] = {}
    for cls in reversed(config_type.__mro__[:-1]):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, following in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
                assert isinstance(statement.target, ast.Name) and isinstance(following.value, ast.Constant)
                docs[statement.target.id] = " ".join(str(following.value.value).split())
    return docs


def _click_type(hint: Any) -> dict[str, Any]:
    if isinstance(hint, UnionType) or (get_origin(hint) is not None and NoneType in get_args(hint)):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) is Literal:
        return {"type": click.Choice(get_args(hint))}
    if hint is bool:
        return {"is_flag": True, "default": None}
    return {"type": hint}
