-- What people and programs change grows a version with every change, so that a change says which state it was made from.
-- What was there before is at its first version.
ALTER TABLE contact ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE company ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- Of the two columns that say what happens when an account stops.
ALTER TABLE company ADD COLUMN failure_policy_version BIGINT NOT NULL DEFAULT 1;
