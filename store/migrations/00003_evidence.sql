-- What edges send up: frames of charge lines, the evidence of every charge, and records of exchanges, for looking.
--
-- +goose Up

-- A frame is settled as a unit, once: the same key with another hash is refused. `packed` are its lines, deflated.
CREATE TABLE frames (
    node        TEXT   NOT NULL,
    incarnation TEXT   NOT NULL,
    sequence    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    lines       BIGINT NOT NULL,
    lost        BIGINT NOT NULL,
    gap         BIGINT NOT NULL, -- 1 = frames before it are kept nowhere any more
    hash        BYTEA  NOT NULL,
    packed      BYTEA  NOT NULL,
    PRIMARY KEY (node, incarnation, sequence)
);

-- Where to look for the lines of an exchange: the frames with a line of one that began on a node (by its tag) within
-- ten seconds (by its id). Far fewer rows than lines.
CREATE TABLE frame_times (
    tag         BIGINT NOT NULL,
    slot        BIGINT NOT NULL,
    node        TEXT   NOT NULL,
    incarnation TEXT   NOT NULL,
    sequence    BIGINT NOT NULL,
    PRIMARY KEY (tag, slot, node, incarnation, sequence)
);

CREATE TABLE records (
    id        TEXT   PRIMARY KEY,
    at        BIGINT NOT NULL,
    node      TEXT   NOT NULL,
    key_id    TEXT   NOT NULL,
    model     TEXT   NOT NULL, -- the configured name
    endpoint  TEXT   NOT NULL,
    providers TEXT   NOT NULL, -- that were asked, each between spaces
    status    BIGINT NOT NULL,
    code      TEXT   NOT NULL,
    duration  BIGINT NOT NULL,
    stream    BIGINT NOT NULL, -- 1 = streamed
    kept      TEXT   NOT NULL,
    size      BIGINT NOT NULL, -- bytes of content
    content   TEXT   NOT NULL  -- the record as JSON
);
CREATE INDEX records_by_time ON records (at, id, size);

-- How many exchanges ended on a node in a second, and of how many there is no record.
CREATE TABLE record_seconds (
    second   BIGINT NOT NULL,
    node     TEXT   NOT NULL,
    seen     BIGINT NOT NULL,
    kept     BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    dropped  BIGINT NOT NULL,
    PRIMARY KEY (second, node)
);
