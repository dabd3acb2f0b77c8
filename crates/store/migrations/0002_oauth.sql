-- A mail account that is connected with its provider instead of holding a password. Tokens are sealed.
CREATE TABLE oauth_connection (
    company_id UUID NOT NULL,
    account_id UUID NOT NULL,
    provider TEXT NOT NULL CHECK (provider IN ('google', 'microsoft')),
    -- Who gave the permission, as the provider names them.
    address TEXT NOT NULL,
    scope TEXT NOT NULL,
    sealed_refresh_token BYTEA NOT NULL,
    sealed_access_token BYTEA NOT NULL,
    access_ends_at TIMESTAMPTZ NOT NULL,
    connected_at TIMESTAMPTZ NOT NULL,
    -- When the permission itself ends, where that is known.
    ends_at TIMESTAMPTZ,
    -- The end that its owner was told of.
    announced_end TIMESTAMPTZ,
    -- Grows with every pair of tokens.
    generation BIGINT NOT NULL,
    -- Grows with every lease: only who holds the last one may ask the provider and write down what it gave.
    fence BIGINT NOT NULL,
    lease_until TIMESTAMPTZ,
    -- Times in a row that the provider gave nothing, its words, and when it may be asked again.
    failures INTEGER NOT NULL,
    failure_words TEXT,
    retry_at TIMESTAMPTZ,
    -- The provider took the permission back: only its owner can give it again.
    broken_at TIMESTAMPTZ,
    broken_code TEXT,
    broken_words TEXT,
    PRIMARY KEY (company_id, account_id),
    FOREIGN KEY (company_id, account_id) REFERENCES mail_account (company_id, id) ON DELETE CASCADE
);
CREATE INDEX oauth_connection_end ON oauth_connection (ends_at) WHERE ends_at IS NOT NULL AND broken_at IS NULL;

-- People who were sent to a provider and have not come back. The state that travels with them is kept as its SHA-256.
CREATE TABLE oauth_departure (
    state_hash BYTEA PRIMARY KEY NOT NULL,
    company_id UUID NOT NULL REFERENCES company (id),
    -- Of the browser that left: nobody else may come back with it.
    session_hash BYTEA NOT NULL,
    provider TEXT NOT NULL,
    sealed_verifier BYTEA NOT NULL,
    nonce TEXT NOT NULL,
    -- The account that is connected; none where a new one is made for the module.
    account_id UUID,
    module TEXT NOT NULL,
    -- The address that the person named, if they did.
    address TEXT,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX oauth_departure_age ON oauth_departure (expires_at);
