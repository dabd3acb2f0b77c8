-- What a withholding's percentage was taken of; null where nobody said.
ALTER TABLE payment_line ADD COLUMN base_cents BIGINT;

-- Another payment of the same paper, or of the same person, day and value (domain::payment::reference_key says how numbers
-- are compared; payments/twins.rs repeats the expression).
CREATE INDEX payment_line_by_reference ON payment_line (company_id, LTRIM(UPPER(REPLACE(REPLACE(reference, ' ', ''), '-', '')), '0'), payment_id);
CREATE INDEX payment_by_figures ON payment (company_id, contact_id, paid_on, direction, total_cents, sequence);
