-- Items of named queues. Times are seconds since 1970-01-01 UTC.

CREATE TABLE queue (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    terms BLOB NOT NULL          -- msgpack of `Terms`
);

-- AUTOINCREMENT: an id that a lot names must never be another item's.
CREATE TABLE item (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    INTEGER NOT NULL,
    rank     INTEGER NOT NULL,   -- the priority, negative: the first comes first
    state    INTEGER NOT NULL,   -- 0 waiting, 1 delayed, 2 leased
    attempts INTEGER NOT NULL,
    due_at   REAL,
    data     BLOB NOT NULL
);
CREATE INDEX item_waiting ON item (queue, rank, id) WHERE state = 0;
CREATE INDEX item_delayed ON item (queue, due_at) WHERE state = 1;

-- What was given at once, as long as an item's last lease is of it.
CREATE TABLE lot (
    token   BLOB PRIMARY KEY,
    queue   INTEGER NOT NULL,
    number  INTEGER NOT NULL,    -- counts lots: the later one holds
    lease_s REAL NOT NULL,
    items   BLOB NOT NULL        -- ids as little-endian 64-bit integers, by place
) WITHOUT ROWID;
CREATE INDEX lot_queue ON lot (queue, number);

CREATE TABLE dead (
    id       INTEGER PRIMARY KEY,
    queue    INTEGER NOT NULL,
    rank     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    why      TEXT NOT NULL,
    died_at  REAL NOT NULL,
    data     BLOB NOT NULL
);
CREATE INDEX dead_queue ON dead (queue, id);
