-- When somebody last entered each of their companies: the last ones are offered first, and a login leads to the last.
ALTER TABLE membership ADD COLUMN last_entered_at TIMESTAMPTZ;

-- An archived company can be read, and nothing else happens in it.
ALTER TABLE company ADD COLUMN archived_at TIMESTAMPTZ;
-- When everything was last taken along: what nobody took along is not deleted.
ALTER TABLE company ADD COLUMN exported_at TIMESTAMPTZ;

-- Companies whose deletion was asked for. Somebody else says yes when the waiting time is over.
CREATE TABLE company_deletion (
    company_id UUID PRIMARY KEY NOT NULL REFERENCES company (id),
    asked_at TIMESTAMPTZ NOT NULL,
    -- Null: the operator, at the command line.
    asked_by UUID REFERENCES person (id),
    asked_by_name TEXT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL
);
