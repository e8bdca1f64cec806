"""An integration, and the settings of each source type: every key with its default and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

CATEGORIES = ("flower", "pre_roll", "edible", "vape", "concentrate", "tincture", "topical", "other")
"""The app's product categories (DESIGN.md, Tables)."""


@dataclass(frozen=True, slots=True)
class Integration:
    """A row of `integrations`: the seed's columns, and last_complete_sync_at."""

    id: UUID
    type: str
    name: str
    is_active: bool
    config: JsonValue
    """Settings of its source type; whatever the app's form wrote, for the column takes any JSON."""
    sync_enabled: bool
    sync_interval_minutes: int | None
    last_sync_at: datetime | None
    last_sync_status: str | None
    created_at: datetime
    updated_at: datetime
    created_by: UUID | None
    last_complete_sync_at: datetime | None

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the practice shop that `make sync` registers (DESIGN.md, Sources)."""
        return isinstance(self.config, dict) and self.config.get("sandbox") is True


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretReference(BaseModel):
    """Where a secret is to be found: `{"env": "VARIABLE"}`, or `{"secret": "…last4"}` for a sealed one."""

    model_config = ConfigDict(extra="forbid")

    env: str | None = None
    secret: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SecretReference:
        if (self.env is None) == (self.secret is None):
            raise ValueError('a secret is {"env": "VARIABLE"} or {"secret": "…last4"}')
        if self.env is not None and _VARIABLE.fullmatch(self.env) is None:
            raise ValueError("env is the name of an environment variable: letters, digits and underscores")
        if self.secret is not None and not (self.secret.startswith("…") and len(self.secret) <= 5):
            raise ValueError('secret shows the last characters of a sealed one, "…last4", and never holds it')
        return self


class CheckSettings(BaseModel):
    """Thresholds of the checks on what was published, against the last successful sync."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_drop_percent: float = Field(
        default=50, ge=0, le=100, description="Active products may fall by this share; more is an error."
    )
    max_growth_percent: float = Field(
        default=50, ge=0, description="Active products may grow by this share; more is a warning."
    )
    max_missing_points: float = Field(
        default=10,
        ge=0,
        le=100,
        description="The shares without price, lab results or image may rise by so many percentage points; "
        "more is a warning.",
    )
    max_age_hours: float = Field(
        default=48, gt=0, description="The last complete sync may be so old; older is a warning."
    )


def _is_address(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.port == 0:
        raise ValueError("the host or its port is none")
    return value


BaseUrl = Annotated[
    str,
    Field(
        pattern=r"^https?://[^/@?#\s\\]+(/[^?#\s]*)?$",
        description="Scheme, host and optional prefix; the dialect adds its own path.",
    ),
    AfterValidator(_is_address),
]


class SourceSettings(BaseModel):
    """What the `config` of an integration of any source may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True)

    base_url: BaseUrl
    api_key: SecretReference | str = Field(description="The key: a reference to where the secret is.")
    requests_per_second: float = Field(default=10, gt=0, le=100, description="The provider's limit for this shop.")
    patience_seconds: float = Field(
        default=60,
        gt=0,
        le=600,
        description="How long a request is tried again before its page is given up; all retries end after twice that.",
    )
    conflict_strategy: Literal["api_wins", "manual_wins", "merge"] = Field(
        default="api_wins", description="Who wins where a person edited a product."
    )
    max_deactivation_percent: float = Field(
        default=20,
        ge=0,
        le=100,
        description="More than this share of the active products is never made absent at once.",
    )
    category_map: dict[str, Literal[CATEGORIES]] = Field(  # type: ignore[valid-type]
        default_factory=dict, description="The shop's own category names: {name at the source: our category}."
    )
    checks: CheckSettings = Field(
        default_factory=CheckSettings, description='Thresholds of the checks: {"max_drop_percent": 30}.'
    )
    allow_private_address: bool = Field(
        default=False, description="Whether base_url may lead to a private or loopback address."
    )
    sandbox: bool = Field(default=False, description="Set by `make sync` on the practice shop; never by hand.")

    @classmethod
    def lacks(cls, config: Mapping[str, Any]) -> str | None:
        """The first setting that somebody who adds a shop has to be asked for, its secrets apart; None: none is."""
        needed = [name for name, field in cls.model_fields.items() if field.is_required() and name != "api_key"]
        return next((name for name in needed if name not in config), None)

    @property
    def uses_token(self) -> bool:
        """Whether the key is exchanged for an access token before anything is read."""
        return False

    @property
    def shop(self) -> tuple[str, ...]:
        """What an access token is asked for with, beside the key: with another of these it is of no use."""
        return ()


class TreezSettings(SourceSettings):
    """`config` of a treez integration (INTERFACE.md)."""

    api: Literal["treez-v2", "bearer"] = Field(
        default="treez-v2", description="The dialect. Default bearer when there is no client_id, else treez-v2."
    )
    base_url: BaseUrl = "https://api.treez.io"
    dispensary_id: str = Field(
        min_length=1, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", description="The shop's subdomain at Treez."
    )
    client_id: str | None = Field(default=None, description="Partner client id; needed by treez-v2.")
    page_size: int | None = Field(
        default=None, ge=1, le=1000, description="Products a page. Unset: not sent; the size is learnt from page 1."
    )

    @classmethod
    def lacks(cls, config: Mapping[str, Any]) -> str | None:
        if "api" not in config and "client_id" not in config:
            return "api"
        is_v2 = config.get("api", "treez-v2") == "treez-v2"
        return super().lacks(config) or ("client_id" if is_v2 and "client_id" not in config else None)

    @property
    def uses_token(self) -> bool:
        return self.api == "treez-v2"

    @property
    def shop(self) -> tuple[str, ...]:
        return self.api, self.base_url, self.dispensary_id, self.client_id or ""

    @model_validator(mode="before")
    @classmethod
    def _dialect_by_client_id(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("api") is None:
            return {**values, "api": "treez-v2" if values.get("client_id") else "bearer"}
        return values

    @model_validator(mode="after")
    def _client_id_for_v2(self) -> TreezSettings:
        if self.api == "treez-v2" and not self.client_id:
            raise ValueError("client_id is needed with api treez-v2")
        return self


SETTINGS: dict[str, type[SourceSettings]] = {"treez": TreezSettings}
"""The settings of each source type that this release knows."""

SECRETS: dict[str, tuple[str, ...]] = {"treez": ("api_key",)}
"""The keys of `config` in whose place a secret stands."""
