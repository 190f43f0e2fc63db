-- The sink of one consumer: what it took, what it said, and how far it read, all changed in one transaction per batch.
create table if not exists origin (stream varchar not null);

-- The last message of each partition that was worked on: what is at or before it came before.
create table if not exists reached (part integer primary key, position bigint not null);

-- How often the messages after a position were begun with and not finished (`attempts`).
create table if not exists attempt (
    part integer primary key,
    position bigint not null,
    tries integer not null,
    careful_until bigint,
    reason varchar
);
alter table attempt add column if not exists alone_until bigint;

-- The latest event of each tap: its watermark lies behind it by the delay.
create table if not exists tap (
    network_id varchar not null,
    capture_id varchar not null,
    latest_at timestamptz not null,
    primary key (network_id, capture_id)
);

-- Messages of windows that may still change.
create table if not exists event (
    part integer not null,
    position bigint not null,
    message_id varchar,
    network_id varchar not null,
    capture_id varchar not null,
    event_at timestamptz not null,
    source_address varchar,
    destination_address varchar,
    source_port integer,
    destination_port integer,
    protocol varchar,
    message_type varchar,
    service varchar,
    object_id varchar,
    length_bytes integer,
    window_start_at timestamptz not null
);

-- Every window there was: whether it waits for its score, whether it takes in more, and which messages it is made of.
create table if not exists traffic_window (
    network_id varchar not null,
    capture_id varchar not null,
    window_start_at timestamptz not null,
    part integer not null,
    first_position bigint not null,
    last_position bigint not null,
    last_event_at timestamptz not null,
    is_due boolean not null,
    is_final boolean not null,
    primary key (network_id, capture_id, window_start_at)
);

create table if not exists score (
    network_id varchar not null,
    capture_id varchar not null,
    protocol varchar,
    window_start_at timestamptz not null,
    score_kind varchar not null,
    anomaly_score double not null,
    is_anomalous boolean not null,
    message_count integer not null,
    baseline_score double,
    top_driver varchar,
    is_fallback boolean not null,
    model_version varchar not null,
    revision integer not null,
    scored_at timestamptz not null,
    primary key (network_id, capture_id, window_start_at)
);

-- Messages that came after their window was final: in no score here, handed to the warehouse like the others.
create table if not exists late_message (
    part integer not null,
    position bigint not null,
    message_id varchar,
    network_id varchar not null,
    capture_id varchar not null,
    event_at timestamptz not null,
    window_start_at timestamptz not null,
    recorded_at timestamptz not null
);

create table if not exists dead_letter (
    part integer not null,
    position bigint not null,
    reason varchar not null,
    tries integer not null,
    payload blob not null,
    recorded_at timestamptz not null
);

-- Windows the model failed on; the messages are kept like those of others.
create table if not exists failed_window (
    network_id varchar not null,
    capture_id varchar not null,
    window_start_at timestamptz not null,
    reason varchar not null,
    model_version varchar not null,
    recorded_at timestamptz not null
);

-- Messages on their way into the warehouse's inbox; `batch` is the file they go into, null while they gather.
create table if not exists outgoing_event (
    batch bigint,
    part integer not null,
    position bigint not null,
    message_id varchar,
    network_id varchar not null,
    capture_id varchar not null,
    event_at timestamptz not null,
    source_address varchar,
    destination_address varchar,
    source_port integer,
    destination_port integer,
    protocol varchar,
    message_type varchar,
    service varchar,
    object_id varchar,
    length_bytes integer
);

create table if not exists counter (name varchar primary key, value bigint not null);
