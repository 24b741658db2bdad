-- The log of all that edges must know, with what it makes: configuration, keys, secrets, nodes; and beside it the
-- audit, admin tokens and the fleet's own sealed material.
--
-- +goose Up

-- A change can carry many keys, so a key has no number of its own any more.
CREATE TABLE keys_of_log (
    id      TEXT   PRIMARY KEY,
    name    TEXT   NOT NULL,
    hash    BYTEA  NOT NULL UNIQUE,
    hint    TEXT   NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT
);
INSERT INTO keys_of_log (id, name, hash, hint, created, revoked)
    SELECT id, name, hash, hint, created, revoked FROM keys;
DROP TABLE keys;
ALTER TABLE keys_of_log RENAME TO keys;
CREATE INDEX keys_by_created ON keys (created, id);

-- The numbers of before had no content and no hashes. The row of the new log is written by the program, under a
-- new name; keys that are here by then become its first change.
DROP TABLE head;
CREATE TABLE head (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    log        TEXT    NOT NULL,
    number     BIGINT  NOT NULL, -- of the last change
    hash       BYTEA   NOT NULL,
    entries    BIGINT  NOT NULL, -- number of the last audit entry
    entry_hash BYTEA   NOT NULL
);

CREATE TABLE changes (
    number  BIGINT PRIMARY KEY,
    kind    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    author  TEXT   NOT NULL,
    content TEXT   NOT NULL,
    hash    BYTEA  NOT NULL
);

CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    author TEXT   NOT NULL,
    action TEXT   NOT NULL,
    target TEXT   NOT NULL,
    why    TEXT   NOT NULL,
    change BIGINT NOT NULL,      -- 0 = none
    hash   BYTEA  NOT NULL
);

-- The configuration as it is now. `whole` is the last revision whose document stands in documents, `patched` the
-- bytes of the patches since.
CREATE TABLE state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT  NOT NULL,
    at       BIGINT  NOT NULL,
    document TEXT    NOT NULL,
    weights  TEXT    NOT NULL,   -- JSON, '' = none
    trial    TEXT    NOT NULL,   -- JSON, '' = none
    whole    BIGINT  NOT NULL,
    patched  BIGINT  NOT NULL
);

CREATE TABLE revisions (
    number   BIGINT PRIMARY KEY,
    change   BIGINT NOT NULL UNIQUE,
    at       BIGINT NOT NULL,
    author   TEXT   NOT NULL,
    why      TEXT   NOT NULL,
    origin   TEXT   NOT NULL,
    restores BIGINT NOT NULL,
    sum      BYTEA  NOT NULL,
    percent  BIGINT NOT NULL
);

-- Whole documents of some revisions, each the begin of a row of patches.
CREATE TABLE documents (
    revision BIGINT PRIMARY KEY,
    document TEXT   NOT NULL
);

CREATE TABLE secrets (
    name    TEXT   PRIMARY KEY,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    sealed  BYTEA                -- NULL = deleted
);

-- A removed node stays; a token is there until it was used.
CREATE TABLE nodes (
    name        TEXT   PRIMARY KEY,
    role        TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    added       BIGINT NOT NULL,
    joined      BIGINT,
    removed     BIGINT,
    public      BYTEA,
    certificate BYTEA,
    sealed      BYTEA,
    token       BYTEA UNIQUE,
    expires     BIGINT
);

CREATE TABLE tokens (
    id      TEXT   PRIMARY KEY,
    name    TEXT   NOT NULL,
    level   TEXT   NOT NULL,
    hash    BYTEA  NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    revoked BIGINT
);

CREATE TABLE vault (
    name   TEXT  PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- Changes that edges remember and this log has not: what a restore from a backup has lost.
CREATE TABLE lost (
    number  BIGINT NOT NULL,
    hash    BYTEA  NOT NULL,
    kind    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    author  TEXT   NOT NULL,
    content TEXT   NOT NULL,
    PRIMARY KEY (number, hash)
);
CREATE TABLE lost_at (
    number BIGINT NOT NULL,
    hash   BYTEA  NOT NULL,
    node   TEXT   NOT NULL,
    PRIMARY KEY (number, hash, node)
);
