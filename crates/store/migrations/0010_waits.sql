-- How long an attempt that was put off let the delivery wait (milliseconds). Its time to be given up is counted in these and
-- not by the clock, which may be set forward. What was put off before this column was there is tried for longer.
ALTER TABLE delivery_attempt ADD COLUMN wait_ms BIGINT;

-- The fence when it was queued, or when a person had it tried again: attempts after that count, whatever the clock says.
ALTER TABLE delivery ADD COLUMN queued_fence BIGINT NOT NULL DEFAULT 0;
UPDATE delivery SET queued_fence = COALESCE((SELECT MAX(a.attempt) FROM delivery_attempt a
    WHERE a.company_id = delivery.company_id AND a.delivery_id = delivery.id AND a.at < delivery.queued_at), 0);
