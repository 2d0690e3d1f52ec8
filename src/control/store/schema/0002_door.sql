-- What became of whom in a visit, in order; the last of a participant is where they stand.
-- leg_id: the connection that carries them, so that after a restart nobody is taken for somebody else.
CREATE TABLE presences (
    visit_id       TEXT NOT NULL REFERENCES visits (id),
    place          BIGINT NOT NULL,
    participant_id TEXT NOT NULL REFERENCES participants (id),
    standing       TEXT NOT NULL,
    reason         TEXT,
    seat           INTEGER,
    leg_id         TEXT,
    at             BIGINT NOT NULL,
    PRIMARY KEY (visit_id, place)
);
CREATE INDEX presences_by_participant ON presences (participant_id, place);

-- Who may not come in by a link again in this role, although the link lives.
ALTER TABLE participants ADD COLUMN barred_at BIGINT;

-- One row for each patient that a wrong date was compared with: a person may hold several links.
CREATE TABLE wrong_dates (
    link_id    TEXT NOT NULL REFERENCES links (id),
    patient_id TEXT NOT NULL REFERENCES patients (id),
    at         BIGINT NOT NULL
);
CREATE INDEX wrong_dates_by_patient ON wrong_dates (patient_id, at);

-- hash: SHA-256 over the hash of the record before and all of this one. subject and visit_id: opaque ids.
CREATE TABLE audit (
    seq      BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    visit_id TEXT,
    subject  TEXT,
    hash     TEXT NOT NULL
);
CREATE INDEX audit_by_visit ON audit (visit_id, seq);

-- The newest record, so that records cut off at the end are missed.
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
