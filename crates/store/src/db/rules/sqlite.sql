DROP TRIGGER IF EXISTS event_is_never_changed;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;

DROP TRIGGER IF EXISTS event_is_never_deleted;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
    WHEN NOT EXISTS (SELECT 1 FROM company WHERE id = OLD.company_id AND history_released_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;

-- INSERT OR REPLACE deletes without asking the trigger of DELETE (sqlite.org/lang_conflict.html).
DROP TRIGGER IF EXISTS event_is_never_replaced;
CREATE TRIGGER event_is_never_replaced BEFORE INSERT ON event
    WHEN EXISTS (SELECT 1 FROM event WHERE company_id = NEW.company_id AND id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;

DROP TRIGGER IF EXISTS event_waits_for_its_seal;
CREATE TRIGGER event_waits_for_its_seal AFTER INSERT ON event
    BEGIN INSERT INTO event_unsealed (company_id, event_id) VALUES (NEW.company_id, NEW.id); END;

DROP TRIGGER IF EXISTS event_seal_is_never_changed;
CREATE TRIGGER event_seal_is_never_changed BEFORE UPDATE ON event_seal
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;

DROP TRIGGER IF EXISTS event_seal_is_never_deleted;
CREATE TRIGGER event_seal_is_never_deleted BEFORE DELETE ON event_seal
    WHEN NOT EXISTS (SELECT 1 FROM company WHERE id = OLD.company_id AND history_released_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;

DROP TRIGGER IF EXISTS event_seal_is_never_replaced;
CREATE TRIGGER event_seal_is_never_replaced BEFORE INSERT ON event_seal
    WHEN EXISTS (SELECT 1 FROM event_seal WHERE company_id = NEW.company_id
        AND (seq = NEW.seq OR event_id = NEW.event_id))
    BEGIN SELECT RAISE(ABORT, 'the history is only added to'); END;
