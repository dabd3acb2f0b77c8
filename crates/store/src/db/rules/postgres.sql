-- Two that migrate at once wait for each other.
SELECT pg_advisory_xact_lock(7203921);

CREATE OR REPLACE FUNCTION history_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM company WHERE id = OLD.company_id AND history_released_at IS NOT NULL) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION event_waits_for_its_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_unsealed (company_id, event_id) VALUES (NEW.company_id, NEW.id);
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS event_is_only_added_to ON event;
CREATE TRIGGER event_is_only_added_to BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION history_is_only_added_to();
DROP TRIGGER IF EXISTS event_is_never_emptied ON event;
CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_only_added_to();
DROP TRIGGER IF EXISTS event_waits_for_its_seal ON event;
CREATE TRIGGER event_waits_for_its_seal AFTER INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_waits_for_its_seal();

DROP TRIGGER IF EXISTS event_seal_is_only_added_to ON event_seal;
CREATE TRIGGER event_seal_is_only_added_to BEFORE UPDATE OR DELETE ON event_seal
    FOR EACH ROW EXECUTE FUNCTION history_is_only_added_to();
DROP TRIGGER IF EXISTS event_seal_is_never_emptied ON event_seal;
CREATE TRIGGER event_seal_is_never_emptied BEFORE TRUNCATE ON event_seal
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_only_added_to();

-- The owner of a table may take rights from itself; a superuser has them all, and meets the triggers.
REVOKE UPDATE, DELETE, TRUNCATE ON event, event_seal FROM PUBLIC;
REVOKE UPDATE, DELETE, TRUNCATE ON event, event_seal FROM CURRENT_USER;
