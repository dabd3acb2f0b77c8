-- What failed and is over: a person said so, or a later mail took its place.

-- The envío that «Corregir y reenviar» was pressed on; of a correction of a correction, the first one.
ALTER TABLE delivery ADD COLUMN corrects UUID;
ALTER TABLE delivery ADD COLUMN resolved_at TIMESTAMPTZ;
ALTER TABLE delivery ADD COLUMN resolved_by TEXT;
ALTER TABLE delivery ADD COLUMN resolved_reason TEXT;

-- Lists of payments are put in order by their date.
CREATE INDEX payment_by_day ON payment (company_id, paid_on, id);
