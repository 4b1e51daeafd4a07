"""Shapes that the operator's calls share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes

TENANT = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z"

TenantName = Annotated[
    str, Meta(description="letters, digits, '_', '.' and '-', at most 64, the first a letter or digit", pattern=TENANT)
]
Rights = Annotated[list[shapes.Name], Meta(description="names of rights", max_length=64)]
Quotas = Annotated[
    dict[str, Annotated[int, Meta(ge=0, le=shapes.INT_MAX)]],
    Meta(description="bounds by name of the quota; those not named stay as they are", max_length=64),
]
Weight = Annotated[float, Meta(description="share of the machine relative to other tenants", gt=0, le=1e6)]


class TenantRow(Struct, frozen=True):
    """A tenant as the operator sees it."""

    tenant: str
    suspended: bool
    weight: float
    allowed: Annotated[list[str], Meta(description="capabilities that its sessions may ask for")]
    quotas: Annotated[dict[str, int], Meta(description="limits by name of the quota")]
    tokens: Annotated[int, Meta(description="tokens that are neither revoked nor expired")]
    sessions: Annotated[int, Meta(description="open sessions")]
    jobs: Annotated[int, Meta(description="jobs that have not ended")]
    isolation: Annotated[str, Meta(description="weakest level of isolation of its jobs; empty: any")] = ""


class TokenRow(Struct, frozen=True):
    """A live token; its text is known to its bearer alone."""

    tenant: str
    serial: str
    issued: Annotated[float, Meta(description="Unix time in seconds")]
    expires: Annotated[float | None, Meta(description="Unix time in seconds; null: never")]
    rights: Annotated[list[str] | None, Meta(description="rights it was issued with; null: all of the tenant's")]


class OfTenant(shapes.Request, frozen=True):
    """Names a tenant."""

    tenant: TenantName


class TenantWishes(shapes.Request, frozen=True):
    """What the operator gives a tenant, or changes of it; what is left out has its default, or stays."""

    tenant: TenantName
    weight: Weight | None = None
    allowed: (
        Annotated[list[shapes.Name], Meta(description="capabilities that its sessions may ask for", max_length=64)]
        | None
    ) = None
    quotas: Quotas | None = None
    isolation: shapes.Isolation | None = None
