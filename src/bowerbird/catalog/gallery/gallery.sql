-- Statements of GalleryIndex.

-- add_image: id, record, url, alt, sha256, place
INSERT INTO image (id, record, url, alt, sha256, place) VALUES (?, ?, ?, ?, ?, ?);

-- add_words: id, text
INSERT INTO word (rowid, text) VALUES (?, ?);

-- drop_words: id, the text that was added
INSERT INTO word (word, rowid, text) VALUES ('delete', ?, ?);

-- alt_of: id
SELECT alt FROM image WHERE id = ?;

-- set_alt: alt, id
UPDATE image SET alt = ? WHERE id = ?;

-- known: url_id
SELECT image FROM known WHERE url_id = ?;

-- know: url_id, image
INSERT INTO known (url_id, image) VALUES (?, ?)
ON CONFLICT DO UPDATE SET image = excluded.image;

-- host: name
INSERT INTO host (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id;

-- place: folders
INSERT INTO place (folders) VALUES (?) ON CONFLICT DO UPDATE SET folders = folders RETURNING id;

-- put_block: number, fields
INSERT INTO block (number, fields) VALUES (?, ?)
ON CONFLICT DO UPDATE SET fields = excluded.fields;

-- blocks_after: first number
SELECT count(*) FROM block WHERE number >= ?;

-- blocks: first number
SELECT fields FROM block WHERE number >= ? ORDER BY number;

-- images: array of ids
SELECT i.id, i.record, i.url, i.alt, lower(hex(i.sha256)), p.folders
FROM image AS i JOIN place AS p ON p.id = i.place
WHERE i.id IN (SELECT value FROM carray(?));

-- with_words: what FTS5 is asked, images before this one; ids with commas: 10^6 rows cost too much
SELECT group_concat(rowid) FROM word WHERE word MATCH ? AND rowid < ?;

-- hosts_with: part of a name
SELECT id FROM host WHERE instr(name, ?) > 0;

-- names_with: part of a name, limit; those that begin with it first
SELECT name FROM host WHERE instr(name, ?1) > 0 AND name <> ''
ORDER BY instr(name, ?1), name LIMIT ?2;

-- hosts_ranked
SELECT id FROM host ORDER BY name;

-- host_names: array of ids
SELECT id, name FROM host WHERE id IN (SELECT value FROM carray(?));

-- get_state: key
SELECT value FROM state WHERE key = ?;

-- set_state: key, value
INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value;
