-- Grows with every probe that somebody takes upon themselves: what it finds counts as long as nobody took it after them.
ALTER TABLE account_pause ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
