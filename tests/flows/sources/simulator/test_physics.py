"""The simulated world behaves as it says: thermal model, weather, load, failures, outages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from flows.sources.simulator.condition import NO_FAILURE, simulate_fleet
from flows.sources.simulator.load import respond_to_price, simulate_base_load, system_load
from flows.sources.simulator.market import simulate_prices
from flows.sources.simulator.network import Network, build_network
from flows.sources.simulator.outages import outage_rate, simulate_outages
from flows.sources.simulator.thermal import (
    HOT_SPOT_RISE_K,
    WINDING_EXPONENT,
    ageing_acceleration,
    ultimate_top_oil_rise,
)
from flows.sources.simulator.timeline import Timeline, autoregressive, follow_slowly
from flows.sources.simulator.truth import ceilings, outage_truth, transformer_truth
from flows.sources.simulator.weather import Weather, simulate_forecasts, simulate_weather

YEAR = Timeline(start=date(2024, 1, 1), days=365)


def _generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(_generator(), feeders=12, transformers=300)


@pytest.fixture(scope="module")
def weather(network: Network) -> Weather:
    return simulate_weather(_generator(1), YEAR, stations=len(network.stations))


@pytest.mark.parametrize(
    ("load_share", "ambient_degc", "hot_spot_degc", "ageing"),
    [(1.0, 30.0, 110.00, 1.000), (0.8, 30.0, 88.27, 0.0949), (1.2, 40.0, 144.69, 25.86)],
)
def test_the_thermal_model_gives_the_check_values_of_the_standard(
    load_share: float, ambient_degc: float, hot_spot_degc: float, ageing: float
) -> None:
    rise = ultimate_top_oil_rise(np.array([load_share]), np.array([55.0]))
    hot_spot = ambient_degc + rise + HOT_SPOT_RISE_K * load_share ** (2 * WINDING_EXPONENT)

    assert hot_spot[0] == pytest.approx(hot_spot_degc, abs=0.01)
    assert ageing_acceleration(hot_spot)[0] == pytest.approx(ageing, rel=2e-3)


@pytest.mark.parametrize("shape", [(3, 5_000), (5_000, 40)])
def test_autoregressive_noise_is_stationary_with_the_given_memory(shape: tuple[int, int]) -> None:
    noise = autoregressive(_generator(), shape, persistence=0.8)

    assert noise.std() == pytest.approx(1.0, abs=0.06)
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("rows", [1, 50])
def test_both_ways_of_lagging_follow_the_recursion(rows: int) -> None:
    values = _generator().normal(size=(rows, 20))

    lagged = follow_slowly(values, persistence=0.7)

    expected = values[:, 0].copy()
    for step in range(1, 20):
        expected = 0.7 * expected + 0.3 * values[:, step]
    assert lagged[:, -1] == pytest.approx(expected)


def test_the_network_has_the_promised_size(network: Network) -> None:
    assert 3 <= len(network.substations) <= 5
    assert 3 <= len(network.stations) <= 4
    assert 7_000 <= len(network.customers) <= 14_000
    assert network.positions["rated_mva"].between(5, 40).all()
    assert set(network.customers["asset_id"]) <= set(network.positions["asset_id"])
    per_asset = network.customers.merge(network.positions, on="asset_id")
    assert (per_asset["feeder_id_x"] == per_asset["feeder_id_y"]).all()


def test_the_weather_has_seasons_and_storms(weather: Weather) -> None:
    temperature = weather.temperature_degc[0, YEAR.delivered]
    peaks = np.sort(weather.wind_gust_mps[:, YEAR.delivered].max(axis=0))
    storm_hours = (weather.storm_strength[:, YEAR.delivered].max(axis=0) > 0.2).astype(int)

    assert temperature[24 * 180 : 24 * 240].mean() - temperature[: 24 * 60].mean() > 15
    assert 18 < peaks[-1] < 40
    assert 15 <= (np.diff(storm_hours) == 1).sum() <= 40
    assert np.median(peaks) < 9


def test_gust_forecasts_are_informative_and_worsen_with_the_horizon(weather: Weather) -> None:
    forecasts = simulate_forecasts(_generator(2), YEAR, weather)
    at = np.searchsorted(YEAR.hours, forecasts.issued_at)
    errors = {
        step: np.log(forecasts.wind_gust_mps[:, :, step] / weather.wind_gust_mps[:, at + step + 1].T).std()
        for step in (0, 23, 47)
    }

    assert errors[0] < errors[23] < errors[47] < 0.4
    truth = weather.wind_gust_mps[0, at + 24]
    assert np.corrcoef(forecasts.wind_gust_mps[:, 0, 23], truth)[0, 1] > 0.9
    assert forecasts.issued_at[-1] == YEAR.end_at


def test_system_load_is_as_regular_as_a_real_one(network: Network, weather: Weather) -> None:
    base = simulate_base_load(_generator(3), YEAR, network, weather)
    prices = simulate_prices(_generator(4), system_load(base))
    load = system_load(respond_to_price(base, prices.day_ahead_usd_per_mwh))[YEAR.delivered]

    week_naive = np.mean(np.abs(load[168:] - load[:-168]) / load[168:])
    correlation = np.corrcoef(load, prices.day_ahead_usd_per_mwh[YEAR.delivered])[0, 1]

    assert 0.04 < week_naive < 0.12  # Victoria: 0.07
    assert correlation > 0.5
    assert (base.max(axis=1) < 1.3 * network.feeders["rated_mw"].to_numpy()).all()


def test_a_fifth_to_a_quarter_of_the_fleet_fails_in_a_year_and_the_hazard_ranks_it(network: Network) -> None:
    failures, areas = [], []
    for seed in range(4):
        ageing = np.full((300, YEAR.hour_count), 0.05)
        fleet = simulate_fleet(_generator(seed), YEAR, network, ageing)
        truth = transformer_truth(YEAR, fleet)
        failures.append((fleet.failed_hour != NO_FAILURE).sum() / 300)
        areas.append(ceilings(truth, _no_outages())["value"].iloc[1])

    assert 0.17 < np.mean(failures) < 0.28
    assert all(0.85 < area < 0.98 for area in areas)


def _no_outages() -> pd.DataFrame:
    columns = ["feeder_id", "outage_count", "forecast_expected_count", "expected_count"]
    return pd.DataFrame({name: np.array([], dtype=float) for name in columns})


def test_outages_follow_the_wind(network: Network, weather: Weather) -> None:
    fleet = simulate_fleet(_generator(5), YEAR, network, np.full((300, YEAR.hour_count), 0.05))
    draw = simulate_outages(_generator(6), YEAR, network, weather, fleet)
    truth = outage_truth(YEAR, network, simulate_forecasts(_generator(7), YEAR, weather), draw, fleet)
    days = truth.groupby("outage_date")["outage_count"].sum()
    calm = truth[truth["expected_count"] < truth["expected_count"].median()]
    planned_share = draw.records["is_planned"].mean()

    assert 0.02 < calm["outage_count"].mean() < 0.1
    assert days.max() >= 10
    assert 0.02 < planned_share < 0.08
    assert truth["outage_count"].sum() == pytest.approx(truth["expected_count"].sum(), rel=0.15)


def test_underground_feeders_hardly_mind_a_storm(network: Network) -> None:
    feeders = network.feeders.assign(overhead_share=np.linspace(0, 1, 12), vegetation_index=0.5, length_km=24.0)
    changed = Network(
        stations=network.stations, substations=network.substations, feeders=feeders,
        switches=network.switches, customers=network.customers, positions=network.positions,
    )  # fmt: skip
    storm = np.full((12, 1), 28.0)

    rate = outage_rate(changed, wind_gust_mps=storm, temperature_degc=np.full((12, 1), 15.0))[:, 0]

    assert np.all(np.diff(rate) > 0)
    assert rate[-1] > 50 * rate[0]
