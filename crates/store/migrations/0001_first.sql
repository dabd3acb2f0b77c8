-- One text for SQLite and PostgreSQL. Every table of a company carries company_id first, so that a later partitioning
-- by company changes no code. Amounts are whole cents, instants UTC, days the calendar of Ecuador.

CREATE TABLE company (
    id UUID PRIMARY KEY NOT NULL,
    ruc TEXT NOT NULL UNIQUE,
    legal_name TEXT NOT NULL,
    trade_name TEXT,
    address TEXT,
    city TEXT,
    phone TEXT,
    email TEXT,
    logo BYTEA,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE person (
    id UUID PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE membership (
    company_id UUID NOT NULL REFERENCES company (id),
    person_id UUID NOT NULL REFERENCES person (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'accountant', 'viewer')),
    PRIMARY KEY (company_id, person_id)
);

-- A browser's session; the cookie's token is kept as its SHA-256.
CREATE TABLE login (
    token_hash BYTEA PRIMARY KEY NOT NULL,
    person_id UUID NOT NULL REFERENCES person (id),
    company_id UUID NOT NULL REFERENCES company (id),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE api_token (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    PRIMARY KEY (company_id, id)
);

-- The answers of POST that carry an Idempotency-Key, by what they made.
CREATE TABLE idempotency (
    company_id UUID NOT NULL REFERENCES company (id),
    idempotency_key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    made_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (company_id, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Lists of addresses are kept as one text, separated by ';'. search_text is folded: lower case, no accents.
CREATE TABLE contact (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    identification_type TEXT NOT NULL CHECK (identification_type IN ('ruc', 'cedula', 'passport', 'other')),
    identification TEXT NOT NULL,
    is_customer BOOLEAN NOT NULL,
    is_supplier BOOLEAN NOT NULL,
    address TEXT,
    phone TEXT,
    credit_days INTEGER,
    emails TEXT NOT NULL,
    emails_received_payments TEXT NOT NULL,
    emails_made_payments TEXT NOT NULL,
    emails_invoices TEXT NOT NULL,
    emails_withholdings TEXT NOT NULL,
    search_text TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (company_id, id),
    CONSTRAINT contact_identification UNIQUE (company_id, identification_type, identification)
);
CREATE INDEX contact_by_name ON contact (company_id, search_text, id);

-- A credit note's total and balance are negative. A balance stays between zero and the total.
CREATE TABLE document (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    contact_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('invoice', 'sales_note', 'settlement', 'debit_note', 'credit_note')),
    side TEXT NOT NULL CHECK (side IN ('receivable', 'payable')),
    number TEXT NOT NULL,
    issued_on DATE NOT NULL,
    due_on DATE NOT NULL,
    total_cents BIGINT NOT NULL CHECK (total_cents <> 0),
    balance_cents BIGINT NOT NULL,
    detail TEXT,
    -- Number and detail, folded.
    search_text TEXT NOT NULL,
    voided_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, contact_id) REFERENCES contact (company_id, id),
    CHECK ((total_cents > 0 AND balance_cents BETWEEN 0 AND total_cents)
        OR (total_cents < 0 AND balance_cents BETWEEN total_cents AND 0))
);
-- Our own numbers are ours alone; a supplier's number is its own.
CREATE UNIQUE INDEX document_receivable_number ON document (company_id, kind, number)
    WHERE side = 'receivable' AND voided_at IS NULL;
CREATE UNIQUE INDEX document_payable_number ON document (company_id, contact_id, kind, number)
    WHERE side = 'payable' AND voided_at IS NULL;
CREATE INDEX document_open ON document (company_id, contact_id, side, due_on) WHERE balance_cents <> 0;
CREATE INDEX document_by_due ON document (company_id, side, due_on, id);

-- The row of a direction is its ledger's lock: whoever takes or gives back balances updates it first.
CREATE TABLE receipt_sequence (
    company_id UUID NOT NULL REFERENCES company (id),
    direction TEXT NOT NULL CHECK (direction IN ('received', 'made')),
    last BIGINT NOT NULL,
    PRIMARY KEY (company_id, direction)
);

CREATE TABLE payment (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('received', 'made')),
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    contact_id UUID NOT NULL,
    paid_on DATE NOT NULL,
    description TEXT,
    total_cents BIGINT NOT NULL CHECK (total_cents > 0),
    money_cents BIGINT NOT NULL,
    allocated_cents BIGINT NOT NULL CHECK (allocated_cents >= 0),
    unapplied_cents BIGINT NOT NULL CHECK (unapplied_cents >= 0),
    -- What is left of unapplied_cents for later payments.
    advance_rest_cents BIGINT NOT NULL CHECK (advance_rest_cents BETWEEN 0 AND unapplied_cents),
    recorded_at TIMESTAMPTZ NOT NULL,
    recorded_by TEXT NOT NULL,
    voided_at TIMESTAMPTZ,
    voided_by TEXT,
    void_reason TEXT,
    -- domain::receipt::Receipt as JSON, never changed.
    receipt TEXT NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, contact_id) REFERENCES contact (company_id, id),
    CONSTRAINT payment_number UNIQUE (company_id, direction, sequence),
    CHECK (total_cents = allocated_cents + unapplied_cents)
);
CREATE INDEX payment_by_contact ON payment (company_id, contact_id, direction, sequence);
CREATE INDEX payment_with_advance ON payment (company_id, contact_id, direction) WHERE advance_rest_cents > 0;

CREATE TABLE payment_line (
    company_id UUID NOT NULL,
    payment_id UUID NOT NULL,
    position INTEGER NOT NULL,
    method TEXT NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    reference TEXT,
    bank TEXT,
    account TEXT,
    dated_on DATE,
    kind TEXT,
    tax TEXT,
    advance_from UUID,
    PRIMARY KEY (company_id, payment_id, position),
    FOREIGN KEY (company_id, payment_id) REFERENCES payment (company_id, id)
);

CREATE TABLE allocation (
    company_id UUID NOT NULL,
    payment_id UUID NOT NULL,
    position INTEGER NOT NULL,
    document_id UUID NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents <> 0),
    previous_balance_cents BIGINT NOT NULL,
    PRIMARY KEY (company_id, payment_id, position),
    FOREIGN KEY (company_id, payment_id) REFERENCES payment (company_id, id),
    FOREIGN KEY (company_id, document_id) REFERENCES document (company_id, id)
);
CREATE INDEX allocation_by_document ON allocation (company_id, document_id);

CREATE TABLE mail_account (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    module TEXT NOT NULL CHECK (module IN ('received_payments', 'invoices_and_made_payments')),
    server TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    security TEXT NOT NULL CHECK (security IN ('starttls', 'tls', 'none')),
    username TEXT NOT NULL,
    sealed_password BYTEA,
    from_name TEXT NOT NULL,
    from_address TEXT NOT NULL,
    reply_to TEXT,
    bcc TEXT,
    enabled BOOLEAN NOT NULL,
    -- Grows with every change, so that open connections of the old settings are not used again.
    version BIGINT NOT NULL,
    checked_at TIMESTAMPTZ,
    check_ok BOOLEAN,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (company_id, id),
    CONSTRAINT mail_account_module UNIQUE (company_id, module)
);

-- Accounts that rest after a fault of their own: an account's id, or the nil UUID for the installation's default account.
CREATE TABLE account_pause (
    account_id UUID PRIMARY KEY NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    problem_code TEXT NOT NULL,
    reply TEXT NOT NULL,
    probes INTEGER NOT NULL,
    probe_at TIMESTAMPTZ NOT NULL
);

-- Company and module together are one lane: its deliveries share an account.
CREATE TABLE delivery_lane (
    company_id UUID NOT NULL REFERENCES company (id),
    module TEXT NOT NULL,
    PRIMARY KEY (company_id, module)
);

CREATE TABLE delivery (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('receipt', 'void_notice')),
    module TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'sending', 'accepted', 'deferred', 'in_doubt', 'failed', 'bounced', 'cancelled')),
    -- The number of the act of re-sending, from 1; null for what was sent when the payment was recorded or voided.
    resend INTEGER,
    queued_at TIMESTAMPTZ NOT NULL,
    -- Set while it waits, and only then.
    next_attempt_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL,
    -- Grows with every claim: what a worker records must name the claim it holds.
    fence BIGINT NOT NULL,
    lease_until TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    message_id TEXT,
    account_source TEXT,
    account_server TEXT,
    account_from TEXT,
    reply TEXT,
    problem_code TEXT,
    problem_phase TEXT,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, payment_id) REFERENCES payment (company_id, id)
);
CREATE INDEX delivery_due ON delivery (company_id, module, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_by_payment ON delivery (company_id, payment_id, queued_at);
CREATE INDEX delivery_by_state ON delivery (company_id, state, id);

CREATE TABLE delivery_attempt (
    company_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    attempt INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    phase TEXT NOT NULL,
    reply TEXT NOT NULL,
    problem_code TEXT,
    duration_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (company_id, delivery_id, attempt),
    FOREIGN KEY (company_id, delivery_id) REFERENCES delivery (company_id, id)
);

-- What happened to a payment and who did it; ids are UUIDv7 and so in order of time.
CREATE TABLE event (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    subject_id UUID NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (company_id, id)
);
CREATE INDEX event_by_subject ON event (company_id, subject_id, id);
