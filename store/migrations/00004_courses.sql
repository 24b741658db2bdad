-- Ramps and trials, as the node that leads keeps them.
--
-- +goose Up
CREATE TABLE courses (
    id       TEXT   PRIMARY KEY,
    kind     TEXT   NOT NULL,
    endpoint TEXT   NOT NULL, -- of a ramp, else ''
    revision BIGINT NOT NULL, -- that it began with
    version  BIGINT NOT NULL, -- one more each time that the row is written
    state    TEXT   NOT NULL, -- JSON
    seen     TEXT   NOT NULL, -- JSON, '' = nobody looked yet
    begun    BIGINT NOT NULL,
    ended    BIGINT,          -- NULL = under way
    outcome  TEXT   NOT NULL,
    why      TEXT   NOT NULL
);
CREATE INDEX courses_by_begin ON courses (kind, begun);
CREATE INDEX courses_under_way ON courses (begun) WHERE ended IS NULL;

-- +goose Down
DROP TABLE courses;
