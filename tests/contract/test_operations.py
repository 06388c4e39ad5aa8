"""What each system declares for the studio is true: its fields are the parameters of the method, defaults included."""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import typing

import pytest

from limner import registry
from limner.operations import Choice, Facts, Operation, Seed

CASES = [(system, one) for system in registry.system_names() for one in registry.operations(system)]


def method_of(system: str, operation: Operation) -> inspect.Signature:
    """Of what plans: without the pipeline, or the session of it."""
    owner: typing.Any = registry.pipeline_class(system)
    if operation.sits:
        owner = inspect.signature(owner.sit, eval_str=False).return_annotation
        module = importlib.import_module(registry.pipeline_class(system).__module__)
        owner = getattr(module, owner) if isinstance(owner, str) else owner
    found = inspect.getattr_static(owner, operation.plan, None) or getattr(owner, operation.plan)
    found = getattr(found, "__wrapped__", getattr(found, "_function", found))
    return inspect.signature(found)


@pytest.mark.parametrize("system, operation", CASES, ids=[f"{system}-{one.name}" for system, one in CASES])
def test_operations_fit_their_methods(system: str, operation: Operation) -> None:
    parameters = dict(list(method_of(system, operation).parameters.items())[1:])
    takes_more = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    named = {name: one for name, one in parameters.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}
    fields = {name: one for name, one in operation.fields.items() if name not in operation.sits}
    for name in named:
        assert (name in fields) != (name in operation.hidden), f"{name} has a field and a reason to hide it, or neither"
    for name, field in fields.items():
        if name not in named:
            assert takes_more, f"{operation.plan} has no parameter {name}"
            continue
        default = named[name].default
        assert field.is_required == (default is inspect.Parameter.empty), name
        if not field.is_required:
            assert field.default == default, name
    if operation.sits:
        sit = inspect.signature(registry.pipeline_class(system).sit).parameters
        assert set(operation.sits) <= set(sit)


@pytest.mark.parametrize("system, operation", CASES, ids=[f"{system}-{one.name}" for system, one in CASES])
def test_the_command_line_knows_every_field(system: str, operation: Operation) -> None:
    """What is copied from the page is a command; tests/studio/test_draw_again.py (slow) runs those with weights."""
    parser = argparse.ArgumentParser()
    registry.generate_options(system).add_options(parser)
    known = parser.format_help()
    flags = [field.flag or f"--{name.replace('_', '-')}" for name, field in operation.fields.items()]
    for flag in (*flags, *operation.command):
        assert re.search(rf"^ +{flag}\b", known, re.MULTILINE), flag


@pytest.mark.parametrize("system, operation", CASES, ids=[f"{system}-{one.name}" for system, one in CASES])
def test_forms_hold_their_own_defaults(system: str, operation: Operation) -> None:
    """Every default is a value that the field reads, and the schema of every field has a type that forms know."""
    facts = Facts(("background", "skin"), ("Male",), 64)
    for name, field in operation.fields.items():
        schema = field.schema(facts)
        assert {"type", "oneOf"} & set(schema), name
        if field.default is not None:
            assert field.read(name, field.default, facts) == field.default
        if isinstance(field, Choice):
            assert set(schema["enum"]) == set(field.choices)
        if isinstance(field, Seed):
            assert schema["minimum"] == 0
    assert operation.schema(facts)["required"] == [name for name, one in operation.fields.items() if one.is_required]
