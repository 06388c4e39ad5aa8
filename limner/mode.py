"""One declaration for each way of using a pipeline: `pipe.interpolate(...)` draws, `pipe.interpolate.plan(...)` plans.

The decorated method returns the plan; the arguments, for a type checker too, are its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from limner.arguments import check_arguments
from limner.plan import GenerationPlan
from limner.results import GenerationResult

P = ParamSpec("P")
S = TypeVar("S", bound="Renders")
R = TypeVar("R", bound=GenerationResult)


class Renders(Protocol):
    """What has modes: a pipeline, or a session of one."""

    def render(self, plan: GenerationPlan, /) -> GenerationResult:
        """Draw a plan."""


def _short(signature: inspect.Signature, *, without: int = 0) -> inspect.Signature:
    """Names and defaults alone, without the first ones: `help` cuts what is long."""
    named = list(signature.parameters.values())[without:]
    return inspect.Signature([one.replace(annotation=inspect.Parameter.empty) for one in named])


class BoundMode(Generic[P, R]):
    """A mode of one pipeline: called it draws, `plan` gives the plan alone."""

    def __init__(self, owner: Renders, function: Callable[Concatenate[S, P], GenerationPlan]) -> None:
        self._owner, self._function = owner, function
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Plan and draw."""
        return self._owner.render(self.plan(*args, **kwargs))  # type: ignore[return-value]

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> GenerationPlan:
        """The checked inputs, before anything is drawn."""
        check_arguments(self._function, (self._owner, *args), kwargs)
        return self._function(self._owner, *args, **kwargs)  # type: ignore[arg-type]

    @property
    def __signature__(self) -> inspect.Signature:
        """For `help` and notebooks: the arguments without the pipeline."""
        return inspect.signature(functools.partial(self._function, self._owner))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<mode {self._function.__name__}{_short(self.__signature__)}; .plan(...) gives the plan alone>"


class Mode(Generic[S, P, R]):
    """The declaration in a class; see `mode`."""

    def __init__(self, function: Callable[Concatenate[S, P], GenerationPlan]) -> None:
        self._function = function
        self.__doc__, self.__wrapped__ = function.__doc__, function

    def __repr__(self) -> str:
        return f"<mode {self._function.__name__}{_short(inspect.signature(self._function), without=1)}>"

    @overload
    def __get__(self, instance: None, owner: type[S]) -> Mode[S, P, R]: ...
    @overload
    def __get__(self, instance: S, owner: type[S]) -> BoundMode[P, R]: ...
    def __get__(self, instance: S | None, owner: type[S]) -> Mode[S, P, R] | BoundMode[P, R]:
        """The mode of one pipeline."""
        return self if instance is None else BoundMode(instance, self._function)


class Planner(Generic[S, P]):
    """A method that only plans."""

    def __init__(self, function: Callable[Concatenate[S, P], GenerationPlan]) -> None:
        self._function = function
        self.__doc__, self.__wrapped__ = function.__doc__, function

    @overload
    def __get__(self, instance: None, owner: type[S]) -> Planner[S, P]: ...
    @overload
    def __get__(self, instance: S, owner: type[S]) -> Callable[P, GenerationPlan]: ...
    def __get__(self, instance: S | None, owner: type[S]) -> Planner[S, P] | Callable[P, GenerationPlan]:
        """The method of one pipeline."""
        return self if instance is None else BoundMode(instance, self._function).plan


def mode(function: Callable[Concatenate[S, P], GenerationPlan]) -> Mode[S, P, GenerationResult]:
    """Make a method that returns a plan into a mode.

    Example:
        >>> class Toy(Pipeline):
        ...     @mode
        ...     def tile(self, seed: int, *, columns: int = 2) -> GenerationPlan: ...
        >>> Toy(...).tile(7)  # a result
        >>> Toy(...).tile.plan(7, columns=3)  # a plan
    """
    return Mode(function)


def plan_of(of: Mode[S, P, R]) -> Planner[S, P]:
    """`plan = plan_of(__call__)` in a class gives its instances the method `plan`, which only plans."""
    return Planner(of.__wrapped__)
