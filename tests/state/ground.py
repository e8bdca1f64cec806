"""Where sequences begin: both engines' databases after the opening days, made once, and shops on copies of them."""

from __future__ import annotations

import copy
from contextlib import ExitStack

from tests.databases import Engine, TestDatabase
from tests.shop import GatedSandbox, Shop
from tests.shops import Shops
from tests.state.catalogue import PAGE_CAP, Catalogue
from tests.state.machine import World
from tests.state.model import Model
from tests.state.opening import open_up

ENGINES: tuple[Engine, ...] = ("duckdb", "postgres")


class Ground:
    """The databases as the opening days left them."""

    def __init__(self, shops: Shops) -> None:
        self._shops = shops
        self._opened = 0
        self._templates: dict[Engine, tuple[TestDatabase, str]] = {}
        with ExitStack() as stack:
            opened = {
                engine: stack.enter_context(shops.open(engine, stocked=False, products=0, page_cap=PAGE_CAP))
                for engine in ENGINES
            }
            world = World(list(opened.values()), Catalogue(), Model())
            open_up(world)
            for engine, shop in opened.items():
                self._templates[engine] = (shops.databases.template(engine, shop.database), shop.integration)
        self._catalogue, self._model = world.catalogue, world.model

    def opening(self, stack: ExitStack) -> World:
        """Both engines' shops, what is listed, and what must be there."""
        shops = [self._open(engine, stack) for engine in ENGINES]
        return World(shops, copy.deepcopy(self._catalogue), copy.deepcopy(self._model))

    def _open(self, engine: Engine, stack: ExitStack) -> Shop:
        template, integration = self._templates[engine]
        self._opened += 1
        sandbox = stack.enter_context(GatedSandbox(products=0, page_cap=PAGE_CAP, rate=None))
        database = stack.enter_context(self._shops.databases.copy(template))
        shop = Shop(sandbox, database, self._shops.directory / f"state-{self._opened}", integration)
        shop.configure(base_url=sandbox.base_url)
        return shop
