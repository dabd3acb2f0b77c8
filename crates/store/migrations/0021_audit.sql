-- The history of payments and access becomes the audit of everything: who it was, from where, what it was before and after.
ALTER TABLE event ADD COLUMN who_kind TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE event ADD COLUMN who_id UUID;
ALTER TABLE event ADD COLUMN session_id UUID;
ALTER TABLE event ADD COLUMN source TEXT;
ALTER TABLE event ADD COLUMN subject_kind TEXT NOT NULL DEFAULT '';
-- What the subject was called then.
ALTER TABLE event ADD COLUMN subject_name TEXT NOT NULL DEFAULT '';
-- JSON: [{"field", "before", "after"}], or nothing.
ALTER TABLE event ADD COLUMN changes TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done';
-- Whatever a person may look for, folded.
ALTER TABLE event ADD COLUMN search_text TEXT NOT NULL DEFAULT '';

UPDATE event SET subject_kind = CASE
    WHEN kind LIKE 'payment.%' OR kind LIKE 'receipt.%' OR kind LIKE 'delivery.%' THEN 'payment'
    WHEN kind LIKE 'token.%' THEN 'token' ELSE 'person' END;
UPDATE event SET subject_name = COALESCE((SELECT CASE p.direction WHEN 'received' THEN 'RC-' ELSE 'RP-' END
            || CASE WHEN p.sequence < 1000000 THEN SUBSTR('000000', 1, 6 - LENGTH(CAST(p.sequence AS TEXT))) ELSE '' END
            || CAST(p.sequence AS TEXT)
        FROM payment p WHERE p.company_id = event.company_id AND p.id = event.subject_id), '')
    WHERE subject_kind = 'payment';
UPDATE event SET search_text = LOWER(who || ' ' || subject_name || ' ' || detail);

CREATE INDEX event_by_who ON event (company_id, who_id, id);
CREATE INDEX event_by_time ON event (company_id, at);

-- One chain per company: each seal's hash is made of the one before and of its event.
CREATE TABLE event_seal (
    company_id UUID NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    event_id UUID NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (company_id, seq)
);
CREATE UNIQUE INDEX event_seal_by_event ON event_seal (company_id, event_id);

-- Events that have no seal yet; a trigger adds each (src/db/rules).
CREATE TABLE event_unsealed (
    company_id UUID NOT NULL,
    event_id UUID NOT NULL,
    PRIMARY KEY (company_id, event_id)
);
INSERT INTO event_unsealed (company_id, event_id) SELECT company_id, id FROM event;

-- The end of each chain, and what the last check of it found. Its row is the lock of who adds to it.
CREATE TABLE event_chain (
    company_id UUID PRIMARY KEY NOT NULL,
    sealed BIGINT NOT NULL,
    head BYTEA NOT NULL,
    verified_at TIMESTAMPTZ,
    verified BIGINT,
    -- The first thing that the check found; nothing where all is as it was written.
    fault TEXT
);

-- Since when the history of a company that is being deleted may go with it.
ALTER TABLE company ADD COLUMN history_released_at TIMESTAMPTZ;
