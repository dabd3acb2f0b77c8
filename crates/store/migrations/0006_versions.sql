-- What people and programs change grows a version with every change, so that a change says which state it was made from.
-- What was there before is at its first version.
ALTER TABLE contact ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE company ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- Of the two columns that say what happens when an account stops.
ALTER TABLE company ADD COLUMN failure_policy_version BIGINT NOT NULL DEFAULT 1;

-- The server of an earlier attempt may have taken the message: its answer was lost, or the worker was.
ALTER TABLE delivery ADD COLUMN may_have_arrived BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE delivery SET may_have_arrived = TRUE WHERE EXISTS (SELECT 1 FROM delivery_attempt a
    WHERE a.company_id = delivery.company_id AND a.delivery_id = delivery.id AND a.state = 'in_doubt');
-- Its payment was voided while it was being sent: what does not go through now is not tried again.
ALTER TABLE delivery ADD COLUMN recalled BOOLEAN NOT NULL DEFAULT FALSE;
