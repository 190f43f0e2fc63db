"""Traffic on the control network: IEC 60870-5-104 with its substations, and intrusions into it.

What lives here: messages as a tap sees them and the incidents confirmed afterwards. What does not: the
readings the messages carry (`telemetry`).
Numbers are those of the standard, as text: type 36 measured value with time tag, 45 single command, 100
interrogation; cause 3 spontaneous, 6 activation, 7 confirmation, 10 termination, 20 interrogated, 47 unknown
object address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.sources.simulator.timeline import Floats, Integers, Timeline

CAPTURE_ID = "SIM-CC"
CAPTURED_DAYS = 28
CONTROL_CENTRE = "10.1.0.10"
IEC104_PORT = 2404
ATTACK_TYPES = ("object scan", "command injection", "flooding", "rogue device", "slow probing")
_MASTER_PORT = 51_834
_INTERROGATION_EVERY_SECONDS = 900
_SPONTANEOUS_PER_MINUTE = 4.2
_POINTS_PER_SUBSTATION = 24
_COLUMNS = (
    "seconds",
    "source",
    "destination",
    "is_from_master",
    "message_type",
    "service",
    "object_id",
    "length_bytes",
)


def simulate_traffic(
    generator: np.random.Generator, timeline: Timeline, *, substations: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the last four weeks of traffic (less when fewer days are simulated).

    Returns:
        Messages ordered by time (event_at with microseconds, source_address, source_port, destination_address,
        destination_port, message_type, service, object_id, length_bytes), and incidents (incident_id, attack_type,
        started_at, ended_at).
    """
    days = min(timeline.days, CAPTURED_DAYS)
    first = timeline.end_at - np.timedelta64(days * 24, "h")
    length_seconds = days * 86_400
    stations = np.array([f"10.1.{number}.20" for number in range(1, substations + 1)])
    local_hour = timeline.local(first + np.arange(days * 24)).hour.to_numpy()
    parts = [
        *_interrogations(generator, stations, length_seconds),
        _spontaneous(generator, stations, length_seconds),
        _commands(generator, stations, local_hour),
    ]
    attacks, incidents = _intrusions(generator, stations, length_seconds)
    messages = pd.concat([*parts, *attacks], ignore_index=True)
    messages = messages[messages["seconds"] < length_seconds].sort_values("seconds", kind="stable")
    start = first.astype("datetime64[us]")
    is_from_master = messages["is_from_master"].to_numpy()
    shaped = pd.DataFrame(
        {
            "event_at": start + (messages["seconds"].to_numpy() * 1e6).astype("timedelta64[us]"),
            "source_address": messages["source"].to_numpy(),
            "destination_address": messages["destination"].to_numpy(),
            "source_port": np.where(is_from_master, _MASTER_PORT, IEC104_PORT),
            "destination_port": np.where(is_from_master, IEC104_PORT, _MASTER_PORT),
            "message_type": messages["message_type"].to_numpy(),
            "service": messages["service"].to_numpy(),
            "object_id": messages["object_id"].to_numpy(),
            "length_bytes": messages["length_bytes"].to_numpy(),
        }
    )
    for column in ("started_at", "ended_at"):
        seconds = incidents[column].to_numpy().astype(float)
        incidents[column] = start + (seconds * 1e6).astype("timedelta64[us]")
    return shaped, incidents


def _messages(
    *,
    seconds: Floats,
    station: np.ndarray,
    is_from_master: bool,
    message_type: int,
    service: int,
    object_id: np.ndarray,
    length_bytes: int,
    master: str = CONTROL_CENTRE,
) -> pd.DataFrame:
    """Build messages of one kind between stations and the control centre."""
    count = len(seconds)
    masters = np.full(count, master)
    return pd.DataFrame(
        {
            "seconds": seconds,
            "source": masters if is_from_master else station,
            "destination": station if is_from_master else masters,
            "is_from_master": is_from_master,
            "message_type": str(message_type),
            "service": str(service),
            "object_id": object_id,
            "length_bytes": length_bytes,
        },
        columns=list(_COLUMNS),
    )


def _command(
    generator: np.random.Generator, *, seconds: Floats, station: np.ndarray, message_type: int, object_id: np.ndarray,
    answer: int = 7, master: str = CONTROL_CENTRE,
) -> list[pd.DataFrame]:  # fmt: skip
    """Build activations and their confirmations some milliseconds later."""
    reply = seconds + generator.uniform(0.02, 0.12, len(seconds))
    asked = _messages(
        seconds=seconds, station=station, is_from_master=True, message_type=message_type, service=6,
        object_id=object_id, length_bytes=56, master=master,
    )  # fmt: skip
    answered = _messages(
        seconds=reply, station=station, is_from_master=False, message_type=message_type, service=answer,
        object_id=object_id, length_bytes=56, master=master,
    )  # fmt: skip
    return [asked, answered]


def _points(generator: np.random.Generator, count: int) -> np.ndarray:
    """Draw object addresses of real points."""
    return (1_000 + generator.integers(0, _POINTS_PER_SUBSTATION, count)).astype(str)


def _interrogations(generator: np.random.Generator, stations: np.ndarray, length_seconds: int) -> list[pd.DataFrame]:
    """Every station is asked for all its points every quarter of an hour."""
    rounds = np.arange(0, length_seconds, _INTERROGATION_EVERY_SECONDS)
    stagger = np.arange(len(stations)) * 37.0
    asked_at = (rounds[:, None] + stagger).ravel() + generator.normal(5.0, 0.4, len(rounds) * len(stations))
    station = np.tile(stations, len(rounds))
    zero = np.full(len(station), "0")
    parts = _command(generator, seconds=asked_at, station=station, message_type=100, object_id=zero)
    packets = 3  # a station sends its points in three packets
    answered_at = np.repeat(asked_at, packets) + 0.2 + np.tile(np.arange(packets) * 0.05, len(asked_at))
    data = _messages(
        seconds=answered_at, station=np.repeat(station, packets), is_from_master=False, message_type=36,
        service=20, object_id=_points(generator, len(answered_at)), length_bytes=180,
    )  # fmt: skip
    ended = _messages(
        seconds=asked_at + 0.5, station=station, is_from_master=False, message_type=100, service=10,
        object_id=zero, length_bytes=56,
    )  # fmt: skip
    return [*parts, data, ended]


def _spontaneous(generator: np.random.Generator, stations: np.ndarray, length_seconds: int) -> pd.DataFrame:
    """Values that moved beyond their dead band; a little busier by day."""
    count = int(generator.poisson(length_seconds / 60.0 * _SPONTANEOUS_PER_MINUTE))
    seconds = np.sort(generator.uniform(0, length_seconds, count))
    keep = generator.random(count) < 0.85 + 0.15 * np.sin(2 * np.pi * seconds / 86_400 - np.pi)
    seconds = seconds[keep]
    return _messages(
        seconds=seconds, station=generator.choice(stations, len(seconds)), is_from_master=False,
        message_type=36, service=3, object_id=_points(generator, len(seconds)), length_bytes=69,
    )  # fmt: skip


def _commands(generator: np.random.Generator, stations: np.ndarray, local_hour: Integers) -> pd.DataFrame:
    """Operators switch now and then in working hours."""
    rate = np.where((local_hour >= 7) & (local_hour < 18), 0.5, 0.04)  # noqa: PLR2004 - working hours
    counts = generator.poisson(rate)
    hour = np.repeat(np.arange(len(local_hour)), counts)
    seconds = hour * 3600.0 + generator.uniform(0, 3600, len(hour))
    objects = (2_000 + generator.integers(0, 6, len(hour))).astype(str)
    station = generator.choice(stations, len(hour))
    parts = _command(generator, seconds=seconds, station=station, message_type=45, object_id=objects)
    return pd.concat(parts, ignore_index=True)


def _intrusions(
    generator: np.random.Generator, stations: np.ndarray, length_seconds: int
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Inject every class several times, some before and some after 70 % of the time."""
    makers: dict[str, Callable[[np.random.Generator, str, float], list[pd.DataFrame]]] = {
        "object scan": _object_scan,
        "command injection": _command_injection,
        "flooding": _flooding,
        "rogue device": _rogue_device,
        "slow probing": _slow_probing,
    }
    shares = np.array([0.06, 0.24, 0.45, 0.62, 0.74, 0.90])
    parts: list[pd.DataFrame] = []
    rows: list[dict[str, object]] = []
    for number, attack_type in enumerate(ATTACK_TYPES):
        for share in shares + 0.014 * number:
            started = float(length_seconds * share + generator.uniform(0, 0.008 * length_seconds))
            messages = makers[attack_type](generator, str(generator.choice(stations)), started)
            seconds = np.concatenate([part["seconds"].to_numpy() for part in messages])
            if seconds.max() >= length_seconds:
                continue
            parts += messages
            rows.append({"attack_type": attack_type, "started_at": seconds.min(), "ended_at": seconds.max()})
    incidents = pd.DataFrame(rows, columns=["attack_type", "started_at", "ended_at"])
    incidents = incidents.sort_values("started_at", ignore_index=True)
    incidents.insert(0, "incident_id", [f"INC-{number:04d}" for number in range(1, len(incidents) + 1)])
    return parts, incidents


def _object_scan(generator: np.random.Generator, station: str, started: float) -> list[pd.DataFrame]:
    """Ask for one object address after the other; most are unknown (cause 47)."""
    count = int(generator.integers(90, 128))
    seconds = started + np.cumsum(generator.uniform(1.5, 6.0, count))
    objects = np.arange(1, count + 1).astype(str)
    stations = np.full(count, station)
    return _command(generator, seconds=seconds, station=stations, message_type=100, object_id=objects, answer=47)


def _command_injection(generator: np.random.Generator, station: str, started: float) -> list[pd.DataFrame]:
    """A compromised host operates switches again and again."""
    count = int(generator.integers(25, 60))
    seconds = started + np.cumsum(generator.uniform(2.0, 14.0, count))
    objects = generator.choice(np.array(["2000", "2001", "31", "32"]), count)
    stations = np.full(count, station)
    return _command(generator, seconds=seconds, station=stations, message_type=45, object_id=objects)


def _flooding(generator: np.random.Generator, station: str, started: float) -> list[pd.DataFrame]:
    """Hundreds of well-formed values in a spoofed station's name."""
    count = int(generator.integers(500, 900))
    seconds = started + np.cumsum(generator.exponential(0.8, count))
    return [
        _messages(
            seconds=seconds, station=np.full(count, station), is_from_master=False, message_type=36,
            service=3, object_id=_points(generator, count), length_bytes=69,
        )
    ]  # fmt: skip


def _rogue_device(generator: np.random.Generator, station: str, started: float) -> list[pd.DataFrame]:
    """An unknown address joins in with legitimate messages."""
    count = int(generator.integers(60, 160))
    seconds = started + np.cumsum(generator.exponential(7.0, count))
    rogue = station.rsplit(".", 1)[0] + ".246"
    return [
        _messages(
            seconds=seconds, station=np.full(count, rogue), is_from_master=False, message_type=36,
            service=3, object_id=_points(generator, count), length_bytes=69,
        )
    ]  # fmt: skip


def _slow_probing(generator: np.random.Generator, station: str, started: float) -> list[pd.DataFrame]:
    """One read of an odd address every minute or so, for half an hour or more: too slow to show in volume."""
    count = int(generator.integers(25, 50))
    seconds = started + np.cumsum(generator.uniform(35.0, 75.0, count))
    objects = generator.integers(3_000, 66_000, count).astype(str)
    stations = np.full(count, station)
    return _command(generator, seconds=seconds, station=stations, message_type=102, object_id=objects, answer=47)
