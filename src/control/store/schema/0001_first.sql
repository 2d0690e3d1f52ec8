-- Plain SQL that SQLite and PostgreSQL both speak. Times are microseconds since 1970 UTC in BIGINT: they
-- compare and sort as numbers in every database, and no driver has an opinion on their zone. Ids and
-- digests are text. Of tokens only the SHA-256 (hexadecimal) is here.

CREATE TABLE providers (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL,
    telehealth_enabled INTEGER NOT NULL,
    created_at         BIGINT NOT NULL
);

-- folded: the name in small letters, for searching by what someone begins to type.
CREATE TABLE patients (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX patients_by_name ON patients (folded, id);

-- start_text: the start as it was given, with its offset, because the moment alone does not say what the
-- clock on the wall will show.
CREATE TABLE appointments (
    id               TEXT PRIMARY KEY,
    kind             TEXT NOT NULL,
    group_name       TEXT,
    provider_id      TEXT NOT NULL REFERENCES providers (id),
    start_at         BIGINT NOT NULL,
    start_text       TEXT NOT NULL,
    duration_minutes INTEGER NOT NULL,
    cancelled_at     BIGINT,
    created_at       BIGINT NOT NULL
);
CREATE INDEX appointments_by_start ON appointments (start_at, id);

CREATE TABLE appointment_patients (
    appointment_id TEXT NOT NULL REFERENCES appointments (id),
    place          INTEGER NOT NULL,
    patient_id     TEXT NOT NULL REFERENCES patients (id),
    PRIMARY KEY (appointment_id, place),
    UNIQUE (appointment_id, patient_id)
);

-- ended_at: set once and never taken back, whatever the clock does afterwards.
CREATE TABLE visits (
    id             TEXT PRIMARY KEY,
    appointment_id TEXT NOT NULL UNIQUE REFERENCES appointments (id),
    ended_at       BIGINT
);

-- place: the order in which an appointment's links were made; several are made in one moment.
CREATE TABLE links (
    id             TEXT PRIMARY KEY,
    appointment_id TEXT NOT NULL REFERENCES appointments (id),
    place          INTEGER NOT NULL,
    role           TEXT NOT NULL,
    patient_id     TEXT REFERENCES patients (id),
    provider_id    TEXT REFERENCES providers (id),
    name           TEXT,
    token_sha256   TEXT NOT NULL UNIQUE,
    failures       INTEGER NOT NULL,
    locked_at      BIGINT,
    revoked_at     BIGINT,
    created_at     BIGINT NOT NULL
);
CREATE INDEX links_by_appointment ON links (appointment_id, place);

-- replaced_at: the same person came in again by the same link, or the link was revoked.
CREATE TABLE participants (
    id           TEXT PRIMARY KEY,
    visit_id     TEXT NOT NULL REFERENCES visits (id),
    link_id      TEXT NOT NULL REFERENCES links (id),
    role         TEXT NOT NULL,
    patient_id   TEXT REFERENCES patients (id),
    provider_id  TEXT REFERENCES providers (id),
    name         TEXT NOT NULL,
    relationship TEXT,
    created_at   BIGINT NOT NULL,
    replaced_at  BIGINT
);
CREATE INDEX participants_by_visit ON participants (visit_id, created_at, id);

CREATE TABLE sessions (
    token_sha256   TEXT PRIMARY KEY,
    participant_id TEXT NOT NULL REFERENCES participants (id),
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,
    ended_at       BIGINT
);
CREATE INDEX sessions_by_participant ON sessions (participant_id);

CREATE TABLE terms_acceptances (
    participant_id TEXT NOT NULL REFERENCES participants (id),
    version        TEXT NOT NULL,
    accepted_at    BIGINT NOT NULL,
    PRIMARY KEY (participant_id, version)
);

CREATE TABLE admin_tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    token_sha256 TEXT NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    revoked_at   BIGINT
);

-- sealed: the answer to a request that may be repeated, encrypted with a key that only the repeater has.
CREATE TABLE idempotency_keys (
    token_id       TEXT NOT NULL REFERENCES admin_tokens (id),
    key_sha256     TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    sealed         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (token_id, key_sha256)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
