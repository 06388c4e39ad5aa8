"""An engine and its system in one fixture."""

from __future__ import annotations

from typing import Any

from lightning_fabric import Fabric

from limner.engine.engine import Engine
from limner.engine.fabric import make_fabric
from limner.engine.system import System


def engine_of(system: System[Any, Any], fabric: Fabric | None = None) -> Any:
    """The engine that trains `system`, with the system as its attribute, on the device of its configuration."""
    engine: Engine = system.engine(fabric or make_fabric(system.train_config))
    engine.system = system
    return engine
