"""Bounds that more than one suite uses, each with its source.

What lives here: numbers shared by suites. What does not: a bound of one suite (it stands in that
suite) and thresholds of dbt tests (transform).
"""

from __future__ import annotations

# --- what may be wrong with a delivery before it is refused ---

# DOMAIN 2.8: unit mixes touch up to 2 % of files, undefined quality codes 0.01 %. One cell in five
# unreadable means the format changed (delimiter, decimal comma, column order), and quarantining row
# by row would hide that.
MAX_PARSE_ERROR_SHARE = 0.20
ODD_PARSE_ERROR_SHARE = 0.02

# DOMAIN 2.8: partial snapshots 0.07 %, missing join ids 1-5 %. Those are foreign keys; a key of the
# row itself that is missing more often means the column was not filled.
MAX_KEY_NULL_SHARE = 0.05

# DOMAIN 2.8: clock skew is seconds to hours in 0.6 % of outages. More than a day ahead of landing
# is a broken clock.
MAX_FUTURE_SHARE = 0.01
MAX_CLOCK_AHEAD_HOURS = 24

# DOMAIN 2.8: an RTU that lost its clock reports 1970. No source here goes back before 1990.
OLDEST_EVENT = "1990-01-01 00:00:00+00"
MAX_ANCIENT_SHARE = 0.05

# A delivery of ten rows is not refused for one bad row: so few rows pass whatever their share, as
# long as they are less than half. The row itself is quarantined in any case (transform).
FEW_ROWS = 3

# Registers are small and typed by hand: implausible attributes are quarantined or nulled row by row
# (transform); half of a column implausible means a wrong unit or a shifted column.
MAX_REGISTER_IMPLAUSIBLE_SHARE = 0.5
ODD_REGISTER_IMPLAUSIBLE_SHARE = 0.1

# A series of this many readings that never moves is not a measurement (DOMAIN 3.3: identical run >=
# 3 is flagged per run; a whole delivery without any change is refused).
MIN_ROWS_TO_JUDGE_VARIATION = 100

# Share of readings beyond physical limits above which the unit of the delivery is wrong rather than
# a sensor. DOMAIN 2.8: unit mix 0.5-2 % of tags or files, spikes 0.07 %, sentinels 999.9 and -9999.
MAX_IMPLAUSIBLE_SHARE = 0.05
ODD_IMPLAUSIBLE_SHARE = 0.01

# --- physical limits ---

# Largest load of a single interconnection (PJM, all-time peak 165,563 MW, 2006) with room; feed-in
# makes it negative.
MAX_LOAD_MW = 250_000.0

# World records: -89.2 degC (Vostok 1983), 56.7 degC (Furnace Creek 1913), WMO archive of extremes.
MIN_AIR_TEMPERATURE_DEGC = -90.0
MAX_AIR_TEMPERATURE_DEGC = 60.0

# World record gust 113 m/s (Barrow Island 1996), WMO archive of extremes.
MAX_WIND_MPS = 115.0

# World record for one hour 305 mm (Holt, Missouri, 1947), WMO archive of extremes.
MAX_HOURLY_RAIN_MM = 310.0
MIN_RADIATION_W_M2 = -20.0
MAX_RADIATION_W_M2 = 1_500.0

# Transformer oil: pour point -40 degC and below (IEC 60296), flash point 135 degC and above (IEC
# 60296).
MIN_OIL_TEMPERATURE_DEGC = -45.0
MAX_OIL_TEMPERATURE_DEGC = 160.0

# Largest transformer built is about 1,500 MVA in one tank; distribution and power transformers here
# are far below.
MAX_RATED_MVA = 1_500.0

# Electric grids exist since the 1880s; no transformer in service is older (DOMAIN 2.4).
MAX_ASSET_AGE_YEARS = 100.0

# A gas cannot be more than all of the oil's volume; 200,000 ppm is far above any fault (worst
# published sample: acetylene 9,740 ppm, data set transformer_dga_health).
MAX_DISSOLVED_GAS_PPM = 200_000.0

# Forecasts are issued for the next two days (transform: feat_load_forecast__horizon).
FORECAST_HORIZON_HOURS = 48

SERIES_TYPES = ("feeder", "zone", "system")
PROTOCOLS = ("mms", "iec104", "dnp3")

# Latitude and longitude in WGS 84.
MAX_LATITUDE_DEGREES = 90.0
MAX_LONGITUDE_DEGREES = 180.0

# Highest transmission voltage in service: 1,100 kV (UHV).
MAX_VOLTAGE_KV = 1_200.0

# Largest utility of the shared data serves 2.3 million customers in one county (Cook County); no
# feeder or area that stands in for one serves more than ten million.
MAX_CUSTOMERS = 10_000_000

# ISO 20816-1 calls 11.2 mm/s unacceptable for large machines; usual sensors end at 50 to 100.
MAX_VIBRATION_MM_S = 100.0

# IPv4: header of 20 bytes, 16 bit of length.
MIN_PACKET_BYTES = 20
MAX_PACKET_BYTES = 65_535

# DOMAIN 2.8: start after first report in 0.57 % of outages, start revised in 4.3 % of storm ones.
MAX_OUT_OF_ORDER_SHARE = 0.10

# DOMAIN 2.8: re-used keys 2.9 %.
ODD_REPEATED_KEY_SHARE = 0.10

# Temperatures inside a transformer winding: loss of function above 180 degC (IEEE C57.91, 8.2.3);
# a thermal model fed with a plausible overload stays below 300.
MAX_HOT_SPOT_DEGC = 300.0

# Largest overload IEEE C57.91 considers is 2.0; feeders with a wrong rating show up to five times.
MAX_LOAD_SHARE = 10.0

# Names of the two kinds of rows in scored tables (transform/models/reports/_ml__sources.yml).
SCORE_KINDS = ("live", "backtest")
TEMPERATURE_SOURCES = ("forecast", "climatology", "none")

# A forecast far from the same hour a week before is rare: COVID moved loads by 10 to 20 % in weeks
# (eia930, March 2020). Twice or half in total means a wrong unit or a broken series.
MAX_RATIO_TO_BASELINE = 2.0
