"""Networks that know what they were built with: it is their `config.json`."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn


class Configured(nn.Module):
    """A network that keeps the arguments of its constructor, defaults included, as `config`, tuples as lists.

    `type(network)(**network.config)` is a network of the same size. Keyword-only arguments are for plain values.
    """

    config: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Configured:
        """Note the arguments; a copy is made without any and gets those of its original with its other attributes."""
        network = super().__new__(cls)
        try:
            given = inspect.signature(cls.__init__).bind(network, *args, **kwargs)
        except TypeError:  # the constructor says so itself
            return network
        given.apply_defaults()
        values = list(given.arguments.items())[1:]
        network.__dict__["config"] = {
            name: list(value) if isinstance(value, tuple) else value for name, value in values
        }
        return network
