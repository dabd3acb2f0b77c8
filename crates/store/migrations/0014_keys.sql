-- What two spellings have in common, as the domain says it: asked in SQL, the two engines would answer differently.

-- domain::text::case_folded of the recipient; null of what a server of an earlier version queued meanwhile.
ALTER TABLE delivery ADD COLUMN recipient_key TEXT;
UPDATE delivery SET recipient_key = LOWER(recipient);

-- domain::payment::paper_key of the line; of what stands here already, as far as SQL goes: letters in lower case, and none of
-- the signs between them.
ALTER TABLE payment_line ADD COLUMN paper_key TEXT;
UPDATE payment_line SET paper_key = LTRIM(LOWER(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(reference,
        ' ', ''), '-', ''), '.', ''), '/', ''), '#', '')), '0')
    WHERE reference IS NOT NULL AND method IN ('check', 'transfer', 'deposit', 'card', 'withholding');
DROP INDEX payment_line_by_reference;
CREATE INDEX payment_line_by_paper ON payment_line (company_id, paper_key, method, payment_id) WHERE paper_key IS NOT NULL;

-- The queue of a company and module, as everybody calls it.
ALTER TABLE delivery_lane RENAME TO delivery_queue;
ALTER TABLE oauth_departure RENAME TO authorization_request;
