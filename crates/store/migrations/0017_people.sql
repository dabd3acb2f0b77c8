-- People who are let in by an invitation, links that are good once, and the mails that carry them.

-- The link's token is kept as its SHA-256. An address has one open invitation of a company.
CREATE TABLE invitation (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    email TEXT NOT NULL,
    -- As whoever invites knows them; may be empty.
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'accountant', 'assistant', 'clerk', 'viewer')),
    inviter TEXT NOT NULL,
    inviter_id UUID,
    token_hash BYTEA NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'withdrawn', 'replaced', 'declined')),
    created_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX invitation_open ON invitation (company_id, email) WHERE state = 'open';

-- Links that change how somebody comes in. `email` is the address that a use makes theirs.
CREATE TABLE person_link (
    id UUID PRIMARY KEY NOT NULL,
    person_id UUID NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('reset', 'confirm_address', 'undo_address')),
    token_hash BYTEA NOT NULL UNIQUE,
    email TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX person_link_by_person ON person_link (person_id);

-- Mails to people about how they come in, written in the transaction that they tell of. The link's token lies sealed until
-- the mail has left.
CREATE TABLE user_mail (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('invitation', 'reset', 'confirm_address', 'address_changed', 'password_changed', 'removed')),
    company_id UUID REFERENCES company (id),
    invitation_id UUID,
    recipient TEXT NOT NULL,
    detail TEXT NOT NULL,
    sealed_token BYTEA,
    -- Nobody needs it any more.
    ends_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'in_doubt', 'failed', 'cancelled')),
    queued_at TIMESTAMPTZ NOT NULL,
    next_attempt_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL,
    fence BIGINT NOT NULL,
    lease_until TIMESTAMPTZ,
    -- From here on a server may have it: whatever happens, it is not sent again.
    handed_over_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    problem_code TEXT,
    reply TEXT
);
CREATE INDEX user_mail_due ON user_mail (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX user_mail_leased ON user_mail (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX user_mail_by_invitation ON user_mail (invitation_id) WHERE invitation_id IS NOT NULL;

-- While nobody is on record: what `serve` printed at its last start, as its SHA-256.
CREATE TABLE first_start (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    token_hash BYTEA NOT NULL
);
