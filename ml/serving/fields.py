"""What each field of a request means, with unit and example, for the API's document.

What lives here: words about features. What does not: which features there are (`ml/<use case>/config.py`); a test
demands that both agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.serving.use_cases import ServedUseCase

MeaningUnitExample = tuple[str, str, float]
FEATURES: dict[str, MeaningUnitExample] = {
    "age_years": ("Time since installation", "a", 31.0),
    "rated_mva": ("Rated power", "MVA", 25.0),
    "mean_load_share_28d": ("Mean load over rated power, 28 days", "1", 0.62),
    "peak_load_share_28d": ("Peak load over rated power, 28 days", "1", 0.97),
    "peak_hot_spot_degc_28d": ("Highest hot-spot temperature, 28 days", "degC", 96.5),
    "mean_top_oil_residual_k_28d": ("Mean of measured less expected top-oil temperature, 28 days", "K", 2.4),
    "mean_vibration_mm_s_28d": ("Mean tank vibration, 28 days", "mm/s", 1.3),
    "vibration_change_mm_s": ("Mean vibration of 28 days less that of the 28 days before", "mm/s", 0.1),
    "mean_hydrogen_ppm_28d": ("Mean dissolved hydrogen, 28 days", "ppm", 61.0),
    "mean_methane_ppm_28d": ("Mean dissolved methane, 28 days", "ppm", 34.0),
    "mean_ethane_ppm_28d": ("Mean dissolved ethane, 28 days", "ppm", 22.0),
    "mean_ethylene_ppm_28d": ("Mean dissolved ethylene, 28 days", "ppm", 18.0),
    "mean_acetylene_ppm_28d": ("Mean dissolved acetylene, 28 days", "ppm", 0.6),
    "hydrogen_change_ppm": ("Mean hydrogen of 28 days less that of the 28 days before", "ppm", 8.0),
    "corrective_work_order_count_365d": ("Corrective work orders, 365 days", "1", 1),
    "days_since_maintenance": ("Time since the last completed maintenance", "d", 212.0),
    "reading_share_28d": ("Share of expected readings that arrived, 28 days, 0-1", "1", 0.98),
    "peak_gust_forecast_mps": ("Highest forecast gust of the day", "m/s", 21.5),
    "mean_wind_forecast_mps": ("Mean forecast wind of the day", "m/s", 9.2),
    "precipitation_forecast_mm": ("Forecast precipitation of the day", "mm", 12.0),
    "min_temperature_forecast_degc": ("Lowest forecast temperature", "degC", 3.0),
    "max_temperature_forecast_degc": ("Highest forecast temperature", "degC", 11.0),
    "storm_index_forecast": ("Forecast gust above threshold, cubed and summed over the hours", "1", 1.8),
    "cooling_degree_hours_forecast": ("Forecast degree hours above the cooling threshold", "K h", 0.0),
    "vegetation_index": ("Share of the route under canopy, 0-1", "1", 0.35),
    "overhead_share": ("Share of the length that is overhead, 0-1", "1", 0.7),
    "length_km": ("Length of the feeder", "km", 18.4),
    "customers_count": ("Customers", "1", 1450),
    "critical_customers_count": ("Critical customers", "1", 3),
    "outage_count_7d": ("Outages, 7 days", "1", 0),
    "outage_count_28d": ("Outages, 28 days", "1", 1),
    "outage_count_365d": ("Outages, 365 days", "1", 9),
    "day_of_year": ("Day of the year of the local day, 1-366", "d", 31),
    "local_day_of_week": ("Day of the week of the local day, Monday 1 to Sunday 7", "1", 5),
    "peak_load_mw_week_before": ("Peak load a week before", "MW", 6.1),
    "rated_mw": ("Rated power of the feeder", "MW", 9.0),
    "transformer_failure_probability_sum": ("Sum of the failure probabilities of its transformers", "1", 0.08),
    "transformer_failure_probability_max": ("Largest of them, 0-1", "1", 0.05),
    "peak_load_forecast_share": ("Highest forecast load over rated power", "1", 0.8),
    "network_outage_count_7d": ("Mean outages of the network's feeders, 7 days", "1", 0.3),
}
ENTITY_EXAMPLES = {"asset_id": "T00001", "feeder_id": "F001"}
NAME = {"type": "string", "minLength": 1, "maxLength": 128}


def request_schema(served: ServedUseCase, *, at_most: int) -> dict[str, Any]:
    """Return the JSON Schema of a scoring request, with an example of each form."""
    entity = {**NAME, "description": "What the row is about; echoed in the answer."}
    network = {**NAME, "description": "Network; needed only when the model knows several."}
    row = {name: _number(name) for name in served.features} | {served.entity: entity, "network_id": network}
    columns = {
        name: {"type": "array", "items": schema, "minItems": 1, "maxItems": at_most} for name, schema in row.items()
    }
    several = {"minItems": 1, "maxItems": at_most}
    forms = {
        "rows": {
            "description": "Rows with features; a feature left out or null is unknown.",
            "type": "array",
            "items": {"type": "object", "properties": row, "additionalProperties": False},
            **several,
        },
        "columns": {
            "description": "The same as lists of one length, a third of the bytes; the answer has columns too.",
            "type": "object",
            "properties": columns,
            "additionalProperties": False,
            "minProperties": 1,
        },
        served.entities: {
            "description": "Names whose published live features are scored.",
            "type": "array",
            "items": NAME,
            **several,
        },
    }
    example = {name: FEATURES[name][2] for name in served.features} | {served.entity: ENTITY_EXAMPLES[served.entity]}
    return {
        "oneOf": [
            {
                "title": form,
                "type": "object",
                "properties": {form: schema, "network_id": network},
                "required": [form],
                "additionalProperties": False,
            }
            for form, schema in forms.items()
        ],
        "examples": [
            {"rows": [example]},
            {"columns": {name: [value] for name, value in example.items()}},
            {served.entities: [ENTITY_EXAMPLES[served.entity]]},
        ],
    }


def _number(name: str) -> dict[str, Any]:
    meaning, unit, example = FEATURES[name]
    return {
        "type": ["number", "null"],
        "minimum": -1e12,
        "maximum": 1e12,
        "description": f"{meaning}, {unit}.",
        "x-unit": unit,
        "examples": [example],
    }
