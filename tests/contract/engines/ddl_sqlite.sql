CREATE INDEX ix_calls_model_served_started_at_ns ON calls (model_served, started_at_ns);

CREATE INDEX ix_calls_provider_started_at_ns ON calls (provider, started_at_ns);

CREATE INDEX ix_calls_started_at_ns ON calls (started_at_ns);

CREATE INDEX ix_calls_status_started_at_ns ON calls (status, started_at_ns);

CREATE INDEX ix_calls_team_started_at_ns ON calls (team, started_at_ns);

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
	first_token_ms DOUBLE,
	duration_ms DOUBLE NOT NULL,
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
	CONSTRAINT fk_attempts_call_id FOREIGN KEY(call_id) REFERENCES calls (id) ON DELETE CASCADE
)
 WITHOUT ROWID
;

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
	first_token_ms DOUBLE,
	duration_ms DOUBLE NOT NULL,
	overhead_ms DOUBLE,
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
	energy_wh DOUBLE,
	energy_source TEXT,
	policy TEXT,
	CONSTRAINT pk_calls PRIMARY KEY (id)
);

