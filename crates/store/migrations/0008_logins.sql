-- Guesses at passwords, counted before each is checked. The subject is the SHA-256 of what is counted: an address that
-- somebody typed, a network that requests come from, or a known browser.
CREATE TABLE login_attempt (
    subject BYTEA PRIMARY KEY NOT NULL,
    failures BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    retry_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX login_attempt_by_age ON login_attempt (last_at);

-- Browsers in which somebody entered the right password; the cookie's token is kept as its SHA-256. They get in while
-- others guess at the account.
CREATE TABLE known_browser (
    person_id UUID NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    used_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (person_id, token_hash)
);

-- What /metrics counts: deliveries that have no end yet, by state, and the oldest of each.
CREATE INDEX delivery_unfinished ON delivery (state, queued_at) WHERE state IN ('queued', 'sending', 'deferred', 'in_doubt');
