-- The frontier's tables. Times are crawl time: seconds this crawl has been going, over all restarts.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE host (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    delay_s       REAL,
    crawl_delay_s REAL,
    hold_until    REAL,
    freed_at      REAL,
    failures      INTEGER NOT NULL DEFAULT 0,
    down_at       REAL,
    probes        INTEGER NOT NULL DEFAULT 0,
    answered      INTEGER NOT NULL DEFAULT 0,
    condemned     INTEGER NOT NULL DEFAULT 0,
    done          INTEGER NOT NULL DEFAULT 0,
    dead          INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX host_down ON host (id) WHERE down_at IS NOT NULL;

CREATE TABLE origin (
    id        INTEGER PRIMARY KEY,
    host      INTEGER NOT NULL,
    name      TEXT NOT NULL UNIQUE,
    verdict   TEXT NOT NULL DEFAULT '',
    reason    TEXT NOT NULL DEFAULT '',
    judged_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX origin_host ON origin (host);

-- Up to 512 KiB each, so apart from the rows that are read with every turn.
CREATE TABLE robots (
    origin INTEGER PRIMARY KEY,
    text   TEXT NOT NULL
);

-- Origin and keyed 64-bit fingerprint of every URL ever added.
CREATE TABLE seen (fingerprint BLOB PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE task (
    id         INTEGER PRIMARY KEY,   -- rises: first in, first out
    origin     INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    mark       INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    deaths     INTEGER NOT NULL DEFAULT 0,
    crashes    INTEGER NOT NULL DEFAULT 0,
    depth      INTEGER NOT NULL,
    hops       INTEGER NOT NULL,
    url        TEXT NOT NULL,
    first_url  TEXT,
    referrer   TEXT,
    alternates TEXT,                  -- separated by spaces, which no URL has
    due        REAL,
    reason     TEXT
);
CREATE INDEX task_waiting ON task (origin, priority) WHERE mark = 0;
CREATE INDEX task_delayed ON task (due) WHERE mark = 1;
CREATE INDEX task_dead ON task (origin) WHERE mark = 5;
CREATE INDEX task_suspect ON task (id) WHERE mark = 6;
CREATE INDEX task_robots ON task (id) WHERE kind = 0;

-- Tokens that are still good: of tasks that are leased, and (without a session) of some that wait.
CREATE TABLE lease (
    task    INTEGER PRIMARY KEY,
    token   BLOB NOT NULL,
    session TEXT,
    alone   INTEGER NOT NULL
);

CREATE TABLE session (
    id     TEXT PRIMARY KEY,
    worker BLOB NOT NULL
) WITHOUT ROWID;
