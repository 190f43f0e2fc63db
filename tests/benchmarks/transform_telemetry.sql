-- Telemetry from landed Parquet to daily facts, as somebody would write it by hand for DuckDB: no dbt, no lineage, no
-- gates, the same rules. Yardstick of bench_transform.py, which holds its facts against those of the models.
-- Given: lake (glob of landed files), and the small tables units, known_assets, ambient, quality_codes.

create macro is_high(n, total, least, greatest, rise, floor) as
    n >= 3 and greatest - (total - greatest) / nullif(n - 1, 0) > rise * ((total - greatest) / nullif(n - 1, 0)) + floor;
create macro is_low(n, total, least, greatest, share, floor) as
    n >= 3 and (total - least) / nullif(n - 1, 0) - least > share * ((total - least) / nullif(n - 1, 0)) + floor;
create macro is_held(n, least, greatest, floor) as n >= 4 and least = greatest and greatest > floor;
-- Mean without a spike; none when the sensor is stuck, or both ends stand out.
create macro sound_mean(n, total, least, greatest, high, low, held) as
    case
        when held or (high and low) then null
        when high then (total - greatest) / nullif(n - 1, 0)
        when low then (total - least) / nullif(n - 1, 0)
        else total / nullif(n, 0)
    end;
create macro in_mva(load, rated, kva) as
    case when rated is null or load <= 3 * rated then load when kva then load / 1000 end;
create macro exact(x) as cast(sum(cast(x as decimal(32, 6))) as double);
create macro mean(x) as cast(sum(cast(x as decimal(32, 6))) as double) / nullif(count(x), 0);
create macro sound(x, quality, least, greatest) as case when quality and x between least and greatest then x end;
create macro oil_rise(share, rise) as rise * pow((pow(share, 2) * 6.5 + 1) / 7.5, 0.8);
create macro is_degf(measured, expected) as
    coalesce(measured - expected > 20 and abs((measured - 32) / 1.8 - expected) < 15, measured > 120, false);

create view judged as
select r.*,
    case
        when _parse_error is not null then 'parse_error: ' || _parse_error
        when r.network_id is null then 'null_key: network_id'
        when r.asset_id is null then 'null_key: asset_id'
        when reading_at is null then 'null_key: reading_at'
        when reading_at > least(_ingested_at, received_at) + interval 24 hour then 'future_stamp: reading_at'
        when reading_at < timestamptz '1990-01-01 00:00:00+00' then 'impossible_stamp: reading_at'
        when k.asset_id is null then 'orphan_asset'
        when coalesce(load_mva, top_oil_temperature_degc, vibration_mm_s, hydrogen_ppm, methane_ppm, ethane_ppm,
            ethylene_ppm, acetylene_ppm) is null then 'empty_reading'
    end as quarantine_reason
from read_parquet(getvariable('lake')) r
left join known_assets k on r.network_id = k.network_id and r.asset_id = k.asset_id;

create table quarantine as from judged where quarantine_reason is not null;

-- Rows that lost against a later one of the same key: only keys that occur twice are ranked.
create table superseded as
with usable as (
    select network_id, asset_id, reading_at, received_at, _load_id, _source_file, _source_row, _ingested_at,
        hash(network_id, asset_id, reading_at) as key_hash
    from judged where quarantine_reason is null
),
repeated as (select key_hash from usable group by key_hash having count(*) > 1)
select network_id, asset_id, reading_at, _load_id, _source_file, _source_row
from usable semi join repeated using (key_hash)
qualify row_number() over (
    partition by network_id, asset_id, reading_at
    order by received_at desc nulls last, _ingested_at desc, _load_id desc, _source_file desc, _source_row desc
) > 1;

create view clean as
select u.*, u.quality_code is null or coalesce(q.quality, 'SUSPECT') = 'GOOD' as is_good
from judged u
anti join superseded s on u._load_id = s._load_id and u._source_file = s._source_file
    and u._source_row = s._source_row and u.network_id = s.network_id and u.asset_id = s.asset_id
    and u.reading_at = s.reading_at
left join quality_codes q on lower(u.quality_code) = q.quality_code
where u.quarantine_reason is null;

create table readings_daily as
with sound as (
    select network_id, asset_id, reading_at, is_good, received_at,
        sound(load_mva, is_good, 0, 1000000) as load, sound(top_oil_temperature_degc, is_good, -40, 248) as oil,
        sound(vibration_mm_s, is_good, 0, 100) as vib, sound(hydrogen_ppm, is_good, 0, 100000) as h2,
        sound(methane_ppm, is_good, 0, 100000) as ch4, sound(ethane_ppm, is_good, 0, 100000) as c2h6,
        sound(ethylene_ppm, is_good, 0, 100000) as c2h4, sound(acetylene_ppm, is_good, 0, 100000) as c2h2
    from clean
),
blocks as (
    select network_id, asset_id, time_bucket(interval 6 hour, reading_at) as block_start_at,
        count(load) as load_n, exact(load) as load_s, min(load) as load_l, max(load) as load_g,
        count(oil) as oil_n, exact(oil) as oil_s, min(oil) as oil_l, max(oil) as oil_g,
        count(vib) as vib_n, exact(vib) as vib_s, min(vib) as vib_l, max(vib) as vib_g,
        count(h2) as h2_n, exact(h2) as h2_s, min(h2) as h2_l, max(h2) as h2_g,
        count(ch4) as ch4_n, exact(ch4) as ch4_s, min(ch4) as ch4_l, max(ch4) as ch4_g,
        count(c2h6) as c2h6_n, exact(c2h6) as c2h6_s, min(c2h6) as c2h6_l, max(c2h6) as c2h6_g,
        count(c2h4) as c2h4_n, exact(c2h4) as c2h4_s, min(c2h4) as c2h4_l, max(c2h4) as c2h4_g,
        count(c2h2) as c2h2_n, exact(c2h2) as c2h2_s, min(c2h2) as c2h2_l, max(c2h2) as c2h2_g,
        count(*) as readings, count(*) filter (where is_good) as good_readings,
        max(reading_at) as last_reading_at, max(greatest(received_at, reading_at)) as available_at
    from sound group by all
),
marked as (
    select b.*, u.rated_mva, coalesce(u.rated_top_oil_rise_k, 55) as rise_k, a.temperature_degc as ambient,
        coalesce(is_high(load_n, load_s, load_l, load_g, 1, 0), false) as load_high,
        coalesce(is_held(load_n, load_l, load_g, 0), false) as load_held,
        coalesce(is_high(oil_n, oil_s, oil_l, oil_g, 0, 25), false) as oil_high,
        coalesce(is_low(oil_n, oil_s, oil_l, oil_g, 0, 25), false) as oil_low,
        coalesce(is_held(oil_n, oil_l, oil_g, -40), false) as oil_held,
        coalesce(is_high(vib_n, vib_s, vib_l, vib_g, 1, 0.5), false) as vib_high,
        coalesce(is_low(vib_n, vib_s, vib_l, vib_g, 0.8, 0.5), false) as vib_low,
        coalesce(is_held(vib_n, vib_l, vib_g, 0.5), false) as vib_held,
        coalesce(load_l > 3 * rated_mva and load_g / 1000 <= 3 * rated_mva, false) as is_kva
    from blocks b
    left join units u on b.network_id = u.network_id and b.asset_id = u.asset_id
    left join ambient a on b.network_id = a.network_id and coalesce(u.area_id, '(network)') = a.area_id
        and b.block_start_at = a.block_start_at
),
despiked as (
    select network_id, asset_id, block_start_at, rated_mva, rise_k, ambient, readings, is_kva, last_reading_at,
        available_at, load_held or oil_held or vib_held as is_held, good_readings,
        load_high::int + (oil_high or oil_low)::int + (vib_high or vib_low)::int as spikes,
        in_mva(sound_mean(load_n, load_s, load_l, load_g, load_high, false, load_held), rated_mva, is_kva) as load,
        in_mva(case when load_held then null when load_high then (load_s - load_g) / nullif(load_n - 1, 0)
            else load_g end, rated_mva, is_kva) as peak,
        sound_mean(oil_n, oil_s, oil_l, oil_g, oil_high, oil_low, oil_held) as oil,
        sound_mean(vib_n, vib_s, vib_l, vib_g, vib_high, vib_low, vib_held) as vib,
        sound_mean(h2_n, h2_s, h2_l, h2_g, coalesce(is_high(h2_n, h2_s, h2_l, h2_g, 1, 5), false),
            coalesce(is_low(h2_n, h2_s, h2_l, h2_g, 0.8, 5), false),
            coalesce(is_held(h2_n, h2_l, h2_g, 5), false)) as h2,
        sound_mean(ch4_n, ch4_s, ch4_l, ch4_g, coalesce(is_high(ch4_n, ch4_s, ch4_l, ch4_g, 1, 5), false),
            coalesce(is_low(ch4_n, ch4_s, ch4_l, ch4_g, 0.8, 5), false),
            coalesce(is_held(ch4_n, ch4_l, ch4_g, 5), false)) as ch4,
        sound_mean(c2h6_n, c2h6_s, c2h6_l, c2h6_g, coalesce(is_high(c2h6_n, c2h6_s, c2h6_l, c2h6_g, 1, 5), false),
            coalesce(is_low(c2h6_n, c2h6_s, c2h6_l, c2h6_g, 0.8, 5), false),
            coalesce(is_held(c2h6_n, c2h6_l, c2h6_g, 5), false)) as c2h6,
        sound_mean(c2h4_n, c2h4_s, c2h4_l, c2h4_g, coalesce(is_high(c2h4_n, c2h4_s, c2h4_l, c2h4_g, 1, 5), false),
            coalesce(is_low(c2h4_n, c2h4_s, c2h4_l, c2h4_g, 0.8, 5), false),
            coalesce(is_held(c2h4_n, c2h4_l, c2h4_g, 5), false)) as c2h4,
        sound_mean(c2h2_n, c2h2_s, c2h2_l, c2h2_g, coalesce(is_high(c2h2_n, c2h2_s, c2h2_l, c2h2_g, 1, 5), false),
            coalesce(is_low(c2h2_n, c2h2_s, c2h2_l, c2h2_g, 0.8, 5), false),
            coalesce(is_held(c2h2_n, c2h2_l, c2h2_g, 5), false)) as c2h2
    from marked
),
-- IEEE C57.91 clause 7 in steady state.
expected as (
    select *, ambient + oil_rise(load / rated_mva, rise_k) as expected_oil,
        ambient + oil_rise(load / rated_mva, rise_k) + 25 * pow(peak / rated_mva, 2 * 0.8) as hot_spot
    from despiked
)
select network_id, asset_id, cast(block_start_at as date) as reading_date,
    mean(load / rated_mva) as mean_load_share, max(peak / rated_mva) as peak_load_share,
    mean(load) as mean_load_mva, max(peak) as peak_load_mva, mean(ambient) as mean_ambient_temperature_degc,
    mean(case when is_degf(oil, expected_oil) then (oil - 32) / 1.8 else oil end) as mean_top_oil_temperature_degc,
    mean(expected_oil) as mean_expected_top_oil_temperature_degc,
    mean(case when is_degf(oil, expected_oil) then (oil - 32) / 1.8 else oil end - expected_oil)
        as mean_top_oil_residual_k,
    max(hot_spot) as peak_hot_spot_degc,
    mean(exp(15000.0 / 383 - 15000.0 / (hot_spot + 273))) as mean_ageing_factor, mean(vib) as mean_vibration_mm_s,
    mean(h2) as mean_hydrogen_ppm, mean(ch4) as mean_methane_ppm, mean(c2h6) as mean_ethane_ppm,
    mean(c2h4) as mean_ethylene_ppm, mean(c2h2) as mean_acetylene_ppm,
    sum(readings)::int as reading_count, sum(case when is_held then 0 else good_readings end)::int as good_reading_count,
    sum(spikes)::int as spike_count, sum(case when is_held then readings else 0 end)::int as stuck_reading_count,
    sum(case when is_degf(oil, expected_oil) or is_kva then readings else 0 end)::int as unit_slip_count,
    max(last_reading_at) as last_reading_at, max(available_at) as available_at, false as is_fallback
from expected group by network_id, asset_id, reading_date;

create table fct_transformer_daily as
select network_id, asset_id, reading_date, available_at, mean_load_mva, peak_load_mva, mean_load_share, peak_load_share,
    mean_ambient_temperature_degc, mean_top_oil_temperature_degc, mean_expected_top_oil_temperature_degc,
    mean_top_oil_residual_k, peak_hot_spot_degc, mean_ageing_factor,
    mean_ageing_factor * 24 * 100 / 180000 as loss_of_life_pct, mean_vibration_mm_s, mean_hydrogen_ppm,
    mean_methane_ppm, mean_ethane_ppm, mean_ethylene_ppm, mean_acetylene_ppm, reading_count, good_reading_count,
    spike_count, stuck_reading_count, unit_slip_count, is_fallback
from readings_daily;

-- Where the rows went, by day and load; duplicates are counted for themselves.
create table conservation as
with delivered as (
    select cast(reading_at as date) as reading_date, _load_id, min(_source) as source_name, count(*) as row_count_in,
        count(_parse_error) as row_count_parse_error, max(_ingested_at) as ingested_at
    from read_parquet(getvariable('lake')) group by all
),
kept as (select network_id, asset_id, reading_at, cast(reading_at as date) as reading_date, _load_id from clean),
kept_counts as (select reading_date, _load_id, count(*) as n from kept group by all),
rejected as (select cast(reading_at as date) as reading_date, _load_id, count(*) as n from quarantine group by all),
lost as (
    select cast(s.reading_at as date) as reading_date, s._load_id, count(*) as n from superseded s
    anti join quarantine q on s._load_id = q._load_id and s._source_file = q._source_file
        and s._source_row = q._source_row and s.asset_id = q.asset_id and s.reading_at = q.reading_at
    semi join kept k on s.network_id = k.network_id and s.asset_id = k.asset_id and s.reading_at = k.reading_at
    group by all
)
select d.*, coalesce(k.n, 0) as row_count_clean, coalesce(r.n, 0) as row_count_quarantined,
    coalesce(l.n, 0) as row_count_duplicate
from delivered d
left join kept_counts k on d.reading_date is not distinct from k.reading_date and d._load_id = k._load_id
left join rejected r on d.reading_date is not distinct from r.reading_date and d._load_id = r._load_id
left join lost l on d.reading_date is not distinct from l.reading_date and d._load_id = l._load_id;
