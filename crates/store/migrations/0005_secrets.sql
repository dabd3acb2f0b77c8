-- The master keys that seal what is sealed here: a text of our own under each. It opens only with that key, so that a start
-- with another key file is noticed before anything is done.
CREATE TABLE sealing_key (
    key_id BIGINT PRIMARY KEY NOT NULL,
    -- Of the key, so that a person can tell one key file from another.
    fingerprint TEXT NOT NULL,
    canary BYTEA NOT NULL
);

-- A secret belongs to the server, port, TLS and user it was given for. Without a user nobody logs in, and nothing is kept
-- for one who may be named later.
UPDATE mail_account SET sealed_password = NULL WHERE username = '';
DELETE FROM oauth_connection WHERE EXISTS (SELECT 1 FROM mail_account a
    WHERE a.company_id = oauth_connection.company_id AND a.id = oauth_connection.account_id AND a.username = '');
