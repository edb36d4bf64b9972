"""Network configs as plain dictionaries: for JSON, strictly read back, overridden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from maskgan.config import BackboneConfig
from maskgan.errors import UserError

ConfigT = TypeVar("ConfigT")


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain JSON types."""
    return asdict(config)


REMOVED_FIELDS: Mapping[type, Mapping[str, Any]] = MappingProxyType(
    {
        BackboneConfig: {
            "antialias": False,
            "noise": False,
            "norm_clamp": 0.0,
            "last_norm_clamp": 0.0,
            # The same in files of version 0.1:
            "resampling": "plain",
            "feature_limit": 0.0,
            "finest_limit": 0.0,
        }
    }
)
"""Options that older weights files name: per config type, the values that mean what is left."""

_MAY_BE_ZERO = frozenset({"detail_channels"})  # whole numbers of which 0 means none


def from_dict(config_type: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """Build a config from the output of ``to_dict``, strictly. Missing fields get their defaults.

    Files from before a field existed lack it, so its default must keep their meaning.

    Raises:
        UserError: a field is unknown, of another type or has a value that is not allowed, or an option of
            ``REMOVED_FIELDS`` is on.
    """
    removed = REMOVED_FIELDS.get(config_type, {})
    for name, value in values.items():
        if name in removed and value != removed[name]:
            raise UserError(f"{config_type.__name__}: has {name}={value!r:.40}, which is removed; use maskgan 0.2.0")
    values = {name: value for name, value in values.items() if name not in removed}
    known = {f.name: f for f in fields(config_type)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(known)):
        raise UserError(f"{config_type.__name__}: unknown field {unknown[0]!r}; was the file made by a newer version?")
    built: dict[str, Any] = {}
    template = config_type()
    hints = get_type_hints(config_type)
    for name, value in values.items():
        default = getattr(template, name)
        least = 0 if name in _MAY_BE_ZERO else 1
        if hasattr(default, "__dataclass_fields__"):
            if not isinstance(value, Mapping):
                raise UserError(f"{config_type.__name__}: field {name!r} should be an object")
            built[name] = from_dict(type(default), value)
        elif type(value) is not type(default):
            raise UserError(
                f"{config_type.__name__}: field {name!r} should be {type(default).__name__}, is {type(value).__name__}"
            )
        elif get_origin(hints[name]) is Literal and value not in get_args(hints[name]):
            choices = ", ".join(map(str, get_args(hints[name])))
            raise UserError(f"{config_type.__name__}: field {name!r} is {value!r}, should be one of {choices}")
        elif isinstance(value, int) and not isinstance(value, bool) and not least <= value <= 65536:
            raise UserError(f"{config_type.__name__}: field {name!r} is {value}, outside {least}..65536")
        elif isinstance(value, float) and not 0 <= value <= 65536:
            raise UserError(f"{config_type.__name__}: field {name!r} is {value}, outside 0..65536")
        else:
            built[name] = value
    return config_type(**built)


def with_overrides(config: ConfigT, overrides: str, source: str) -> ConfigT:
    """A copy of the config with some fields replaced.

    Args:
        config: a network config.
        overrides: such as ``style_encoder.regions=none,backbone.modulate_decoder=true``; empty for none.
        source: where the overrides come from, for error messages.

    Raises:
        UserError: there is no such field, or the value is not allowed.
    """
    values = to_dict(config)
    for override in filter(None, overrides.split(",")):
        path, equals, text = override.strip().partition("=")
        *parents, name = path.split(".")
        inner: Any = values
        for parent in parents:
            inner = inner.get(parent) if isinstance(inner, dict) else None
        if not equals or not isinstance(inner, dict) or name not in inner or isinstance(inner[name], dict):
            known = ", ".join(_field_paths(values))
            raise UserError(f"{source}: {override.strip()!r} is not NAME=VALUE; names are {known}")
        inner[name] = _parsed(text, type(inner[name]), f"{source}: {path}")
    return from_dict(type(config), values)


def _field_paths(values: Mapping[str, Any], parent: str = "") -> list[str]:
    """The names of all fields of a config, those of nested ones as ``parent.name``."""
    paths = []
    for name, value in values.items():
        paths += _field_paths(value, f"{parent}{name}.") if isinstance(value, dict) else [f"{parent}{name}"]
    return paths


def _parsed(text: str, value_type: type, what: str) -> bool | int | float | str:
    if value_type is bool and text in ("true", "false"):
        return text == "true"
    if value_type is str:
        return text
    if value_type is int and re.fullmatch(r"\d{1,18}", text):
        return int(text)
    if value_type is float and re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    needed = {bool: "true or false", int: "a whole number", float: "a number"}[value_type]
    raise UserError(f"{what} should be {needed}, is {text!r}")
