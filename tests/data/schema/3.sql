-- The shared database as the last version without migrations made it.
CREATE TABLE revisions (
 kind VARCHAR(32) NOT NULL,
 number BIGINT NOT NULL,
 PRIMARY KEY (kind)
);
CREATE TABLE people (
 id VARCHAR(32) NOT NULL,
 pseudonym VARCHAR(32) NOT NULL,
 name VARCHAR(200) NOT NULL,
 email VARCHAR(320) NOT NULL,
 roles JSON NOT NULL,
 team VARCHAR(100),
 territory VARCHAR(100),
 language VARCHAR(8) NOT NULL,
 status VARCHAR(32) NOT NULL,
 status_reason VARCHAR(500),
 frozen BOOLEAN NOT NULL,
 frozen_at BIGINT,
 user_handle BLOB NOT NULL,
 created_at BIGINT NOT NULL,
 PRIMARY KEY (id),
 CONSTRAINT uq_people_pseudonym UNIQUE (pseudonym),
 CONSTRAINT uq_people_email UNIQUE (email),
 CONSTRAINT uq_people_user_handle UNIQUE (user_handle)
);
CREATE TABLE ceremonies (
 id VARCHAR(64) NOT NULL,
 purpose VARCHAR(16) NOT NULL,
 token_hash VARCHAR(64),
 challenge BLOB NOT NULL,
 expires_at BIGINT NOT NULL,
 used_at BIGINT,
 PRIMARY KEY (id)
);
CREATE INDEX ix_ceremonies_expires_at ON ceremonies (expires_at);
CREATE TABLE alerts (
 id VARCHAR(32) NOT NULL,
 day VARCHAR(10) NOT NULL,
 pseudonym VARCHAR(32) NOT NULL,
 rules JSON NOT NULL,
 severity VARCHAR(8) NOT NULL,
 state VARCHAR(16) NOT NULL,
 title VARCHAR(64) NOT NULL,
 reasons JSON NOT NULL,
 numbers JSON NOT NULL,
 event_ids JSON NOT NULL,
 opened_at BIGINT NOT NULL,
 updated_at BIGINT NOT NULL,
 notified_at BIGINT,
 closed_at BIGINT,
 closed_by VARCHAR(32),
 note VARCHAR(2000),
 revision BIGINT NOT NULL,
 PRIMARY KEY (id)
);
CREATE INDEX ix_alerts_pseudonym ON alerts (pseudonym);
CREATE UNIQUE INDEX ix_alerts_one_open_per_day ON alerts (pseudonym, day) WHERE state IN ('open', 'looking');
CREATE INDEX ix_alerts_revision ON alerts (revision);
CREATE TABLE manifests (
 id INTEGER NOT NULL,
 name VARCHAR(32) NOT NULL,
 act_id VARCHAR(64) NOT NULL,
 pseudonym VARCHAR(32) NOT NULL,
 at BIGINT NOT NULL,
 clients TEXT NOT NULL,
 keys TEXT NOT NULL,
 fields JSON NOT NULL,
 digest VARCHAR(64) NOT NULL,
 filter_digest VARCHAR(128),
 rows INTEGER NOT NULL,
 PRIMARY KEY (id),
 CONSTRAINT uq_manifests_name UNIQUE (name),
 CONSTRAINT uq_manifests_act_id UNIQUE (act_id)
);
CREATE INDEX ix_manifests_digest ON manifests (digest);
CREATE INDEX ix_manifests_pseudonym ON manifests (pseudonym);
CREATE INDEX ix_manifests_at ON manifests (at);
CREATE TABLE log_cursors (
 consumer VARCHAR(32) NOT NULL,
 position BIGINT NOT NULL,
 PRIMARY KEY (consumer)
);
CREATE TABLE risk_levels (
 person_id VARCHAR(32) NOT NULL,
 level VARCHAR(16) NOT NULL,
 reason VARCHAR(500) NOT NULL,
 since BIGINT NOT NULL,
 until BIGINT NOT NULL,
 "by" VARCHAR(32),
 PRIMARY KEY (person_id),
 FOREIGN KEY(person_id) REFERENCES people (id)
);
CREATE TABLE crm_accounts (
 account VARCHAR(200) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 kind VARCHAR(32) NOT NULL,
 PRIMARY KEY (account),
 FOREIGN KEY(person_id) REFERENCES people (id)
);
CREATE INDEX ix_crm_accounts_person_id ON crm_accounts (person_id);
CREATE TABLE crm_sessions (
 id VARCHAR(32) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 credential_hash VARCHAR(64) NOT NULL,
 kind VARCHAR(16) NOT NULL,
 account VARCHAR(200) NOT NULL,
 opened_at BIGINT NOT NULL,
 last_seen_at BIGINT NOT NULL,
 suspended_at BIGINT,
 ended_at BIGINT,
 ended_why VARCHAR(64),
 revision BIGINT NOT NULL,
 PRIMARY KEY (id),
 FOREIGN KEY(person_id) REFERENCES people (id),
 CONSTRAINT uq_crm_sessions_credential_hash UNIQUE (credential_hash)
);
CREATE INDEX ix_crm_sessions_person_id ON crm_sessions (person_id);
CREATE INDEX ix_crm_sessions_revision ON crm_sessions (revision);
CREATE TABLE assignments (
 client_id VARCHAR(64) NOT NULL,
 person_id VARCHAR(32),
 since BIGINT NOT NULL,
 counts_from BIGINT NOT NULL,
 origin VARCHAR(16) NOT NULL,
 revision BIGINT NOT NULL,
 PRIMARY KEY (client_id),
 FOREIGN KEY(person_id) REFERENCES people (id)
);
CREATE INDEX ix_assignments_revision ON assignments (revision);
CREATE TABLE keys (
 id VARCHAR(32) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 credential_id BLOB NOT NULL,
 public_key BLOB NOT NULL,
 algorithm INTEGER NOT NULL,
 sign_count BIGINT NOT NULL,
 aaguid VARCHAR(36) NOT NULL,
 backup_eligible BOOLEAN NOT NULL,
 transports JSON NOT NULL,
 label VARCHAR(100) NOT NULL,
 demo BOOLEAN NOT NULL,
 created_at BIGINT NOT NULL,
 last_used_at BIGINT,
 locked_at BIGINT,
 locked_why VARCHAR(64),
 PRIMARY KEY (id),
 FOREIGN KEY(person_id) REFERENCES people (id),
 CONSTRAINT uq_keys_credential_id UNIQUE (credential_id)
);
CREATE INDEX ix_keys_person_id ON keys (person_id);
CREATE TABLE enrolment_tokens (
 hash VARCHAR(64) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 issued_by VARCHAR(32),
 demo BOOLEAN NOT NULL,
 created_at BIGINT NOT NULL,
 expires_at BIGINT NOT NULL,
 used_at BIGINT,
 PRIMARY KEY (hash),
 FOREIGN KEY(person_id) REFERENCES people (id)
);
CREATE INDEX ix_enrolment_tokens_person_id ON enrolment_tokens (person_id);
CREATE TABLE agents (
 id VARCHAR(16) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 public_key BLOB NOT NULL,
 label VARCHAR(100) NOT NULL,
 enrolled_at BIGINT NOT NULL,
 last_seen_at BIGINT,
 counter BIGINT NOT NULL,
 removed_at BIGINT,
 PRIMARY KEY (id),
 FOREIGN KEY(person_id) REFERENCES people (id),
 CONSTRAINT uq_agents_public_key UNIQUE (public_key)
);
CREATE INDEX ix_agents_person_id ON agents (person_id);
CREATE TABLE agent_tokens (
 hash VARCHAR(64) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 issued_by VARCHAR(32),
 created_at BIGINT NOT NULL,
 expires_at BIGINT NOT NULL,
 used_at BIGINT,
 agent_id VARCHAR(16),
 PRIMARY KEY (hash),
 FOREIGN KEY(person_id) REFERENCES people (id)
);
CREATE INDEX ix_agent_tokens_person_id ON agent_tokens (person_id);
CREATE TABLE console_sessions (
 id VARCHAR(32) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 token_hash VARCHAR(64) NOT NULL,
 csrf VARCHAR(64) NOT NULL,
 key_id VARCHAR(32),
 opened_at BIGINT NOT NULL,
 last_seen_at BIGINT NOT NULL,
 expires_at BIGINT NOT NULL,
 ended_at BIGINT,
 ended_why VARCHAR(64),
 PRIMARY KEY (id),
 FOREIGN KEY(person_id) REFERENCES people (id),
 CONSTRAINT uq_console_sessions_token_hash UNIQUE (token_hash),
 FOREIGN KEY(key_id) REFERENCES keys (id)
);
CREATE INDEX ix_console_sessions_person_id ON console_sessions (person_id);
CREATE TABLE acts (
 id VARCHAR(64) NOT NULL,
 person_id VARCHAR(32) NOT NULL,
 session_id VARCHAR(32) NOT NULL,
 digest VARCHAR(64) NOT NULL,
 summary JSON NOT NULL,
 ids VARCHAR NOT NULL,
 fields JSON NOT NULL,
 needs VARCHAR(16) NOT NULL,
 state VARCHAR(16) NOT NULL,
 opened_at BIGINT NOT NULL,
 expires_at BIGINT NOT NULL,
 ended_at BIGINT,
 ended_why VARCHAR(64),
 challenge BLOB,
 challenge_used_at BIGINT,
 confirmed_at BIGINT,
 used_at BIGINT,
 key_id VARCHAR(32),
 assertion JSON,
 boot_id VARCHAR(64) NOT NULL,
 PRIMARY KEY (id),
 FOREIGN KEY(person_id) REFERENCES people (id),
 FOREIGN KEY(key_id) REFERENCES keys (id)
);
CREATE INDEX ix_acts_person_state ON acts (person_id, state);
CREATE INDEX ix_acts_expires_at ON acts (expires_at);
PRAGMA user_version = 3;
