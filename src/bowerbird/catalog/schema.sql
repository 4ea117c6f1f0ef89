-- The catalog of a crawl: what was stored, where it was seen, what it was reached by.
-- Lives in crawl.db beside the frontier's tables; every name here begins with catalog_.
--
-- A URL is known by the first 8 bytes of its BLAKE2b hash (catalog/ids.py): no look-up is needed
-- to refer to one. By chance two of 10^7 URLs share one with a likelihood of 3 in 10^6.
-- Ids of rows that can be deleted are never used again (AUTOINCREMENT): cursors stand on them.

CREATE TABLE IF NOT EXISTS catalog_meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- Rows in the order they came: by their ids, which are scattered, each would change a page of its own.
CREATE TABLE IF NOT EXISTS catalog_url (
    id INTEGER NOT NULL UNIQUE,
    url TEXT NOT NULL
) STRICT;

-- One stored image; its key is the URL that gave the bytes.
CREATE TABLE IF NOT EXISTS catalog_record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    final_id INTEGER NOT NULL UNIQUE,
    url_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    fetched_at REAL NOT NULL,
    exif_date TEXT NOT NULL,
    orientation INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- Where the bytes of a record lie. `path` is packed (catalog/paths.py).
CREATE TABLE IF NOT EXISTS catalog_holder (
    record_id INTEGER NOT NULL,
    folder TEXT NOT NULL,
    path TEXT NOT NULL,
    worker TEXT NOT NULL,
    PRIMARY KEY (record_id, folder, path)
) WITHOUT ROWID, STRICT;

-- Where an image was seen. The first 100 of an image are rows, the rest is a number.
CREATE TABLE IF NOT EXISTS catalog_sighting (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL,
    page_id INTEGER NOT NULL,
    place TEXT NOT NULL,
    alt TEXT NOT NULL,
    UNIQUE (image_id, page_id, place)
) STRICT;

CREATE TABLE IF NOT EXISTS catalog_more (
    image_id INTEGER PRIMARY KEY,
    sightings INTEGER NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS catalog_sighting_cap BEFORE INSERT ON catalog_sighting
WHEN (
    SELECT count(*) FROM (
        SELECT 1 FROM catalog_sighting WHERE image_id = NEW.image_id LIMIT 100
    )
) = 100
BEGIN
    INSERT INTO catalog_more (image_id, sightings)
    SELECT NEW.image_id, 1 WHERE NOT EXISTS (
        SELECT 1 FROM catalog_sighting
        WHERE image_id = NEW.image_id AND page_id = NEW.page_id AND place = NEW.place
    )
    ON CONFLICT DO UPDATE SET sightings = sightings + 1;
    SELECT RAISE(IGNORE);
END;

CREATE TABLE IF NOT EXISTS catalog_redirection (
    id INTEGER PRIMARY KEY,
    from_id INTEGER NOT NULL UNIQUE,
    to_id INTEGER NOT NULL,
    status INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS catalog_redirection_by_target ON catalog_redirection (to_id);

-- A task that ended without what it was for; gone again when it is put back.
CREATE TABLE IF NOT EXISTS catalog_death (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url_id INTEGER NOT NULL UNIQUE,
    first_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
