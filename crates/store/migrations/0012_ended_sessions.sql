-- Whose a session was and why it ended, for whoever comes back with its cookie.
CREATE TABLE ended_session (
    token_hash BYTEA PRIMARY KEY NOT NULL,
    person_id UUID NOT NULL,
    company_id UUID NOT NULL,
    -- expired, logged_out, ended
    reason TEXT NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX ended_session_by_age ON ended_session (ended_at);
