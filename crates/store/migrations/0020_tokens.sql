-- A token is recognised by its first and last letters; it opens until a day and from some networks, where they are named.
ALTER TABLE api_token ADD COLUMN hint TEXT;
ALTER TABLE api_token ADD COLUMN expires_on DATE;
ALTER TABLE api_token ADD COLUMN networks TEXT NOT NULL DEFAULT '';

-- As the history names whoever made it.
ALTER TABLE api_token ADD COLUMN created_by TEXT;

-- The address of its last use.
ALTER TABLE api_token ADD COLUMN last_used_from TEXT;
