-- No two admin tokens that are in use have one name: it stands in the audit for whoever shows the token.
--
-- +goose Up
-- Of those that have one all the same, the oldest keeps it; the others are told apart by their ids.
UPDATE tokens SET name = name || ' ' || id
    WHERE revoked IS NULL AND EXISTS (
        SELECT 1 FROM tokens older
        WHERE older.name = tokens.name AND older.revoked IS NULL AND (older.created, older.id) < (tokens.created, tokens.id)
    );
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked IS NULL;

-- +goose Down
DROP INDEX tokens_by_name;
