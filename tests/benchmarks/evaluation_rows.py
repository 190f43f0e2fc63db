"""What `make evaluate` reports: each figure, where it comes from, what the field reached, what is to be reached.

What lives here: the table's rows as data. What does not: running (evaluation.py), the figures (`gridweave evaluate`).
References and goals were set before the models were made; references are of the same data, out of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HomeName = Literal["public", "simulated"]
PUBLIC: HomeName = "public"
SIMULATED: HomeName = "simulated"
YEAR_2013 = ("--from", "2013-01-01", "--to", "2014-01-01")
LAST_YEAR = ("--from", "2019-07-01", "--to", "2020-07-01")
WINTER = ("--from", "2020-12-18", "--to", "2021-01-28")
SUMMER = ("--from", "2017-05-01", "--to", "2017-08-31")
SPRING_2020 = ("--from", "2020-01-01", "--to", "2020-07-01")
LAST_SIMULATED = ("--from", "2024-09-01", "--to", "2024-12-30")
ZONES = ("Zone1", "Zone2", "Zone3")
SHUTDOWN_DAY = 78.0  # 19 March 2020, the first stay-at-home order, counted from 1 January


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One row of the table.

    Attributes:
        words: What is measured, with its unit.
        data: On what.
        evaluate: Arguments of `gridweave evaluate`; first the use case.
        metric: Of its rows.
        series: Of its rows; the mean over several.
        home: Which data.
        at_most: Goal; None where another field says it.
        at_least: Goal.
        within_ceiling: Largest distance below the best the simulator itself could reach.
        ceiling: Name of that figure in the simulator's file.
        beats_naive: Goal is the better of the same hour a day and a week before.
        of_baseline: The figure is a share of the baseline's.
        less: Taken off the figure.
        reference: What the field reached there.
    """

    words: str
    data: str
    evaluate: tuple[str, ...]
    metric: str
    series: tuple[str, ...]
    home: HomeName = PUBLIC
    at_most: float | None = None
    at_least: float | None = None
    within_ceiling: float | None = None
    ceiling: str = ""
    beats_naive: bool = False
    of_baseline: bool = False
    less: float = 0.0
    reference: str = ""


def _day_ahead(series: str, reference: str, at_most: float) -> Wanted:
    return Wanted(
        words="MAPE %, day ahead, no weather",
        data=f"eia930 {series}, Jul 2019 - Jun 2020",
        evaluate=("load_forecast", *LAST_YEAR),
        metric="mape",
        series=(series,),
        at_most=at_most,
        reference=reference,
    )


def _victoria(words: str, metric: str, reference: str, **goal: float) -> Wanted:
    return Wanted(
        words=words,
        data="vic_load_weather 2013",
        evaluate=("load_forecast", *YEAR_2013),
        metric=metric,
        series=("VIC",),
        reference=reference,
        **goal,  # type: ignore[arg-type] # at_most or at_least
    )


def _feeder(pid: int, words: str, metric: str, reference: str, **goal: float) -> Wanted:
    return Wanted(
        words=words,
        data=f"alliander pid {pid}, 18 Dec - 28 Jan",
        evaluate=("load_forecast", *WINTER),
        metric=metric,
        series=(f"pid_{pid}",),
        reference=reference,
        **goal,  # type: ignore[arg-type] # at_most or at_least
    )


def _capture(capture: str, words: str, metric: str, reference: str, **goal: float) -> Wanted:
    return Wanted(
        words=words,
        data=f"scada_mms_iec104 {capture}",
        evaluate=("scada_anomaly",),
        metric=metric,
        series=(capture,),
        reference=reference,
        **goal,  # type: ignore[arg-type] # at_most or at_least
    )


ROWS = (
    _victoria("MAPE %, day ahead, weather known", "mape", "week before 7; boosting 3.2", at_most=3.0),
    _victoria("rCRPS", "rcrps", "", at_most=0.024),
    _victoria("90 % coverage, at least", "coverage90", "", at_least=0.87),
    _victoria("90 % coverage, at most", "coverage90", "", at_most=0.93),
    _day_ahead("PGE", "week before 5.9; boosting 4.8", 4.5),
    _day_ahead("SCL", "week before 5.2; boosting 4.3", 4.0),
    _day_ahead("DUK", "week before 11.4", 9.5),
    _day_ahead("ISNE", "week before 8.9", 7.5),
    _day_ahead("NYIS", "week before 7.0", 6.8),
    _day_ahead("ERCO", "week before 8.9", 7.0),
    *(
        Wanted(
            words="MAPE %, day ahead, weekly refit",
            data=f"tetouan {zone}, May - Aug 2017",
            evaluate=("load_forecast", *SUMMER),
            metric="mape",
            series=(zone,),
            beats_naive=True,
            reference="a static model loses to the week before",
        )
        for zone in ZONES
    ),
    _feeder(287, "rCRPS", "rcrps", "OpenSTEF .0454", at_most=0.0431),
    _feeder(287, "90 % coverage", "coverage90", "OpenSTEF .51-.68", at_least=0.85),
    _feeder(307, "rCRPS", "rcrps", "OpenSTEF .0687", at_most=0.0653),
    _feeder(307, "90 % coverage", "coverage90", "OpenSTEF .51-.68", at_least=0.85),
    Wanted(
        words="top oil, 24 h MAE degC",
        data="ett_transformer ETTh1",
        evaluate=("top_oil",),
        metric="mae_top_oil",
        series=("ETT",),
        at_most=1.54,
        reference="same hour of the day before 1.71",
    ),
    Wanted(
        words="health index R2, 5 folds",
        data="transformer_dga_health",
        evaluate=("transformer_health",),
        metric="r2",
        series=("DGA",),
        at_least=0.72,
        reference="random forest 0.70",
    ),
    Wanted(
        words="failure in 28 days, AUC",
        data="simulated, seed 7",
        evaluate=("transformer_failure",),
        metric="auc",
        series=("SIM",),
        home=SIMULATED,
        within_ceiling=0.03,
        ceiling="transformer_failure auc",
    ),
    Wanted(
        words="failure in 28 days, ECE",
        data="simulated, seed 7",
        evaluate=("transformer_failure",),
        metric="ece",
        series=("SIM",),
        home=SIMULATED,
        at_most=0.02,
    ),
    Wanted(
        words="outage on a feeder and day, AUC",
        data="simulated, seed 7",
        evaluate=("outage_risk",),
        metric="auc",
        series=("SIM",),
        home=SIMULATED,
        within_ceiling=0.02,
        ceiling="outage_risk auc",
    ),
    Wanted(
        words="outage counts, deviance skill",
        data="simulated, seed 7",
        evaluate=("outage_risk",),
        metric="poisson_skill",
        series=("SIM",),
        home=SIMULATED,
        at_least=0.3,
    ),
    Wanted(
        words="restoration time, median abs. error h",
        data="pge_outages",
        evaluate=("restoration_time",),
        metric="median_error",
        series=("PGE",),
        at_most=1.2,
        reference="the utility's first estimate 1.73",
    ),
    Wanted(
        words="restoration time, share within 1 h",
        data="pge_outages",
        evaluate=("restoration_time",),
        metric="within_1h",
        series=("PGE",),
        at_least=0.4,
        reference="the utility's first estimate .27",
    ),
    Wanted(
        words="storm list, outages in a tenth of places, day ahead",
        data="pge_outages by city",
        evaluate=("storm_priority",),
        metric="capture10",
        series=("PGE day ahead",),
        at_least=0.56,
        reference="trailing count .51; oracle .74",
    ),
    _capture("gics-modified", "AUC per 60 s window", "auc", "z-score .998; forest .869", at_least=0.95),
    _capture("gics-scanning", "AUC per 60 s window", "auc", "z-score .749; forest .815", at_least=0.95),
    _capture("gics-normal", "false windows", "false_alarms", "", at_most=1.0),
    _capture("mega104-14-12-18", "false windows", "false_alarms", "", at_most=1.0),
    Wanted(
        words="error with automatic training / frozen model",
        data="eia930, 14 authorities, Jan - Jun 2020",
        evaluate=("retraining", *SPRING_2020),
        metric="mape",
        series=("all",),
        of_baseline=True,
        at_most=0.9,
    ),
    Wanted(
        words="error with automatic training / frozen model",
        data="tetouan, May - Aug 2017",
        evaluate=("retraining", *SUMMER),
        metric="mape",
        series=ZONES,
        of_baseline=True,
        at_most=0.9,
    ),
    Wanted(
        words="days from 19 March until drift is seen, first authority",
        data="eia930 NYIS 2020",
        evaluate=("retraining", *SPRING_2020),
        metric="days_to_drift",
        series=("NYIS",),
        less=SHUTDOWN_DAY,
        at_most=14.0,
    ),
    Wanted(
        words="false trainings in 30 days",
        data="simulated feeders, seed 7, stationary",
        evaluate=("retraining", *LAST_SIMULATED),
        metric="drift_trainings",
        series=("all",),
        home=SIMULATED,
        at_most=1.0,
    ),
)
