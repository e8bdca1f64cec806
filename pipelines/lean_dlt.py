"""Leaves out what dlt does again and again in each step: look up the settings of a destination that has not changed."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary


def spare_each_step() -> None:
    """A quarter of what a small batch took: each of three steps asks several times what the destination can do, for
    which it is resolved from all that the environment may say of it, and every name's type is taken apart to see
    whether it is a secret.

    A destination is made for one batch (load.py): to say what it can do it is resolved once, and to be connected to
    each time, as before. What types say stays.
    """
    from dlt.common.configuration.providers import environ
    from dlt.common.configuration.specs import base_configuration
    from dlt.common.destination.reference import Destination

    owner: Any = Destination
    resolved = owner.configuration
    if resolved.__module__ == __name__:
        return

    kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def configuration(self: Any, initial_config: Any, accept_partial: bool = False) -> Any:
        if not accept_partial:
            return resolved(self, initial_config)
        if self not in kept:
            kept[self] = resolved(self, initial_config, accept_partial=True)
        return kept[self]

    owner.configuration = configuration
    is_secret_hint: Any = cache(base_configuration.is_secret_hint)
    for module in (base_configuration, environ):
        vars(module)["is_secret_hint"] = is_secret_hint
