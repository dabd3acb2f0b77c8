-- Who has access, since when it was used, and that the database can be written.

ALTER TABLE person ADD COLUMN last_login_at TIMESTAMPTZ;

-- A session that its browser does not keep ends when it is not used: idle_seconds after last_seen_at. Null: only expires_at
-- ends it.
ALTER TABLE login ADD COLUMN last_seen_at TIMESTAMPTZ;
ALTER TABLE login ADD COLUMN idle_seconds INTEGER;
CREATE INDEX login_by_person ON login (person_id);

ALTER TABLE api_token ADD COLUMN last_used_at TIMESTAMPTZ;

-- One row, written to see that the disk takes it.
CREATE TABLE write_probe (
    id INTEGER PRIMARY KEY NOT NULL,
    at TIMESTAMPTZ
);
INSERT INTO write_probe (id, at) VALUES (1, NULL);
