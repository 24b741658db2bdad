-- +goose Up

-- The single head row: the name of this log of changes and the number of its last change. A change
-- takes its number here, inside its own transaction, so numbers are dense and in commit order.
CREATE TABLE head (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    source TEXT    NOT NULL,
    n      BIGINT  NOT NULL
);

-- A key is never deleted: a revoked one stays as a tombstone. `change` is the number of the last
-- change that touched the row, so whoever knows change N needs only the rows above N.
CREATE TABLE keys (
    id      TEXT   PRIMARY KEY,
    name    TEXT   NOT NULL,
    hash    BYTEA  NOT NULL UNIQUE,
    hint    TEXT   NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT,
    change  BIGINT NOT NULL UNIQUE
);

CREATE INDEX keys_by_created ON keys (created, id);

-- +goose Down
DROP TABLE keys;
DROP TABLE head;
