"""What a control centre logs: sequence of events, alarms, acknowledgements and operator commands.

What lives here: the rows that go with outages, storms and worn contacts, in the order the centre wrote them. What
does not: the telegrams on the network (`scada_traffic`), defects (`dirt_control`).
Decision: an outage is seen by one switching device of its feeder, so the states of a device follow from the outages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.timeline import HOURS_PER_DAY, Timeline

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Floats, Integers
    from flows.sources.simulator.weather import Weather

# IEC 60870-5-101, 7.2.3: causes of transmission.
SPONTANEOUS, ACTIVATION, RETURNED_BY_COMMAND = 3, 6, 11
# A substation that is looked after: a few alarms a day mean nothing, and a loose contact comes some times a year.
NUISANCE_ALARMS_PER_SUBSTATION_DAY = 4.0
CHATTERING_EPISODES_PER_SUBSTATION_DAY = 0.02
FLOOD_ALARMS_PER_FEEDER_HOUR = 12.0
_FLOOD_STORM_STRENGTH = 0.5
_DEVICES_PER_FEEDER = 40
_ACKNOWLEDGED_SHARE = 0.85
_NUISANCE_POINTS = np.array(["BATTERY.LOW", "DOOR.OPEN", "COMM.FAIL", "HEATER.FAIL"])
_FLOOD_POINTS = np.array(["UNDERVOLTAGE", "GROUND.PICKUP", "PHASE.PICKUP"])
# One of the night, the day and the late shift (UTC).
_OPERATORS = np.array(["a.meyer", "j.okafor", "l.santos"])
_CENTRE_ADDRESS = "10.20.0.1"
_MILLISECOND = np.timedelta64(1, "ms")


def simulate_alarms(
    generator: np.random.Generator, timeline: Timeline, network: Network, weather: Weather, outages: pd.DataFrame
) -> pd.DataFrame:
    """Draw the log of the delivered span.

    Args:
        generator: Source of randomness.
        timeline: Delivered span.
        network: Feeders and substations.
        weather: For storms.
        outages: True outage records.

    Returns:
        sequence_number, event_at, point_id, state_code, priority, acknowledged_by, operator_name, command_type,
        cause_of_transmission, source_address, received_at; in the order of the log, UTC to the millisecond.
    """
    delivered = outages[outages["started_at"] >= timeline.start_at].reset_index(drop=True)
    alarms = pd.concat(
        [
            _nuisance_alarms(generator, timeline, network),
            _chattering_alarms(generator, timeline, network),
            _flood_alarms(generator, timeline, network, weather),
        ],
        ignore_index=True,
    )
    log = pd.concat(
        [_switching(generator, network, delivered), _with_returns(generator, alarms, share=_ACKNOWLEDGED_SHARE)],
        ignore_index=True,
    )
    log = log[(log["event_at"] >= timeline.start_at) & (log["event_at"] < timeline.end_at)]
    delay = generator.integers(40, 900, len(log)) * (log["cause_of_transmission"] == SPONTANEOUS).to_numpy()
    log = log.assign(received_at=log["event_at"].to_numpy() + delay * _MILLISECOND)
    log = log.sort_values(["received_at", "point_id"], kind="stable", ignore_index=True)
    log.insert(0, "sequence_number", np.arange(1, len(log) + 1))
    return log


def _rows(
    event_at: np.ndarray,
    point_id: np.ndarray,
    *,
    priority: int | Integers,
    source_address: np.ndarray | str,
    state_code: str | None = None,
    acknowledged_by: np.ndarray | None = None,
    operator_name: np.ndarray | None = None,
    command_type: str | None = None,
    cause_of_transmission: int = SPONTANEOUS,
) -> pd.DataFrame:
    """Return rows of one kind."""
    return pd.DataFrame(
        {
            "event_at": event_at.astype("datetime64[ms]"),
            "point_id": point_id,
            "state_code": state_code,
            "priority": priority,
            "acknowledged_by": acknowledged_by,
            "operator_name": operator_name,
            "command_type": command_type,
            "cause_of_transmission": cause_of_transmission,
            "source_address": source_address,
        }
    ).astype(dict.fromkeys(["state_code", "acknowledged_by", "operator_name", "command_type"], object))


def _on_duty(moments: np.ndarray) -> np.ndarray:
    """Return who sits at the desk."""
    hours = moments.astype("datetime64[h]").astype(np.int64)
    return np.asarray(_OPERATORS[hours % HOURS_PER_DAY // (HOURS_PER_DAY // len(_OPERATORS))], dtype=object)


def _addresses(substation_index: np.ndarray) -> np.ndarray:
    """Return the addresses of remote terminals."""
    return np.array([f"10.20.{index + 1}.10" for index in substation_index], dtype=object)


def _acknowledgements(moments: np.ndarray, points: np.ndarray, priority: int | Integers) -> pd.DataFrame:
    """Return what operators confirmed."""
    return _rows(
        moments, points, priority=priority, source_address=_CENTRE_ADDRESS,
        acknowledged_by=_on_duty(moments), cause_of_transmission=ACTIVATION,
    )  # fmt: skip


def _commands(moments: np.ndarray, points: np.ndarray, command_type: str) -> pd.DataFrame:
    """Return what operators switched."""
    return _rows(
        moments, points, priority=1, source_address=_CENTRE_ADDRESS,
        operator_name=_on_duty(moments), command_type=command_type, cause_of_transmission=ACTIVATION,
    )  # fmt: skip


def _switching(generator: np.random.Generator, network: Network, outages: pd.DataFrame) -> pd.DataFrame:
    """Return trips with their protection alarm, planned switching, and closing again by command."""
    feeder = pd.Index(network.feeders["feeder_id"]).get_indexer(pd.Index(outages["feeder_id"]))
    substation_ids = network.feeders["substation_id"].to_numpy()[feeder]
    addresses = _addresses(pd.Index(network.substations["substation_id"]).get_indexer(pd.Index(substation_ids)))
    number = generator.integers(1, _DEVICES_PER_FEEDER + 1, len(outages))
    devices = np.array([f"{name}.R{n:02d}" for name, n in zip(outages["feeder_id"], number, strict=True)], dtype=object)
    started_at = outages["started_at"].to_numpy().astype("datetime64[ms]")
    restored_at = outages["restored_at"].to_numpy().astype("datetime64[ms]")
    travel = generator.integers(40, 120, len(outages)) * _MILLISECOND  # a breaker opens within a few cycles
    thought = generator.integers(5_000, 240_000, len(outages)) * _MILLISECOND
    is_planned = outages["is_planned"].to_numpy().astype(bool)
    trip, work = ~is_planned, is_planned
    breakers, relays = devices + ".BREAKER", devices + ".TRIP"
    back = [
        _commands(restored_at - 2_000 * _MILLISECOND, breakers, "CLOSE"),
        _rows(
            restored_at, breakers, priority=1, source_address=addresses, state_code="CLOSED",
            cause_of_transmission=RETURNED_BY_COMMAND,
        ),
    ]  # fmt: skip
    return pd.concat(
        [
            _rows(started_at[trip], relays[trip], priority=1, source_address=addresses[trip], state_code="ALARM"),
            _rows(
                (started_at + travel)[trip], breakers[trip], priority=1, source_address=addresses[trip],
                state_code="OPEN",
            ),
            _acknowledgements(
                np.concatenate([(started_at + thought)[trip], (started_at + thought + 1_500 * _MILLISECOND)[trip]]),
                np.concatenate([relays[trip], breakers[trip]]),
                1,
            ),
            _rows(
                (restored_at + 900 * _MILLISECOND)[trip], relays[trip], priority=1, source_address=addresses[trip],
                state_code="NORMAL",
            ),
            _commands(started_at[work] - 2_000 * _MILLISECOND, breakers[work], "OPEN"),
            _rows(
                started_at[work], breakers[work], priority=1, source_address=addresses[work], state_code="OPEN",
                cause_of_transmission=RETURNED_BY_COMMAND,
            ),
            *back,
        ],
        ignore_index=True,
    )  # fmt: skip


def _alarms(
    moments: np.ndarray, seconds: Floats, points: np.ndarray, priority: int, substation_index: np.ndarray
) -> pd.DataFrame:
    """Return alarms with their durations, before their returns are written."""
    return pd.DataFrame(
        {
            "event_at": moments.astype("datetime64[ms]"),
            "seconds": np.asarray(seconds, dtype=float),
            "point_id": np.asarray(points, dtype=object),
            "priority": np.full(len(points), priority, dtype=np.int64),
            "source_address": np.asarray(_addresses(substation_index), dtype=object),
        }
    )


def _moments(generator: np.random.Generator, timeline: Timeline, count: int) -> np.ndarray:
    """Draw instants of the delivered span."""
    milliseconds = generator.integers(0, timeline.hour_count * 3_600_000, count)
    return np.asarray(timeline.start_at.astype("datetime64[ms]") + milliseconds * _MILLISECOND)


def _nuisance_alarms(generator: np.random.Generator, timeline: Timeline, network: Network) -> pd.DataFrame:
    """Draw alarms that come and go by themselves."""
    days = timeline.hour_count / HOURS_PER_DAY
    count = int(generator.poisson(NUISANCE_ALARMS_PER_SUBSTATION_DAY * days * len(network.substations)))
    substation = generator.integers(0, len(network.substations), count)
    kind = generator.choice(_NUISANCE_POINTS, count)
    names = network.substations["substation_id"].to_numpy()[substation]
    points = np.array([f"{name}.{point}" for name, point in zip(names, kind, strict=True)], dtype=object)
    seconds = generator.lognormal(np.log(15.0), 1.2, count).clip(0.5, 7_200.0)
    return _alarms(_moments(generator, timeline, count), seconds, points, 3, substation)


def _chattering_alarms(generator: np.random.Generator, timeline: Timeline, network: Network) -> pd.DataFrame:
    """Draw episodes of a loose contact, at least one: it comes every few seconds, a few dozen times."""
    days = timeline.hour_count / HOURS_PER_DAY
    expected = CHATTERING_EPISODES_PER_SUBSTATION_DAY * days * len(network.substations)
    episodes = max(int(generator.poisson(expected)), 1)
    substation = generator.integers(0, len(network.substations), episodes)
    length = generator.integers(6, 31, episodes)
    episode = np.repeat(np.arange(episodes), length)
    number = np.arange(len(episode)) - np.repeat(np.cumsum(length) - length, length)
    pause = generator.uniform(4.0, 12.0, episodes)[episode] * 1_000.0
    first = _moments(generator, timeline, episodes)[episode]
    moments = first + (number * pause).astype(np.int64) * _MILLISECOND
    names = network.substations["substation_id"].to_numpy()[substation[episode]]
    points = np.array([f"{name}.GAS.RELAY" for name in names], dtype=object)
    seconds = generator.uniform(0.2, 2.0, len(episode))
    return _alarms(moments, seconds, points, 2, substation[episode])


def _flood_alarms(
    generator: np.random.Generator, timeline: Timeline, network: Network, weather: Weather
) -> pd.DataFrame:
    """Draw the pick-ups of a storm: more than anybody can read."""
    strength = weather.storm_strength[network.feeders["station_index"].to_numpy(), timeline.delivered]
    expected = np.where(strength > _FLOOD_STORM_STRENGTH, strength * FLOOD_ALARMS_PER_FEEDER_HOUR, 0.0)
    counts = generator.poisson(expected)
    feeder, hour = (np.repeat(index, counts[counts > 0]) for index in np.nonzero(counts))
    moments = timeline.delivered_hours[hour].astype("datetime64[ms]")
    moments = moments + generator.integers(0, 3_600_000, len(feeder)) * _MILLISECOND
    names = network.feeders["feeder_id"].to_numpy()[feeder]
    kind = generator.choice(_FLOOD_POINTS, len(feeder))
    points = np.array([f"{name}.{point}" for name, point in zip(names, kind, strict=True)], dtype=object)
    home = network.feeders["substation_id"].to_numpy()[feeder]
    substation = pd.Index(network.substations["substation_id"]).get_indexer(pd.Index(home))
    return _alarms(moments, generator.exponential(20.0, len(feeder)).clip(0.1, 600.0), points, 2, substation)


def _with_returns(generator: np.random.Generator, alarms: pd.DataFrame, *, share: float) -> pd.DataFrame:
    """Return alarms, their returns to normal, and the acknowledgements of a share of them."""
    moments = alarms["event_at"].to_numpy()
    points, priority = alarms["point_id"].to_numpy(), alarms["priority"].to_numpy()
    sources = alarms["source_address"].to_numpy()
    ends = moments + (alarms["seconds"].to_numpy() * 1_000).astype(np.int64) * _MILLISECOND
    is_read = generator.random(len(alarms)) < share
    read_at = moments + generator.integers(3_000, 600_000, len(alarms)) * _MILLISECOND
    return pd.concat(
        [
            _rows(moments, points, priority=priority, source_address=sources, state_code="ALARM"),
            _rows(ends, points, priority=priority, source_address=sources, state_code="NORMAL"),
            _acknowledgements(read_at[is_read], points[is_read], priority[is_read]),
        ],
        ignore_index=True,
    )
