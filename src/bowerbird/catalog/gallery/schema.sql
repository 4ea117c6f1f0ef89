-- The gallery's index, .bowerbird/gallery/index.db. Made from the catalog; may be deleted at any time.
-- Images are numbered from 0 in order of arrival; an image's number never changes.

-- What a filter or an order needs of 1,000 images, as rows of columns.FIELDS: a million are read in
-- 20 ms, where a million rows of a table take a second.
CREATE TABLE IF NOT EXISTS block (
    number INTEGER PRIMARY KEY,
    fields BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS image (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    url TEXT NOT NULL,
    alt TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    place INTEGER NOT NULL
) STRICT;

-- The image of a URL (catalog/ids.py): a record that was fetched anew takes the place of the old.
CREATE TABLE IF NOT EXISTS known (
    url_id INTEGER PRIMARY KEY,
    image INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS host (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The folders that hold one image, as a JSON array: few sets for many images.
CREATE TABLE IF NOT EXISTS place (
    id INTEGER PRIMARY KEY,
    folders TEXT NOT NULL UNIQUE
) STRICT;

-- Words of alt texts and file names; the texts themselves lie in `image`.
CREATE VIRTUAL TABLE IF NOT EXISTS word USING fts5 (
    text, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE IF NOT EXISTS state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID, STRICT;
