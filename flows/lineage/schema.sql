-- The ledger. Additive only: a table or column is added, never changed or dropped, so every older file opens.
-- Primary keys only: DuckDB 2.0 writes secondary indexes slowly and checkpoints them badly after a kill.
-- No row_provenance: row lineage is derived when asked and proven (flows/engine/explaining).

CREATE SCHEMA IF NOT EXISTS lineage;
CREATE SEQUENCE IF NOT EXISTS lineage.materialization_seq;

CREATE TABLE IF NOT EXISTS lineage.run (
  run_id UUID PRIMARY KEY, parent_run_id UUID, root_run_id UUID NOT NULL,
  job_namespace VARCHAR NOT NULL, job_name VARCHAR NOT NULL,
  run_kind VARCHAR NOT NULL CHECK (run_kind IN ('flow','task','dbt_invocation','dbt_node','check','replay')),
  trigger VARCHAR NOT NULL, triggered_by VARCHAR, attempt INTEGER NOT NULL DEFAULT 1,
  prefect_flow_run_id UUID, prefect_task_run_id UUID, dbt_invocation_id VARCHAR,
  nominal_start TIMESTAMPTZ, nominal_end TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ,
  status VARCHAR NOT NULL CHECK (status IN ('RUNNING','COMPLETE','FAIL','ABORT','SKIPPED','CACHED')),
  error_type VARCHAR, error_message VARCHAR,
  parameters JSON NOT NULL, parameters_hash VARCHAR NOT NULL, environment_id VARCHAR NOT NULL, random_seed BIGINT);

-- The commit belongs to the run: an environment (Python and packages) lasts over many commits.
ALTER TABLE lineage.run ADD COLUMN IF NOT EXISTS git_commit VARCHAR;
ALTER TABLE lineage.run ADD COLUMN IF NOT EXISTS git_dirty BOOLEAN;

CREATE TABLE IF NOT EXISTS lineage.environment (
  environment_id VARCHAR PRIMARY KEY, git_commit VARCHAR, git_dirty BOOLEAN, git_diff_hash VARCHAR,
  python_version VARCHAR, platform VARCHAR, packages JSON NOT NULL, lockfile_hash VARCHAR, created_at TIMESTAMPTZ NOT NULL);

CREATE TABLE IF NOT EXISTS lineage.asset (
  asset_key VARCHAR PRIMARY KEY, ol_namespace VARCHAR NOT NULL, ol_name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL, group_name VARCHAR, owner VARCHAR, description VARCHAR,
  partition_kind VARCHAR, first_seen_at TIMESTAMPTZ NOT NULL, UNIQUE (ol_namespace, ol_name));

CREATE TABLE IF NOT EXISTS lineage.asset_definition (
  asset_key VARCHAR NOT NULL, code_version VARCHAR NOT NULL,
  source_kind VARCHAR NOT NULL, source_path VARCHAR, source_text VARCHAR NOT NULL, schema_json JSON,
  valid_from TIMESTAMPTZ NOT NULL, PRIMARY KEY (asset_key, code_version));

-- The SQL dbt really ran, by its hash, which the materialization's metadata names as sql_sha256: a definition's text has
-- Jinja in it, and what that compiled to once cannot be had again when macros, variables or partitions are others.
CREATE TABLE IF NOT EXISTS lineage.executed_sql (
  sql_sha256 VARCHAR PRIMARY KEY, sql_text VARCHAR NOT NULL, recorded_at TIMESTAMPTZ NOT NULL);

CREATE TABLE IF NOT EXISTS lineage.asset_dep (
  asset_key VARCHAR NOT NULL, code_version VARCHAR NOT NULL, upstream_key VARCHAR NOT NULL, dep_kind VARCHAR NOT NULL DEFAULT 'declared',
  PRIMARY KEY (asset_key, code_version, upstream_key));

-- One row per edge; column_name '*' is which rows there are, and stands once more for every column of a followed asset.
-- An opaque asset has one edge per upstream, '*' from '*': all of it depends on all of that.
CREATE TABLE IF NOT EXISTS lineage.column_dep (
  asset_key VARCHAR NOT NULL, code_version VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
  upstream_key VARCHAR NOT NULL, upstream_column VARCHAR NOT NULL,
  transform_type VARCHAR NOT NULL CHECK (transform_type IN ('DIRECT','INDIRECT')), transform_subtype VARCHAR, expression VARCHAR,
  method VARCHAR NOT NULL,
  PRIMARY KEY (asset_key, code_version, column_name, upstream_key, upstream_column, transform_type));

-- The version of the code behind each column ('*': behind the row set), so that a change can be told column by column.
CREATE TABLE IF NOT EXISTS lineage.column_code (
  asset_key VARCHAR NOT NULL, code_version VARCHAR NOT NULL, ordinal INTEGER NOT NULL, column_name VARCHAR NOT NULL,
  fingerprint VARCHAR NOT NULL, PRIMARY KEY (asset_key, code_version, column_name));

-- When a definition held: from the run that first saw it to the run that saw another one, or none (the asset is gone).
CREATE TABLE IF NOT EXISTS lineage.definition_period (
  asset_key VARCHAR NOT NULL, code_version VARCHAR NOT NULL, text_sha256 VARCHAR NOT NULL,
  valid_from TIMESTAMPTZ NOT NULL, valid_to TIMESTAMPTZ);

CREATE TABLE IF NOT EXISTS lineage.materialization (
  materialization_id UUID PRIMARY KEY, seq BIGINT NOT NULL DEFAULT nextval('lineage.materialization_seq'), asset_key VARCHAR NOT NULL, partition_key VARCHAR NOT NULL DEFAULT '',
  run_id UUID NOT NULL, code_version VARCHAR NOT NULL, data_version VARCHAR NOT NULL, logical_version VARCHAR NOT NULL,
  event_kind VARCHAR NOT NULL CHECK (event_kind IN ('MATERIALIZED','OBSERVED','REUSED','DELETED')),
  row_count BIGINT, column_schema JSON, storage_uri VARCHAR, metadata JSON,
  valid_from TIMESTAMPTZ NOT NULL, recorded_at TIMESTAMPTZ NOT NULL);

CREATE TABLE IF NOT EXISTS lineage.materialization_input (
  materialization_id UUID NOT NULL, input_materialization_id UUID NOT NULL,
  upstream_key VARCHAR NOT NULL, upstream_partition VARCHAR NOT NULL DEFAULT '', upstream_data_version VARCHAR NOT NULL,
  role VARCHAR NOT NULL DEFAULT 'data', PRIMARY KEY (materialization_id, input_materialization_id, role));

-- Which days of an asset a materialization changed; a null day stands for all of them. Tables have the version of the day's
-- rows, and a day that stayed as it was is not listed; views have the days they were made anew for. Metadata of the
-- materialization (`days`) names the days that were made. The audit chain covers the rows of a materialization together.
CREATE TABLE IF NOT EXISTS lineage.materialization_day (
  materialization_id UUID NOT NULL, asset_key VARCHAR NOT NULL, day DATE, row_count BIGINT, data_version VARCHAR);

CREATE TABLE IF NOT EXISTS lineage.check_result (
  check_result_id UUID PRIMARY KEY, asset_key VARCHAR NOT NULL, partition_key VARCHAR NOT NULL DEFAULT '',
  materialization_id UUID NOT NULL, run_id UUID NOT NULL, check_name VARCHAR NOT NULL, engine VARCHAR NOT NULL,
  check_version VARCHAR NOT NULL, column_name VARCHAR, severity VARCHAR NOT NULL CHECK (severity IN ('WARN','ERROR')),
  blocking BOOLEAN NOT NULL, status VARCHAR NOT NULL CHECK (status IN ('PASS','FAIL','ERROR','NOT_RUN')),
  expected VARCHAR, actual VARCHAR, failing_rows BIGINT, sample JSON, evaluated_at TIMESTAMPTZ NOT NULL);

CREATE TABLE IF NOT EXISTS lineage.model_version (
  model_version_id VARCHAR PRIMARY KEY, model_name VARCHAR NOT NULL, artifact_uri VARCHAR NOT NULL, artifact_sha256 VARCHAR NOT NULL,
  estimator VARCHAR NOT NULL, hyperparameters JSON NOT NULL, feature_columns JSON NOT NULL, metrics JSON,
  training_materialization_id UUID NOT NULL, run_id UUID NOT NULL, created_at TIMESTAMPTZ NOT NULL);

-- Checks an asset must pass before it is released; a check that never ran has no PASS and so blocks.
CREATE TABLE IF NOT EXISTS lineage.asset_check (
  asset_key VARCHAR NOT NULL, check_name VARCHAR NOT NULL, engine VARCHAR NOT NULL, blocking BOOLEAN NOT NULL,
  check_version VARCHAR NOT NULL, PRIMARY KEY (asset_key, check_name));

-- One row per load and raw table. A load is the set of files of one source that arrived together; its id is their hash.
CREATE TABLE IF NOT EXISTS lineage.load (
  load_id VARCHAR NOT NULL, raw_table VARCHAR NOT NULL, source VARCHAR NOT NULL, network_id VARCHAR NOT NULL, run_id UUID NOT NULL,
  status VARCHAR NOT NULL CHECK (status IN ('LANDED','ACCEPTED','QUARANTINED','FALLBACK','BLOCKED','DISCARDED')),
  reason VARCHAR, row_count BIGINT NOT NULL, parse_error_count BIGINT NOT NULL, storage_uri VARCHAR NOT NULL,
  landed_at TIMESTAMPTZ NOT NULL, decided_at TIMESTAMPTZ, PRIMARY KEY (load_id, raw_table));

-- Every delivered file ever seen, landed or rejected, by content hash; the bytes are kept in the lake.
CREATE TABLE IF NOT EXISTS lineage.delivered_file (
  source VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, byte_count BIGINT NOT NULL,
  load_id VARCHAR, status VARCHAR NOT NULL CHECK (status IN ('LANDED','REJECTED','DISCARDED')), policy VARCHAR,
  reason VARCHAR, defect_row BIGINT, storage_uri VARCHAR NOT NULL, run_id UUID NOT NULL, seen_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (source, sha256));

-- A file that was rejected is tried again once the source's description is another one.
ALTER TABLE lineage.delivered_file ADD COLUMN IF NOT EXISTS description_hash VARCHAR;

-- OBSERVED rows were looked at and not taken over: a refused load, a model that did not replace the champion.
CREATE OR REPLACE VIEW lineage.current_materialization AS
SELECT * FROM lineage.materialization WHERE event_kind = 'MATERIALIZED'
QUALIFY row_number() OVER (PARTITION BY asset_key, partition_key ORDER BY seq DESC) = 1;

-- The latest result of each check on each materialization.
CREATE OR REPLACE VIEW lineage.latest_check_result AS
SELECT * FROM lineage.check_result
QUALIFY row_number() OVER (PARTITION BY materialization_id, check_name ORDER BY evaluated_at DESC, check_result_id) = 1;

-- Released: every blocking check the asset carries has a PASS for exactly this materialization.
CREATE OR REPLACE VIEW lineage.released_materialization AS
SELECT m.* FROM lineage.materialization m
WHERE m.event_kind = 'MATERIALIZED' AND NOT EXISTS (
  SELECT 1 FROM lineage.asset_check c
  LEFT JOIN lineage.latest_check_result r
    ON r.materialization_id = m.materialization_id AND r.check_name = c.check_name AND r.status = 'PASS'
  WHERE c.asset_key = m.asset_key AND c.blocking AND r.check_result_id IS NULL);

-- A blocking check said no. A table without rows has nothing to check and holds nobody back, but one that lost all its rows is
-- checked, and what its gate says counts.
CREATE OR REPLACE VIEW lineage.failed_materialization AS
SELECT DISTINCT r.materialization_id FROM lineage.latest_check_result r
JOIN lineage.asset_check c ON c.asset_key = r.asset_key AND c.check_name = r.check_name AND c.blocking
WHERE r.status IN ('FAIL', 'ERROR');

-- The audit chain (audit/chain.py): one entry for each state of each row above, each hashed onto the one before it.
CREATE TABLE IF NOT EXISTS lineage.audit_log (
  seq BIGINT PRIMARY KEY, canonical VARCHAR NOT NULL, prev_hash VARCHAR NOT NULL, hash VARCHAR NOT NULL);

CREATE OR REPLACE VIEW lineage.audit_event AS
SELECT seq, (canonical::JSON->>'recorded_at')::TIMESTAMPTZ AS recorded_at, canonical::JSON->>'actor' AS actor,
  canonical::JSON->>'action' AS action, canonical::JSON->>'subject' AS subject, canonical::JSON->'payload' AS payload, hash
FROM lineage.audit_log;

-- Signed heads of the chain; the same lines stand outside the warehouse (audit/checkpoints.py).
CREATE TABLE IF NOT EXISTS lineage.audit_anchor (
  seq BIGINT NOT NULL, head_hash VARCHAR NOT NULL, anchored_at TIMESTAMPTZ NOT NULL, anchor_kind VARCHAR NOT NULL,
  anchor_ref VARCHAR, signature VARCHAR);

-- DuckDB has no BEFORE triggers: an AFTER trigger that fails undoes the statement. Nobody is kept from DROP TABLE.
CREATE TABLE IF NOT EXISTS lineage._guard (x VARCHAR);
CREATE TRIGGER IF NOT EXISTS audit_no_update AFTER UPDATE ON lineage.audit_log REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT INSERT INTO lineage._guard SELECT error('audit_log is append-only') FROM o;
CREATE TRIGGER IF NOT EXISTS audit_no_delete AFTER DELETE ON lineage.audit_log REFERENCING OLD TABLE AS o
  FOR EACH STATEMENT INSERT INTO lineage._guard SELECT error('audit_log is append-only') FROM o;

-- Events told to the Prefect server that are told once: name, what it is about, and which occurrence of it.
CREATE TABLE IF NOT EXISTS lineage.emitted_event (
  event_name VARCHAR NOT NULL, resource_id VARCHAR NOT NULL, occurrence VARCHAR NOT NULL,
  emitted_at TIMESTAMPTZ NOT NULL, run_id UUID NOT NULL, payload JSON NOT NULL,
  PRIMARY KEY (event_name, resource_id, occurrence));

-- What happened to the services beside the runs (flows/services): began, ended, got into trouble and out of it, were told about.
CREATE TABLE IF NOT EXISTS lineage.service_event (
  event_id UUID PRIMARY KEY, service VARCHAR NOT NULL, event VARCHAR NOT NULL, facts JSON NOT NULL,
  occurred_at TIMESTAMPTZ NOT NULL, taken_in_at TIMESTAMPTZ NOT NULL, run_id UUID NOT NULL);

-- Outbox of OpenLineage events, copies of what the tables above say (openlineage.py).
CREATE TABLE IF NOT EXISTS lineage.openlineage_event (
  seq BIGINT PRIMARY KEY, run_id UUID NOT NULL, event_type VARCHAR NOT NULL, event_time TIMESTAMPTZ NOT NULL,
  body JSON NOT NULL, delivered_at TIMESTAMPTZ);

-- Those among them that the backend refused for good, and why; they wait until somebody asks for another try.
CREATE TABLE IF NOT EXISTS lineage.openlineage_refusal (
  seq BIGINT PRIMARY KEY, reason VARCHAR NOT NULL, refused_at TIMESTAMPTZ NOT NULL);

-- What somebody should look at: one row per problem for as long as it lasts (flows/delivery/alerts).
CREATE TABLE IF NOT EXISTS lineage.alert (
  alert_id UUID PRIMARY KEY, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL,
  severity VARCHAR NOT NULL CHECK (severity IN ('CRITICAL','ERROR','WARNING')), message VARCHAR NOT NULL, hint VARCHAR,
  state VARCHAR NOT NULL CHECK (state IN ('OPEN','ACKNOWLEDGED','RESOLVED')), opened_at TIMESTAMPTZ NOT NULL,
  run_id UUID NOT NULL, changed_at TIMESTAMPTZ NOT NULL, changed_by VARCHAR, note VARCHAR);

-- Which channel was told of which state of an alert, and when it took it; OPEN with the severity it was told of.
CREATE TABLE IF NOT EXISTS lineage.alert_notice (
  alert_id UUID NOT NULL, channel VARCHAR NOT NULL, state VARCHAR NOT NULL, told_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (alert_id, channel, state));

-- Outbox of messages to the systems that act on outputs (flows/delivery): one row per revision of what one target is told about
-- one business key. A row changes only in its state, approval and attempts; what it says never changes. A try is counted before it
-- is made, so one that a crash left without a reply is known: attempts beyond rejections may have had an effect.
CREATE TABLE IF NOT EXISTS lineage.outbox_message (
  message_id UUID PRIMARY KEY, seq BIGINT NOT NULL, target VARCHAR NOT NULL, message_type VARCHAR NOT NULL,
  business_key VARCHAR NOT NULL, revision INTEGER NOT NULL, verb VARCHAR NOT NULL CHECK (verb IN ('create','change','cancel')),
  idempotency_key VARCHAR NOT NULL, content_sha256 VARCHAR NOT NULL, body JSON NOT NULL,
  state VARCHAR NOT NULL CHECK (state IN ('WAITING_APPROVAL','QUEUED','SENT','DEAD','SUPERSEDED','CANCELLED','DROPPED')),
  state_reason VARCHAR, needs_approval BOOLEAN NOT NULL, approved_by VARCHAR,
  attempts INTEGER NOT NULL DEFAULT 0, rejections INTEGER NOT NULL DEFAULT 0,
  created_at TIMESTAMPTZ NOT NULL, next_attempt_at TIMESTAMPTZ NOT NULL, state_changed_at TIMESTAMPTZ NOT NULL,
  valid_until TIMESTAMPTZ, expires_at TIMESTAMPTZ, superseded_by UUID,
  asset_key VARCHAR NOT NULL, materialization_id UUID NOT NULL, run_id UUID NOT NULL);

-- Each try to hand a message over; rows are only added.
CREATE TABLE IF NOT EXISTS lineage.outbox_attempt (
  attempt_id UUID PRIMARY KEY, seq BIGINT NOT NULL, message_id UUID NOT NULL, target VARCHAR NOT NULL, attempt INTEGER NOT NULL,
  outcome VARCHAR NOT NULL CHECK (outcome IN ('ACKNOWLEDGED','RETRY','REJECTED')), is_target_down BOOLEAN NOT NULL,
  status_code INTEGER, reason VARCHAR, retry_at TIMESTAMPTZ, attempted_at TIMESTAMPTZ NOT NULL, run_id UUID NOT NULL);
