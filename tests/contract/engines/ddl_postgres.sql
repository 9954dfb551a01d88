CREATE TABLE attempts (
    call_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    started_at_ns BIGINT NOT NULL,
    provider TEXT NOT NULL,
    vendor TEXT NOT NULL,
    site TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    upstream_status BIGINT,
    error_code TEXT,
    finish_reason TEXT,
    first_token_ms DOUBLE PRECISION,
    duration_ms DOUBLE PRECISION NOT NULL,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_5m_tokens BIGINT,
    cache_write_1h_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    service_tier TEXT,
    is_usage_estimated BOOLEAN,
    cost_nano_usd BIGINT,
    cost_state TEXT NOT NULL,
    price_version TEXT,
    CONSTRAINT pk_attempts PRIMARY KEY (call_id, number),
    CONSTRAINT fk_attempts_call_id FOREIGN KEY (call_id) REFERENCES calls(id) ON DELETE CASCADE
);

CREATE TABLE audit_checkpoints (
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_audit_checkpoints PRIMARY KEY (number)
);
CREATE TRIGGER audit_checkpoints_no_change BEFORE DELETE OR UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TABLE audit_entries (
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    at_ns BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    facts TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    entry_hash TEXT NOT NULL,
    CONSTRAINT pk_audit_entries PRIMARY KEY (seq)
);
CREATE INDEX ix_audit_entries_action_seq ON audit_entries USING btree (action, seq);
CREATE INDEX ix_audit_entries_actor_seq ON audit_entries USING btree (actor, seq);
CREATE INDEX ix_audit_entries_at_ns ON audit_entries USING btree (at_ns);
CREATE INDEX ix_audit_entries_target_seq ON audit_entries USING btree (target, seq);
CREATE TRIGGER audit_entries_no_change BEFORE DELETE OR UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TABLE audit_head (
    id BIGINT NOT NULL,
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    last_hash TEXT NOT NULL,
    frontier TEXT NOT NULL,
    checkpoint_number BIGINT NOT NULL,
    checkpoint_size BIGINT NOT NULL,
    checkpoint_at_ns BIGINT NOT NULL,
    checkpoint_hash TEXT NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (id)
);

CREATE TABLE audit_nodes (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_nodes PRIMARY KEY (level, "position")
);
CREATE TRIGGER audit_nodes_no_change BEFORE DELETE OR UPDATE ON audit_nodes FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_nodes_no_truncate BEFORE TRUNCATE ON audit_nodes FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TABLE budget_leases (
    budget_id TEXT NOT NULL,
    window_start_ns BIGINT NOT NULL,
    owner TEXT NOT NULL,
    amount_nano BIGINT NOT NULL,
    reserved_nano BIGINT NOT NULL,
    reported_nano BIGINT NOT NULL,
    reported_unknown_nano BIGINT NOT NULL,
    expires_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_budget_leases PRIMARY KEY (budget_id, window_start_ns, owner),
    CONSTRAINT fk_budget_leases_budget_id_window_start_ns FOREIGN KEY (budget_id, window_start_ns) REFERENCES budget_windows(budget_id, start_ns) ON DELETE CASCADE
);
CREATE INDEX ix_budget_leases_owner ON budget_leases USING btree (owner);

CREATE TABLE budget_top_ups (
    id TEXT NOT NULL,
    budget_id TEXT NOT NULL,
    window_start_ns BIGINT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_nano BIGINT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_budget_top_ups PRIMARY KEY (id),
    CONSTRAINT fk_budget_top_ups_budget_id FOREIGN KEY (budget_id) REFERENCES budgets(id) ON DELETE CASCADE
);
CREATE INDEX ix_budget_top_ups_budget_id_window_start_ns ON budget_top_ups USING btree (budget_id, window_start_ns);

CREATE TABLE budget_windows (
    budget_id TEXT NOT NULL,
    start_ns BIGINT NOT NULL,
    end_ns BIGINT NOT NULL,
    amount_nano BIGINT NOT NULL,
    stop_nano BIGINT,
    usd_per_unit TEXT NOT NULL,
    spent_nano BIGINT NOT NULL,
    unknown_nano BIGINT NOT NULL,
    overrun_nano BIGINT NOT NULL,
    overruns BIGINT NOT NULL,
    warned_percent BIGINT NOT NULL,
    stopped_at_ns BIGINT,
    CONSTRAINT pk_budget_windows PRIMARY KEY (budget_id, start_ns),
    CONSTRAINT fk_budget_windows_budget_id FOREIGN KEY (budget_id) REFERENCES budgets(id) ON DELETE CASCADE
);

CREATE TABLE budgets (
    id TEXT NOT NULL,
    scope_kind TEXT NOT NULL,
    scope_value TEXT NOT NULL,
    name TEXT NOT NULL,
    period TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    starts_at_ns BIGINT,
    ends_at_ns BIGINT,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    warn_percents TEXT NOT NULL,
    stop_percent BIGINT,
    on_unpriced TEXT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    deleted_at_ns BIGINT,
    CONSTRAINT pk_budgets PRIMARY KEY (id)
);
CREATE INDEX ix_budgets_scope_kind_scope_value ON budgets USING btree (scope_kind, scope_value);

CREATE TABLE calls (
    id TEXT NOT NULL,
    started_at_ns BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    is_stream BOOLEAN NOT NULL,
    key_id TEXT,
    org TEXT,
    team TEXT,
    project TEXT,
    user_name TEXT,
    tags TEXT,
    route TEXT,
    model_asked TEXT,
    model_served TEXT,
    provider TEXT,
    site TEXT,
    status TEXT NOT NULL,
    http_status BIGINT NOT NULL,
    error_code TEXT,
    error_class TEXT,
    finish_reason TEXT,
    first_token_ms DOUBLE PRECISION,
    duration_ms DOUBLE PRECISION NOT NULL,
    overhead_ms DOUBLE PRECISION,
    input_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_5m_tokens BIGINT,
    cache_write_1h_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    service_tier TEXT,
    is_usage_estimated BOOLEAN,
    cost_nano_usd BIGINT,
    cost_state TEXT NOT NULL,
    price_version TEXT,
    cache TEXT NOT NULL,
    masked_count BIGINT,
    energy_wh DOUBLE PRECISION,
    energy_source TEXT,
    policy TEXT,
    CONSTRAINT pk_calls PRIMARY KEY (id)
);
CREATE INDEX ix_calls_model_served_started_at_ns ON calls USING btree (model_served, started_at_ns);
CREATE INDEX ix_calls_provider_started_at_ns ON calls USING btree (provider, started_at_ns);
CREATE INDEX ix_calls_started_at_ns ON calls USING btree (started_at_ns);
CREATE INDEX ix_calls_status_started_at_ns ON calls USING btree (status, started_at_ns);
CREATE INDEX ix_calls_team_started_at_ns ON calls USING btree (team, started_at_ns);

CREATE TABLE captures (
    id TEXT NOT NULL,
    org TEXT,
    team TEXT,
    project TEXT,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT NOT NULL,
    vault_key TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT pk_captures PRIMARY KEY (id)
);
CREATE INDEX ix_captures_expires_at_ns ON captures USING btree (expires_at_ns);

CREATE TABLE conversations (
    id TEXT NOT NULL,
    org TEXT,
    version BIGINT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT NOT NULL,
    vault_key TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT pk_conversations PRIMARY KEY (id)
);
CREATE INDEX ix_conversations_expires_at_ns ON conversations USING btree (expires_at_ns);

CREATE TABLE exchange_rates (
    currency TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    usd_per_unit TEXT NOT NULL,
    set_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_exchange_rates PRIMARY KEY (currency, valid_from)
);

CREATE TABLE feedback (
    id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    org TEXT,
    team TEXT,
    project TEXT,
    rater TEXT NOT NULL,
    thumb TEXT,
    score DOUBLE PRECISION,
    label TEXT,
    has_comment BOOLEAN NOT NULL,
    has_correction BOOLEAN NOT NULL,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT,
    vault_key TEXT,
    wrapped_key BYTEA,
    sealed BYTEA,
    CONSTRAINT pk_feedback PRIMARY KEY (id)
);
CREATE INDEX ix_feedback_call_id ON feedback USING btree (call_id);
CREATE INDEX ix_feedback_created_at_ns ON feedback USING btree (created_at_ns);
CREATE INDEX ix_feedback_expires_at_ns ON feedback USING btree (expires_at_ns);

CREATE TABLE identity_revision (
    id BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    units_revision BIGINT NOT NULL,
    CONSTRAINT pk_identity_revision PRIMARY KEY (id)
);

CREATE TABLE key_secrets (
    digest TEXT NOT NULL,
    key_id TEXT NOT NULL,
    prefix TEXT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT,
    CONSTRAINT pk_key_secrets PRIMARY KEY (digest),
    CONSTRAINT fk_key_secrets_key_id FOREIGN KEY (key_id) REFERENCES keys(id)
);
CREATE INDEX ix_key_secrets_key_id ON key_secrets USING btree (key_id);
CREATE INDEX ix_key_secrets_prefix ON key_secrets USING btree (prefix);

CREATE TABLE keys (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    models TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    sites TEXT NOT NULL,
    tags TEXT NOT NULL,
    is_disabled BOOLEAN NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    expires_at_ns BIGINT,
    revoked_at_ns BIGINT,
    last_used_at_ns BIGINT,
    revision BIGINT NOT NULL,
    CONSTRAINT pk_keys PRIMARY KEY (id),
    CONSTRAINT fk_keys_project_id FOREIGN KEY (project_id) REFERENCES units(id)
);
CREATE INDEX ix_keys_revision ON keys USING btree (revision);
CREATE UNIQUE INDEX uq_keys_live_name ON keys USING btree (project_id, name) WHERE (revoked_at_ns IS NULL);

CREATE TABLE limits (
    scope_kind TEXT NOT NULL,
    scope_value TEXT NOT NULL,
    requests_per_minute BIGINT,
    tokens_per_minute BIGINT,
    concurrent_calls BIGINT,
    CONSTRAINT pk_limits PRIMARY KEY (scope_kind, scope_value)
);

CREATE TABLE people (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    must_change_password BOOLEAN NOT NULL,
    password_expires_at_ns BIGINT,
    totp_secret TEXT,
    totp_pending TEXT,
    totp_last_step BIGINT,
    oidc_issuer TEXT,
    oidc_subject TEXT,
    is_disabled BOOLEAN NOT NULL,
    session_epoch BIGINT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    last_sign_in_at_ns BIGINT,
    CONSTRAINT uq_people_email UNIQUE (email),
    CONSTRAINT uq_people_oidc_issuer_oidc_subject UNIQUE (oidc_issuer, oidc_subject),
    CONSTRAINT pk_people PRIMARY KEY (id)
);

CREATE TABLE people_version (
    id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_people_version PRIMARY KEY (id)
);

CREATE TABLE person_roles (
    person_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT pk_person_roles PRIMARY KEY (person_id, org_id, role, source),
    CONSTRAINT fk_person_roles_person_id FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);

CREATE TABLE quota_replicas (
    owner TEXT NOT NULL,
    seen_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_quota_replicas PRIMARY KEY (owner)
);

CREATE TABLE quota_version (
    id BIGINT NOT NULL DEFAULT nextval('quota_version_id_seq'::regclass),
    version BIGINT NOT NULL,
    CONSTRAINT pk_quota_version PRIMARY KEY (id)
);

CREATE TABLE recovery_codes (
    person_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (person_id, digest),
    CONSTRAINT fk_recovery_codes_person_id FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);

CREATE TABLE reviews (
    call_id TEXT NOT NULL,
    org TEXT,
    team TEXT,
    kinds TEXT NOT NULL,
    scores TEXT NOT NULL,
    created_at_ns BIGINT NOT NULL,
    decision TEXT,
    note TEXT,
    decided_by TEXT,
    decided_at_ns BIGINT,
    CONSTRAINT pk_reviews PRIMARY KEY (call_id)
);
CREATE INDEX ix_reviews_created_at_ns ON reviews USING btree (created_at_ns);

CREATE TABLE sign_in_failures (
    subject TEXT NOT NULL,
    failures BIGINT NOT NULL,
    not_before_ns BIGINT NOT NULL,
    last_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_failures PRIMARY KEY (subject)
);
CREATE INDEX ix_sign_in_failures_last_at_ns ON sign_in_failures USING btree (last_at_ns);

CREATE TABLE spent_tokens (
    digest TEXT NOT NULL,
    until_ns BIGINT NOT NULL,
    CONSTRAINT pk_spent_tokens PRIMARY KEY (digest)
);
CREATE INDEX ix_spent_tokens_until_ns ON spent_tokens USING btree (until_ns);

CREATE TABLE trust_policies (
    scope_kind TEXT NOT NULL,
    scope_value TEXT NOT NULL,
    org_id TEXT NOT NULL,
    rules TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_trust_policies PRIMARY KEY (scope_kind, scope_value)
);

CREATE TABLE trust_revision (
    id BIGINT NOT NULL,
    policies BIGINT NOT NULL,
    words BIGINT NOT NULL,
    CONSTRAINT pk_trust_revision PRIMARY KEY (id)
);

CREATE TABLE trust_words (
    scope_kind TEXT NOT NULL,
    scope_value TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    revision BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at_ns BIGINT NOT NULL,
    CONSTRAINT pk_trust_words PRIMARY KEY (scope_kind, scope_value, name)
);

CREATE TABLE units (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_disabled BOOLEAN NOT NULL,
    created_at_ns BIGINT NOT NULL,
    deleted_at_ns BIGINT,
    CONSTRAINT pk_units PRIMARY KEY (id)
);
CREATE INDEX ix_units_kind_name ON units USING btree (kind, name);
CREATE UNIQUE INDEX uq_units_live_name ON units USING btree (parent_id, name) WHERE (deleted_at_ns IS NULL);

