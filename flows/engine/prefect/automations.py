"""What follows from gridweave's events: Prefect automations on the local server.

What lives here: which event runs which deployment, kept on the server under one name each. What does not: the events
(events.py) and the deployments (flows.pipelines.deployments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.engine.prefect.events import FILE_ARRIVED, SEVERE_WEATHER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """An event and the deployment it runs.

    Args:
        name: Of the automation.
        event: Name of the event.
        resource: Pattern of its resource.
        deployment: Name of the deployment.
        payload: Keys of the event's payload that become parameters of the same name.
        description: For a person on the server's page.
    """

    name: str
    event: str
    resource: str
    deployment: str
    payload: tuple[str, ...] = field(default=())
    description: str


REACTIONS = (
    Reaction(
        name="gridweave: severe weather runs storm",
        event=SEVERE_WEATHER,
        resource="gridweave.network.*",
        deployment="storm",
        payload=("network_id", "issued_at", "gust_mps"),
        description="A new forecast issue with severe gusts makes the storm priority list anew.",
    ),
    Reaction(
        name="gridweave: arrived file runs land",
        event=FILE_ARRIVED,
        resource="gridweave.source.*",
        deployment="land",
        payload=("source",),
        description="A complete new file in the inbox lands its source.",
    ),
)


def ensure_automations(deployment_ids: Mapping[str, UUID]) -> None:
    """Bring the server's automations to what `REACTIONS` says; each is known by its name, so twice is once.

    An automation that a person switched off on the server stays off.

    Args:
        deployment_ids: The registered deployments by name.
    """
    with get_client(sync_client=True) as client:
        for reaction in REACTIONS:
            meant = _automation(reaction, deployment_ids[reaction.deployment])
            present = client.read_automations_by_name(reaction.name)
            for spare in present[1:]:
                client.delete_automation(spare.id)
            if present:
                client.update_automation(present[0].id, meant.model_copy(update={"enabled": present[0].enabled}))
            else:
                client.create_automation(meant)


def free_slots(deployment_ids: Mapping[str, UUID]) -> None:
    """Free the slots of deployments none of whose runs is alive: a run that is killed never gives its back."""
    with get_client(sync_client=True) as client:
        for identifier in deployment_ids.values():
            limit = client.read_deployment(identifier).global_concurrency_limit
            if limit is not None and limit.active_slots:
                client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _automation(reaction: Reaction, deployment_id: UUID) -> AutomationCore:
    parameters = {
        name: {"__prefect_kind": "jinja", "template": f"{{{{ event.payload['{name}'] }}}}"} for name in reaction.payload
    }
    return AutomationCore(
        name=reaction.name,
        description=reaction.description,
        enabled=True,
        tags=["gridweave"],
        trigger=EventTrigger(
            expect={reaction.event},
            match={"prefect.resource.id": reaction.resource},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[RunDeployment(source="selected", deployment_id=deployment_id, parameters=parameters)],
    )
