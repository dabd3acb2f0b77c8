-- A second wall on PostgreSQL: a connection sees the rows of the company that it was told (db/reach.rs), whatever a statement
-- forgets to ask. Every table with a company_id has it, also one that was made a moment ago; what is as it should be is left
-- alone.
DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN
        SELECT t.oid, t.relname, t.relrowsecurity AND t.relforcerowsecurity AS is_held,
            EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'of_company') AS has_policy
        FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
            AND c.attname = 'company_id' AND NOT c.attisdropped
    LOOP
        IF NOT found.has_policy THEN
            EXECUTE format(
                'CREATE POLICY of_company ON %I USING (
                    company_id = (SELECT NULLIF(current_setting(''app.company'', true), '''')::uuid)
                    OR (SELECT current_setting(''app.every_company'', true)) = ''on'')',
                found.relname);
        END IF;
        IF NOT found.is_held THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.relname);
        END IF;
    END LOOP;
END
$$;
