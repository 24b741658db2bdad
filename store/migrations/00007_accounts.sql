-- Accounts and teams, and what keys may do. `content` is the account or team as JSON, `terms` of a key likewise, '' = none; a key's
-- account and team stand in columns of their own.
--
-- +goose Up
CREATE TABLE accounts (
    id      TEXT   PRIMARY KEY,
    created BIGINT NOT NULL,
    content TEXT   NOT NULL
);
CREATE INDEX accounts_by_created ON accounts (created, id);

CREATE TABLE teams (
    id      TEXT   PRIMARY KEY,
    account TEXT   NOT NULL,
    created BIGINT NOT NULL,
    content TEXT   NOT NULL
);
CREATE INDEX teams_by_created ON teams (account, created, id);

ALTER TABLE keys ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN terms TEXT NOT NULL DEFAULT '';
CREATE INDEX keys_by_account ON keys (account, created, id) WHERE account <> '';

-- +goose Down
DROP INDEX keys_by_account;
ALTER TABLE keys DROP COLUMN terms;
ALTER TABLE keys DROP COLUMN team;
ALTER TABLE keys DROP COLUMN account;
DROP TABLE teams;
DROP TABLE accounts;
