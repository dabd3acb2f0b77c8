-- The history is looked through by kind, and invitations by whom they are for.
CREATE INDEX event_by_kind ON event (company_id, kind, id);
CREATE INDEX invitation_by_email ON invitation (email) WHERE state = 'open';
