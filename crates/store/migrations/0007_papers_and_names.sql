-- A receipt keeps the logo it was recorded with. Logos are never changed: a company that has another one names another
-- row. What was recorded before keeps the one that its company has today.
CREATE TABLE company_logo (
    company_id UUID NOT NULL REFERENCES company (id),
    -- Made of the picture, so that the same one is kept once; of the first ones, the company's own id.
    id UUID NOT NULL,
    png BYTEA NOT NULL,
    PRIMARY KEY (company_id, id)
);
INSERT INTO company_logo (company_id, id, png) SELECT id, id, logo FROM company WHERE logo IS NOT NULL;

ALTER TABLE company ADD COLUMN logo_id UUID;
UPDATE company SET logo_id = id WHERE logo IS NOT NULL;
ALTER TABLE company DROP COLUMN logo;

ALTER TABLE payment ADD COLUMN logo_id UUID;
UPDATE payment SET logo_id = (SELECT c.logo_id FROM company c WHERE c.id = payment.company_id);

-- A list of people is put in order by the beginning of their folded names: with all their addresses the text is longer
-- than an index takes.
DROP INDEX contact_by_name;
ALTER TABLE contact ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
UPDATE contact SET sort_key = SUBSTR(search_text, 1, 300);
CREATE INDEX contact_by_name ON contact (company_id, sort_key, id);
