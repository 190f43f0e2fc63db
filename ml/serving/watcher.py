"""Looks for a new snapshot or champion, loads it beside the present one, and puts it in its place.

What lives here: when to look, what becomes of what does not load. What does not: loading (`snapshot`, `process`) and
the swap itself (`served`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import GridweaveError
from ml.serving.champions import RegistryAwayError
from ml.serving.process import ScoringProcess
from ml.serving.scoring import probe
from ml.serving.served import ServedModel
from ml.serving.snapshot import open_snapshot, signature_of
from ml.serving.use_cases import USE_CASES

if TYPE_CHECKING:
    from ml.serving.champions import Champion, Champions
    from ml.serving.events import EventLog
    from ml.serving.metrics import Metrics
    from ml.serving.served import Holder
    from ml.serving.snapshot import PublishedSnapshot, Signature

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 30.0  # without any change: a file system that keeps times by the second, a file put back as it was


class Watcher:
    """Keeps what is served up to date.

    Args:
        holder: What is served.
        published_dir: Folder of the snapshot.
        champions: Who is to score.
        events: Where takeovers and troubles are told.
        metrics: What they are counted in.
        score_seconds: Time a scoring may take.
        watch_seconds: Pause between two looks.
    """

    def __init__(
        self,
        holder: Holder,
        *,
        published_dir: Path,
        champions: Champions,
        events: EventLog,
        metrics: Metrics,
        score_seconds: float,
        watch_seconds: float,
    ) -> None:
        self._holder = holder
        self._published_dir = published_dir
        self._champions = champions
        self._events = events
        self._metrics = metrics
        self._score_seconds = score_seconds
        self._watch_seconds = watch_seconds
        self._seen_snapshot: Signature | None = None
        self._seen_registry: Signature | None = None
        self._looked_at = 0.0

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._watch_seconds)
            await self.look()

    async def look(self) -> None:
        """Look once; take over what is new. Whatever goes wrong is a trouble, and looked at again."""
        try:
            await self._look()
        except Exception as error:
            logger.exception("looking for what is new failed")
            self._seen_snapshot = self._seen_registry = None
            self._trouble("watcher", type(error).__name__)
        else:
            self._well("watcher")
        self._metrics.degraded.set(int(self._holder.current.is_degraded))

    async def _look(self) -> None:
        await self._look_at_snapshot()
        registry = self._champions.signature()
        is_due = time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS
        if registry != self._seen_registry or is_due:
            self._seen_registry, self._looked_at = registry, time.monotonic()
            await asyncio.gather(*map(self._look_at_champion, USE_CASES))
        for use_case, model in self._holder.current.models.items():
            self._metrics.saw_model(use_case, model.champion.model_version, replaced=model.process.replaced)

    async def _look_at_snapshot(self) -> None:
        signature = signature_of(self._published_dir)
        if signature == self._seen_snapshot:
            return
        self._seen_snapshot = signature
        try:
            fresh = await asyncio.to_thread(open_snapshot, self._published_dir)
        except GridweaveError as error:
            self._trouble("snapshot", type(error).__name__)
            self._seen_snapshot = None  # it may be the machine that was short of something; the next look tries again
            return
        self._holder.change(snapshot=fresh)
        self._well("snapshot")
        self._events.write("snapshot taken over")
        await self._place_models(fresh)

    async def _place_models(self, snapshot: PublishedSnapshot) -> None:
        """Say of each served model which materialization made it champion, as a new ledger has it."""
        placed = {
            use_case: ServedModel(
                champion=model.champion,
                process=model.process,
                materialization_id=await _materialization(snapshot, model.champion),
                circuit=model.circuit,
            )
            for use_case, model in self._holder.current.models.items()
        }
        self._holder.change(models=placed)

    async def _look_at_champion(self, use_case: str) -> None:
        try:
            champion = await asyncio.to_thread(self._champions.find, use_case)
        except GridweaveError as error:
            place = "registry" if isinstance(error, RegistryAwayError) else f"champion {use_case}"
            self._trouble(place, error.message)
            await self._take_last_good(use_case)
            return
        self._well("registry")
        if champion is None:
            return
        if await self._take(champion):
            self._well(f"champion {use_case}")

    async def _take_last_good(self, use_case: str) -> None:
        """Serve the model kept from earlier, where nothing is served yet."""
        kept = self._champions.last_good(use_case)
        if use_case not in self._holder.current.models and kept is not None:
            await self._take(kept)

    async def _take(self, champion: Champion) -> bool:
        """Serve a champion from now on; return whether it is the one that serves."""
        present = self._holder.current.models.get(champion.use_case)
        if present is not None and present.champion.model_version == champion.model_version:
            return True
        process = ScoringProcess(
            champion.use_case,
            folder=Path(champion.folder),
            sha256=champion.sha256,
            model_version=champion.model_version,
        )
        try:
            await process.start()
            await probe(process, champion, seconds=self._score_seconds)
            await asyncio.to_thread(self._champions.keep, champion)
            snapshot = self._holder.current.snapshot
            identifier = "" if snapshot is None else await _materialization(snapshot, champion)
        except (GridweaveError, OSError) as error:
            process.close()
            message = error.message if isinstance(error, GridweaveError) else type(error).__name__
            self._trouble(f"champion {champion.use_case}", message)
            if present is None:
                await self._take_last_good_instead(champion)
            return False
        except BaseException:  # the server ends meanwhile, or what nobody foresaw: it would be started at every look
            process.close()
            raise
        model = ServedModel(champion=champion, process=process, materialization_id=identifier)
        self._holder.change(models={**self._holder.current.models, champion.use_case: model})
        self._events.write("model taken over", use_case=champion.use_case, model_version=champion.model_version)
        return True

    async def _take_last_good_instead(self, refused: Champion) -> None:
        kept = self._champions.last_good(refused.use_case)
        if kept is not None and kept.model_version != refused.model_version:
            await self._take(kept)

    def _trouble(self, what: str, why: str) -> None:
        """Degrade, and tell when it is news."""
        troubles = self._holder.current.troubles
        if troubles.get(what) != why:
            self._events.write("degraded", what=what, why=why)
        self._holder.change(troubles={**troubles, what: why})

    def _well(self, what: str) -> None:
        """Recover, and tell when it is news."""
        troubles = self._holder.current.troubles
        if what in troubles:
            self._events.write("recovered", what=what)
            self._holder.change(troubles={key: why for key, why in troubles.items() if key != what})


async def _materialization(snapshot: PublishedSnapshot, champion: Champion) -> str:
    """Return the materialization that made a version champion; empty when the ledger does not know it yet."""
    rows = await snapshot.ask(
        "select materialization_id::varchar as materialization_id from lineage.materialization"
        " where asset_key = $key and metadata->>'model_version' = $version and event_kind = 'MATERIALIZED'"
        " order by seq desc limit 1",
        {"key": f"ml/{champion.use_case}_model", "version": champion.model_version},
    )
    return str(rows[0]["materialization_id"]) if rows else ""
