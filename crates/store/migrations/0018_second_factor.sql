-- The second step of a login, and keys that need no password.

ALTER TABLE person ADD COLUMN password_changed_at TIMESTAMPTZ;

-- Whom the company lets in by a second step alone.
ALTER TABLE company ADD COLUMN second_factor TEXT NOT NULL DEFAULT 'nobody'
    CHECK (second_factor IN ('nobody', 'owners', 'everybody'));

-- What a person's application for codes shares with us. last_step is that of the last code that was taken: each is good once
-- (RFC 6238 5.2).
CREATE TABLE authenticator (
    person_id UUID PRIMARY KEY NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    sealed_secret BYTEA NOT NULL,
    activated_at TIMESTAMPTZ NOT NULL,
    last_step BIGINT NOT NULL
);

-- Each lets in once where the telephone is lost. One salt for the codes of a person: a code is hashed once to be looked for.
CREATE TABLE recovery_code (
    person_id UUID NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    used_at TIMESTAMPTZ,
    PRIMARY KEY (person_id, code_hash)
);

-- Somebody whose password was right and whose second step is still to come. It is no session.
CREATE TABLE login_step (
    token_hash BYTEA PRIMARY KEY NOT NULL,
    person_id UUID NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    is_kept BOOLEAN NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX login_step_by_person ON login_step (person_id);

-- Until when the second step is not asked for in a browser.
ALTER TABLE known_browser ADD COLUMN trusted_until TIMESTAMPTZ;

-- Public keys by which a person enters (WebAuthn).
CREATE TABLE passkey (
    id UUID PRIMARY KEY NOT NULL,
    person_id UUID NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    credential_id BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    public_part BYTEA NOT NULL,
    counted BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX passkey_by_person ON passkey (person_id);

-- What a browser is to sign; each is answered once.
CREATE TABLE passkey_challenge (
    token_hash BYTEA PRIMARY KEY NOT NULL,
    state BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX passkey_challenge_by_age ON passkey_challenge (expires_at);
