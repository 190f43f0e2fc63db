"""Entry point of the simulator: one call plays the outside world for some days.

What lives here: the order of the parts and their random streams. What does not: any physics or format.
Decision: every part has its own random stream spawned from the seed, so a change in one part leaves the
others as they are.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from flows.errors import UsageError
from flows.sources.simulator.alarms import simulate_alarms
from flows.sources.simulator.condition import NO_FAILURE, simulate_fleet
from flows.sources.simulator.dirt import DefectLog, DefectRates
from flows.sources.simulator.dirt_control import ControlDirt
from flows.sources.simulator.dirt_files import spoil_files
from flows.sources.simulator.dirt_points import PointDirt
from flows.sources.simulator.dirt_records import RecordDirt
from flows.sources.simulator.dirt_telemetry import TelemetryDirt
from flows.sources.simulator.feeds import (
    Feeds,
    calendar_feed,
    forecast_feed,
    load_feed,
    observation_feed,
    price_feed,
    register_feed,
)
from flows.sources.simulator.files import write_inbox, write_parquet
from flows.sources.simulator.grid_assets import build_segments, inspect_vegetation
from flows.sources.simulator.load import (
    operator_forecast,
    respond_to_price,
    simulate_base_load,
    system_load,
)
from flows.sources.simulator.market import simulate_prices
from flows.sources.simulator.meters import simulate_meter_intervals, simulate_points
from flows.sources.simulator.network import build_network
from flows.sources.simulator.outages import simulate_outages
from flows.sources.simulator.restoration import simulate_restoration_steps
from flows.sources.simulator.restoration_estimates import simulate_restoration_estimates
from flows.sources.simulator.scada_traffic import simulate_traffic
from flows.sources.simulator.telemetry import simulate_telemetry
from flows.sources.simulator.thermal import simulate_thermal
from flows.sources.simulator.timeline import Timeline
from flows.sources.simulator.truth import ceilings, outage_truth, transformer_truth
from flows.sources.simulator.weather import simulate_forecasts, simulate_weather
from flows.sources.simulator.work_orders import simulate_work_orders

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from flows.sources.simulator.condition import Fleet
    from flows.sources.simulator.market import MarketPrices
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.outages import OutageDraw
    from flows.sources.simulator.thermal import ThermalState
    from flows.sources.simulator.timeline import Floats
    from flows.sources.simulator.weather import Weather, WeatherForecasts

logger = logging.getLogger(__name__)

DEFAULT_START = date(2024, 1, 1)
# Append only: the position decides the stream.
_STREAMS = (
    "network", "weather", "forecasts", "load", "market", "operator", "thermal", "condition", "telemetry",
    "work_orders", "outages", "traffic", "feeds", "dirt",
    "restoration", "segments", "meters", "point_dirt",
    "alarms", "estimates", "control_dirt",
)  # fmt: skip


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation handed over.

    Args:
        inbox: Folder of the delivered files, one subfolder per source.
        truth_dir: Folder of the truth.
        file_rows: File (source/name) to data rows.
        defect_counts: Defect class to number of injected defects.
        failure_count: Transformers that failed.
        outage_count: Outages of the delivered span and the two years before it.
        seconds: Wall clock.
    """

    inbox: Path
    truth_dir: Path
    file_rows: dict[str, int]
    defect_counts: dict[str, int] = field(default_factory=dict)
    failure_count: int = 0
    outage_count: int = 0
    seconds: float = 0.0

    @property
    def file_count(self) -> int:
        """Files delivered."""
        return len(self.file_rows)

    @property
    def row_count(self) -> int:
        """Data rows delivered."""
        return sum(self.file_rows.values())

    @property
    def source_names(self) -> tuple[str, ...]:
        """Sources that delivered, sorted."""
        return tuple(sorted({name.split("/")[0] for name in self.file_rows}))

    def as_text(self) -> tuple[str, ...]:
        """Return what a person wants to know, in lines."""
        defects = ", ".join(f"{name} {count:,}" for name, count in self.defect_counts.items())
        return (
            f"simulated {self.file_count} files with {self.row_count:,} rows in {self.inbox}",
            f"  {self.outage_count:,} outages, {self.failure_count:,} failed transformers; truth in {self.truth_dir}",
            f"  defects put in: {defects or 'none'}",
        )


def simulate(
    *,
    days: int,
    feeders: int,
    transformers: int,
    seed: int,
    dirt: float,
    output_dir: Path,
    truth_dir: Path,
    start: date = DEFAULT_START,
) -> SimulationSummary:
    """Play the outside world and leave its files in an inbox.

    Args:
        days: Days of data; end of data is `start` + `days`, 00:00 UTC.
        feeders: Feeders.
        transformers: Transformer positions; failed units are replaced.
        seed: Same seed and arguments, same bytes.
        dirt: Amount of defects, 0 none to 1; 0.3 is what real files show.
        output_dir: Inbox; one folder per source is made in it.
        truth_dir: Where the truth goes; must not lie in the inbox.
        start: First day.

    Raises:
        UsageError: An argument is out of range.
    """
    _check_arguments(days, feeders, transformers, dirt, output_dir, truth_dir)
    started = time.perf_counter()
    timeline = Timeline(start=start, days=days)
    streams = _streams(seed)
    network = build_network(streams["network"], feeders=feeders, transformers=transformers)
    world = _live(streams, timeline, network)
    feeds = _record(streams, world)
    truth = _truth(world, feeds)
    log = DefectLog()
    if dirt > 0.0:
        _inject_defects(streams, feeds, world, dirt=dirt, log=log)
    file_rows = write_inbox(feeds, inbox=output_dir, timeline=timeline, network=network, fleet=world.fleet)
    if dirt > 0.0:
        file_rows |= spoil_files(output_dir, log=log)
    truth["defects"] = log.frame()
    for name, frame in truth.items():
        write_parquet(frame, truth_dir / f"{name}.parquet")
    summary = SimulationSummary(
        inbox=output_dir,
        truth_dir=truth_dir,
        file_rows=file_rows,
        defect_counts=log.counts(),
        failure_count=int((world.fleet.failed_hour != NO_FAILURE).sum()),
        outage_count=len(world.outages.records),
        seconds=time.perf_counter() - started,
    )
    logger.info(
        "Simulated %d days: %d files, %d rows, %.1f s",
        days, summary.file_count, summary.row_count, summary.seconds,
    )  # fmt: skip
    return summary


def _streams(seed: int) -> dict[str, np.random.Generator]:
    """Return one random stream for each part."""
    children = np.random.SeedSequence(seed).spawn(len(_STREAMS))
    return {name: np.random.default_rng(child) for name, child in zip(_STREAMS, children, strict=True)}


def _check_arguments(
    days: int, feeders: int, transformers: int, dirt: float, output_dir: Path, truth_dir: Path
) -> None:
    """Refuse sizes that cannot be simulated."""
    for name, value in (("days", days), ("feeders", feeders), ("transformers", transformers)):
        if value < 1:
            raise UsageError(f"{name} is {value}; expected at least 1.")
    if not 0.0 <= dirt <= 1.0:
        raise UsageError(f"dirt is {dirt}; expected 0 to 1.", hint="0.3 is what real files show")
    if truth_dir.resolve().is_relative_to(output_dir.resolve()):
        raise UsageError(f"The truth folder {truth_dir} lies in the inbox; models would read it.")


@dataclass(frozen=True)
class _World:
    """What happened, before anybody wrote it down."""

    timeline: Timeline
    network: Network
    weather: Weather
    forecasts: WeatherForecasts
    feeder_load_mw: Floats
    prices: MarketPrices
    thermal: ThermalState
    fleet: Fleet
    outages: OutageDraw
    traffic: pd.DataFrame
    incidents: pd.DataFrame


def _live(streams: dict[str, np.random.Generator], timeline: Timeline, network: Network) -> _World:
    """Let everything happen, causes before effects."""
    weather = simulate_weather(streams["weather"], timeline, stations=len(network.stations))
    base_load = simulate_base_load(streams["load"], timeline, network, weather)
    prices = simulate_prices(streams["market"], system_load(base_load))
    feeder_load = respond_to_price(base_load, prices.day_ahead_usd_per_mwh)
    thermal = simulate_thermal(streams["thermal"], timeline, network, weather, feeder_load)
    fleet = simulate_fleet(streams["condition"], timeline, network, thermal.ageing_factor)
    traffic, incidents = simulate_traffic(streams["traffic"], timeline, substations=len(network.substations))
    return _World(
        timeline=timeline,
        network=network,
        weather=weather,
        forecasts=simulate_forecasts(streams["forecasts"], timeline, weather),
        feeder_load_mw=feeder_load,
        prices=prices,
        thermal=thermal,
        fleet=fleet,
        outages=simulate_outages(streams["outages"], timeline, network, weather, fleet),
        traffic=traffic,
        incidents=incidents,
    )


def _record(streams: dict[str, np.random.Generator], world: _World) -> Feeds:
    """Let the source systems record what happened, without defects."""
    timeline, network, records = world.timeline, world.network, streams["feeds"]
    total_load = system_load(world.feeder_load_mw)
    by_operator = operator_forecast(streams["operator"], total_load)
    segments = build_segments(streams["segments"], network.feeders, network.switches)
    telemetry = simulate_telemetry(streams["telemetry"], timeline, network.positions, world.thermal, world.fleet)
    frames = {
        "scada_load_readings": load_feed(records, timeline, network, world.feeder_load_mw, total_load, by_operator),
        "weather_observations": observation_feed(records, timeline, network, world.weather),
        "weather_forecasts": forecast_feed(network, world.forecasts),
        "market_prices": price_feed(timeline, world.prices),
        "oms_outages": world.outages.records,
        "scada_events": world.traffic,
        "soc_incidents": world.incidents,
        "calendar_days": calendar_feed(timeline),
        "eam_transformers": register_feed(records, timeline, world.fleet),
        "eam_work_orders": simulate_work_orders(streams["work_orders"], timeline, world.fleet),
        "cis_customers": network.customers,
        "oms_restoration_steps": simulate_restoration_steps(streams["restoration"], world.outages.records),
        "gis_segments": segments,
        "vegetation_inspections": inspect_vegetation(streams["segments"], timeline, segments, network.feeders),
        "ami_intervals": simulate_meter_intervals(streams["meters"], timeline, network.customers),
        "scada_measurements": simulate_points(streams["meters"], timeline),
        "scada_alarms": simulate_alarms(streams["alarms"], timeline, network, world.weather, world.outages.records),
        "oms_restoration_estimates": simulate_restoration_estimates(
            streams["estimates"], timeline, world.outages.records
        ),
    }
    return Feeds(telemetry=telemetry, frames=frames)


def _truth(world: _World, feeds: Feeds) -> dict[str, pd.DataFrame]:
    """Return the tables of the truth, taken before defects."""
    hazard = transformer_truth(world.timeline, world.fleet)
    expectation = outage_truth(world.timeline, world.network, world.forecasts, world.outages, world.fleet)
    load = feeds.frames["scada_load_readings"][["series_id", "interval_start_at", "load_mw"]]
    return {
        "transformer_hazard": hazard,
        "outage_expectation": expectation,
        "ceilings": ceilings(hazard, expectation),
        "load": load.copy(),
        "intrusions": world.incidents,
    }


def _inject_defects(
    streams: dict[str, np.random.Generator], feeds: Feeds, world: _World, *, dirt: float, log: DefectLog
) -> None:
    """Spoil the feeds in place."""
    generator, rates = streams["dirt"], DefectRates().scaled(dirt)
    TelemetryDirt(
        generator, feeds.telemetry, world.timeline, asset_ids=world.fleet.asset_ids, rates=rates, log=log
    ).inject()
    records = RecordDirt(generator, rates=rates, log=log)
    spoiled = PointDirt(streams["point_dirt"], rates=rates, log=log).inject(records.inject(feeds.frames))
    # Estimates follow the outages that were renumbered.
    feeds.frames = ControlDirt(streams["control_dirt"], rates=rates, log=log, renumbered=records.renumbered).inject(
        spoiled
    )
