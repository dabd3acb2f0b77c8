-- Mails of what was changed in how somebody enters, and of what becomes of a company; the table is made anew, since a CHECK is
-- never altered on SQLite.
CREATE TABLE user_mail_with_news (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('invitation', 'reset', 'confirm_address', 'address_changed', 'password_changed',
        'account_changed', 'removed', 'company_news')),
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
INSERT INTO user_mail_with_news (id, kind, company_id, invitation_id, recipient, detail, sealed_token, ends_at, state, queued_at,
        next_attempt_at, attempts, fence, lease_until, handed_over_at, finished_at, problem_code, reply)
    SELECT id, kind, company_id, invitation_id, recipient, detail, sealed_token, ends_at, state, queued_at,
        next_attempt_at, attempts, fence, lease_until, handed_over_at, finished_at, problem_code, reply FROM user_mail;
DROP TABLE user_mail;
ALTER TABLE user_mail_with_news RENAME TO user_mail;
CREATE INDEX user_mail_due ON user_mail (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX user_mail_leased ON user_mail (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX user_mail_by_invitation ON user_mail (invitation_id) WHERE invitation_id IS NOT NULL;
