-- Keys that sign a company's mail. made: waits until its record is seen in the DNS. used: signs. published: was seen, and
-- does not sign. A domain has at most one that waits and one that was seen.
CREATE TABLE dkim_key (
    company_id UUID NOT NULL REFERENCES company (id),
    id UUID NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    -- Base64, as it stands in the record's p=.
    public_key TEXT NOT NULL,
    sealed_private_key BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('made', 'published', 'used')),
    made_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ,
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX dkim_key_waiting ON dkim_key (company_id, domain) WHERE state = 'made';
CREATE UNIQUE INDEX dkim_key_seen ON dkim_key (company_id, domain) WHERE state <> 'made';

-- Every name that a key of any company ever had in the DNS: two keys under one name would spoil each other, and the record
-- of a key that is gone may stand there for long.
CREATE TABLE dkim_name (
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    PRIMARY KEY (domain, selector)
);
