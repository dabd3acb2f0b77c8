-- What a company wishes while an account of its own does not work, who is told, and what they were told already.
-- What was there before behaves as before: deliveries wait, and nothing is announced twice.

-- Hours after which the default account sends in the place of a resting one; NULL: its deliveries wait.
ALTER TABLE company ADD COLUMN fallback_after_hours INTEGER CHECK (fallback_after_hours BETWEEN 1 AND 72);
-- Addresses, separated by ';'. Empty: the owners, where they log in.
ALTER TABLE company ADD COLUMN failure_notices_to TEXT NOT NULL DEFAULT '';

-- Where in the session the fault was seen. A check without a message proves nothing about 'recipient' and 'message'.
ALTER TABLE account_pause ADD COLUMN phase TEXT NOT NULL DEFAULT 'auth';
-- A check went well and cannot prove more: one delivery may be tried.
ALTER TABLE account_pause ADD COLUMN on_trial BOOLEAN NOT NULL DEFAULT FALSE;
-- Somebody had what was queued until then sent through the default account.
ALTER TABLE account_pause ADD COLUMN default_sends_until TIMESTAMPTZ;

-- An account's id, or the nil UUID and no company for the installation's default account.
CREATE TABLE account_health (
    account_id UUID PRIMARY KEY NOT NULL,
    company_id UUID REFERENCES company (id),
    -- Since when it has not been seen to work. Its owner hears of it once, until it is seen to work again.
    stopped_at TIMESTAMPTZ,
    -- The server's certificate as it was last seen, and the end that was announced.
    certificate_ends_at TIMESTAMPTZ,
    certificate_seen_at TIMESTAMPTZ,
    certificate_announced TIMESTAMPTZ
);
CREATE INDEX account_health_by_certificate ON account_health (certificate_ends_at) WHERE certificate_ends_at IS NOT NULL;

-- Mails to those who look after an account, one row for each recipient, written in the transaction that they tell of.
CREATE TABLE account_notice (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('stopped', 'recovered', 'certificate_ending', 'connection_ending')),
    -- When it stopped, when it had stopped, or when it ends: with kind and recipient the reason why nobody is told twice.
    about TIMESTAMPTZ NOT NULL,
    recipient TEXT NOT NULL,
    problem_code TEXT NOT NULL,
    problem_reply TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'in_doubt', 'failed', 'cancelled')),
    queued_at TIMESTAMPTZ NOT NULL,
    next_attempt_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL,
    fence BIGINT NOT NULL,
    lease_until TIMESTAMPTZ,
    -- From here on a server may have it: whatever happens, it is not sent again.
    handed_over_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    reply TEXT,
    PRIMARY KEY (company_id, id),
    CONSTRAINT account_notice_once UNIQUE (account_id, kind, about, recipient)
);
CREATE INDEX account_notice_due ON account_notice (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX account_notice_leased ON account_notice (lease_until) WHERE lease_until IS NOT NULL;
