-- Statements of CatalogWriter. Keys make repeats harmless; the caller's transaction is around them.

-- add_url: id, url
INSERT INTO catalog_url (id, url) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- add_record: final_id, url_id and the fields of model.Record in order; answers those that are new
INSERT INTO catalog_record (
    final_id, url_id, status, type, width, height, bytes, sha256, fetched_at, exif_date,
    orientation, frames, etag, last_modified, damaged, state
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
RETURNING final_id, sha256, id, bytes;

-- add_holder: record_id, folder, path, worker; of a record that is new
INSERT INTO catalog_holder (record_id, folder, path, worker) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- add_further_holder: folder, path, worker, final_id, sha256; only where it holds these very bytes
INSERT INTO catalog_holder (record_id, folder, path, worker)
SELECT id, ?1, ?2, ?3 FROM catalog_record WHERE final_id = ?4 AND sha256 = ?5
ON CONFLICT DO NOTHING;

-- drop_holder: final_id, folder
DELETE FROM catalog_holder
WHERE record_id = (SELECT id FROM catalog_record WHERE final_id = ?) AND folder = ?;

-- add_sighting: image_id, page_id, place, alt
INSERT INTO catalog_sighting (image_id, page_id, place, alt) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- add_redirection: from_id, to_id, status
INSERT INTO catalog_redirection (from_id, to_id, status) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET to_id = excluded.to_id, status = excluded.status;

-- forget_death: url_id
DELETE FROM catalog_death WHERE url_id = ?;

-- add_death: url_id, first_id, kind, reason, detail
INSERT INTO catalog_death (url_id, first_id, kind, reason, detail) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- forget_holders: final_id
DELETE FROM catalog_holder
WHERE record_id IN (SELECT id FROM catalog_record WHERE final_id = ?);

-- forget_record: final_id; answers what went
DELETE FROM catalog_record WHERE final_id = ? RETURNING final_id, sha256, id, bytes;

-- forget_holders_of_life: final_id, fetched_at
DELETE FROM catalog_holder
WHERE record_id IN (SELECT id FROM catalog_record WHERE final_id = ? AND fetched_at = ?);

-- forget_life: final_id, fetched_at
DELETE FROM catalog_record WHERE final_id = ? AND fetched_at = ?;

-- set_meta: key, value
INSERT INTO catalog_meta (key, value) VALUES (?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value;
