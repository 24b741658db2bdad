-- Money and usage: postings with their entries, the balances that they make, and what exchanges add up to.
--
-- +goose Up

-- The end of the chain of postings: one row, made when the log is begun. Whoever posts holds this row until the commit, so that ids are dense.
CREATE TABLE ledger (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    posting BIGINT NOT NULL,
    hash    BYTEA  NOT NULL
);

CREATE TABLE postings (
    id        BIGINT PRIMARY KEY,
    at        BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    reference TEXT   NOT NULL, -- '' = none
    why       TEXT   NOT NULL,
    author    TEXT   NOT NULL,
    hash      BYTEA  NOT NULL
);
CREATE UNIQUE INDEX postings_once ON postings (reference, kind, account) WHERE reference <> '';
CREATE INDEX postings_of ON postings (account, id);

-- Nano-dollars. Those of one posting add up to 0.
CREATE TABLE entries (
    posting BIGINT NOT NULL,
    book    TEXT   NOT NULL,
    amount  BIGINT NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (posting, book)
);

-- The sum of a book's entries.
CREATE TABLE balances (
    book   TEXT   PRIMARY KEY,
    amount BIGINT NOT NULL CHECK (amount >= 0 OR book LIKE 'operator:%')
);

-- Which frames were settled, and what of their lines was not: a frame from before this table was is not in it.
CREATE TABLE settled (
    node        TEXT   NOT NULL,
    incarnation TEXT   NOT NULL,
    sequence    BIGINT NOT NULL,
    exchanges   BIGINT NOT NULL,
    unread      BIGINT NOT NULL,
    elsewhere   BIGINT NOT NULL, -- of another node's exchanges
    PRIMARY KEY (node, incarnation, sequence)
);

-- By the minute in which exchanges began. A sum that left the range would be refused here, not wrong.
CREATE TABLE usage_minutes (
    minute      BIGINT NOT NULL, -- since 1970
    account     TEXT   NOT NULL,
    team        TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    model       TEXT   NOT NULL,
    endpoint    TEXT   NOT NULL,
    exchanges   BIGINT NOT NULL,
    failures    BIGINT NOT NULL,
    estimated   BIGINT NOT NULL,
    input       BIGINT NOT NULL CHECK (input < 9000000000000000000),
    cache_read  BIGINT NOT NULL CHECK (cache_read < 9000000000000000000),
    cache_write BIGINT NOT NULL CHECK (cache_write < 9000000000000000000),
    output      BIGINT NOT NULL CHECK (output < 9000000000000000000),
    reasoning   BIGINT NOT NULL CHECK (reasoning < 9000000000000000000),
    cost        BIGINT NOT NULL CHECK (cost < 9000000000000000000),
    charge      BIGINT NOT NULL CHECK (charge < 9000000000000000000),
    PRIMARY KEY (minute, account, team, key_id, model, endpoint)
);

-- +goose Down
DROP TABLE usage_minutes;
DROP TABLE settled;
DROP TABLE balances;
DROP TABLE entries;
DROP TABLE postings;
DROP TABLE ledger;
