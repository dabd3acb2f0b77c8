-- Five roles; the table is made anew, since a CHECK is never altered on SQLite.
CREATE TABLE membership_by_role (
    company_id UUID NOT NULL REFERENCES company (id),
    person_id UUID NOT NULL REFERENCES person (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'accountant', 'assistant', 'clerk', 'viewer')),
    PRIMARY KEY (company_id, person_id)
);
INSERT INTO membership_by_role (company_id, person_id, role) SELECT company_id, person_id, role FROM membership;
DROP TABLE membership;
ALTER TABLE membership_by_role RENAME TO membership;
CREATE INDEX membership_by_person ON membership (person_id);

-- A session as its owner sees it in a list, and since when its owner is known for certain to sit there.
ALTER TABLE login ADD COLUMN id UUID;
ALTER TABLE login ADD COLUMN user_agent TEXT;
ALTER TABLE login ADD COLUMN source TEXT;
ALTER TABLE login ADD COLUMN authenticated_at TIMESTAMPTZ;

-- What a token may do: codes of scopes with a space between.
ALTER TABLE api_token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read record send configure';

-- Who recorded a payment, where that was a person or a token.
ALTER TABLE payment ADD COLUMN recorder_id UUID;
