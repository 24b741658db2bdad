-- Which records are of exchanges that went by a revision on trial.
--
-- +goose Up
ALTER TABLE records ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE records DROP COLUMN tried;
