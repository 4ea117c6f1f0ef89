-- Statements of CatalogReader and of the check after an unclean boot. {record} stands for the
-- statement of that name.

-- record: what those begin with that read records; columns as in model.Record, after the row id
SELECT
    r.id, u.url, f.url, r.status, r.type, r.width, r.height, r.bytes, lower(hex(r.sha256)),
    r.fetched_at, r.exif_date, r.orientation, r.frames, r.etag, r.last_modified, r.damaged, r.state
FROM catalog_record AS r
JOIN catalog_url AS u ON u.id = r.url_id
JOIN catalog_url AS f ON f.id = r.final_id

-- records: after row id, limit
{record}
WHERE r.id > ? ORDER BY r.id LIMIT ?;

-- holders: first and last row id of records
SELECT record_id, folder, path, worker FROM catalog_holder
WHERE record_id BETWEEN ? AND ? ORDER BY record_id, folder, path;

-- sightings: after row id, limit
SELECT s.id, i.url, p.url, s.place, s.alt
FROM catalog_sighting AS s
JOIN catalog_url AS i ON i.id = s.image_id
JOIN catalog_url AS p ON p.id = s.page_id
WHERE s.id > ? ORDER BY s.id LIMIT ?;

-- redirections: after row id, limit
SELECT m.id, a.url, b.url, m.status
FROM catalog_redirection AS m
JOIN catalog_url AS a ON a.id = m.from_id
JOIN catalog_url AS b ON b.id = m.to_id
WHERE m.id > ? ORDER BY m.id LIMIT ?;

-- deaths: after row id, limit
SELECT d.id, u.url, f.url, d.kind, d.reason, d.detail
FROM catalog_death AS d
JOIN catalog_url AS u ON u.id = d.url_id
JOIN catalog_url AS f ON f.id = d.first_id
WHERE d.id > ? ORDER BY d.id LIMIT ?;

-- seen: first and last row id of records; their sightings, under all URLs that lead to them
-- UNION keeps each pair (record, URL, hops) once and hops end at 10, so loops end too. A record's first
-- URL leads to it as well: where that died and another size was stored, no redirection says so.
WITH RECURSIVE leads (record_id, url_id, hops) AS (
    SELECT id, final_id, 0 FROM catalog_record WHERE id BETWEEN ?1 AND ?2
    UNION
    SELECT id, url_id, 1 FROM catalog_record WHERE id BETWEEN ?1 AND ?2
    UNION
    SELECT leads.record_id, m.from_id, leads.hops + 1
    FROM leads JOIN catalog_redirection AS m ON m.to_id = leads.url_id
    WHERE leads.hops < 10
),
led (record_id, url_id, hops) AS (
    SELECT record_id, url_id, min(hops) FROM leads GROUP BY record_id, url_id
)
SELECT led.record_id, i.url, p.url, s.place, s.alt
FROM led
JOIN catalog_sighting AS s ON s.image_id = led.url_id
JOIN catalog_url AS i ON i.id = s.image_id
JOIN catalog_url AS p ON p.id = s.page_id
ORDER BY led.record_id, led.hops, s.id;

-- more: first and last row id of records; sightings of theirs that were counted only
WITH RECURSIVE leads (record_id, url_id, hops) AS (
    SELECT id, final_id, 0 FROM catalog_record WHERE id BETWEEN ?1 AND ?2
    UNION
    SELECT id, url_id, 1 FROM catalog_record WHERE id BETWEEN ?1 AND ?2
    UNION
    SELECT leads.record_id, m.from_id, leads.hops + 1
    FROM leads JOIN catalog_redirection AS m ON m.to_id = leads.url_id
    WHERE leads.hops < 10
)
SELECT l.record_id, sum(c.sightings)
FROM (SELECT DISTINCT record_id, url_id FROM leads) AS l
JOIN catalog_more AS c ON c.image_id = l.url_id
GROUP BY l.record_id;

-- folders: what holders call folders, and one object of each
SELECT h.folder, h.path, lower(hex(r.sha256)), min(h.record_id)
FROM catalog_holder AS h JOIN catalog_record AS r ON r.id = h.record_id GROUP BY h.folder;

-- totals: JSON array of folders that are none of ours although they are called so
SELECT
    (SELECT count(*) FROM catalog_record),
    (SELECT coalesce(sum(bytes), 0) FROM catalog_record),
    (SELECT count(DISTINCT sha256) FROM catalog_record WHERE sha256 <> x''),
    (SELECT count(*) FROM catalog_sighting)
    + (SELECT coalesce(sum(sightings), 0) FROM catalog_more),
    (SELECT count(*) FROM catalog_redirection),
    (SELECT count(*) FROM catalog_death),
    CASE WHEN ?1 <> '[]' OR EXISTS (SELECT 1 FROM catalog_holder WHERE folder LIKE 'file://%')
    THEN (
        SELECT count(DISTINCT r.sha256) FROM catalog_holder AS h
        JOIN catalog_record AS r ON r.id = h.record_id
        WHERE h.folder NOT LIKE 'file://%' AND h.folder NOT IN (SELECT value FROM json_each(?1))
    ) END;

-- recent: seconds before the newest record, and the time that none is later than
{record}
WHERE r.id >= (
    SELECT min(id) FROM catalog_record
    WHERE fetched_at >= (SELECT min(max(fetched_at), ?2) FROM catalog_record) - ?1
) ORDER BY r.id;

-- contents: array of digests
{record}
WHERE r.sha256 IN (SELECT value FROM carray(?)) ORDER BY r.id;

-- of_url: final URL
{record}
WHERE r.final_id = ?;

-- pages: image
SELECT p.url FROM catalog_sighting AS s JOIN catalog_url AS p ON p.id = s.page_id
WHERE s.image_id = ? ORDER BY s.id;

-- fate: URL; where it led, and the reason of its death there. A death with a way on is none.
WITH RECURSIVE way (url_id, hops) AS (
    SELECT ?1, 0
    UNION
    SELECT m.to_id, way.hops + 1
    FROM way JOIN catalog_redirection AS m ON m.from_id = way.url_id
    WHERE way.hops < 10
)
SELECT u.url, '', 0 AS dead FROM way
JOIN catalog_record AS r ON r.final_id = way.url_id JOIN catalog_url AS u ON u.id = r.final_id
UNION ALL
SELECT u.url, d.reason, 1 FROM way
JOIN catalog_death AS d ON d.url_id = way.url_id JOIN catalog_url AS u ON u.id = d.url_id
WHERE NOT EXISTS (SELECT 1 FROM catalog_redirection AS m WHERE m.from_id = d.url_id)
ORDER BY dead LIMIT 1;

-- last_sighting: -> its row id
SELECT ifnull(max(id), 0) FROM catalog_sighting;

-- described: after and up to row ids of sightings -> records to which those with a text lead
WITH RECURSIVE leads (url_id, hops) AS (
    SELECT DISTINCT image_id, 0 FROM catalog_sighting WHERE id > ?1 AND id <= ?2 AND alt <> ''
    UNION
    SELECT m.to_id, leads.hops + 1
    FROM leads JOIN catalog_redirection AS m ON m.from_id = leads.url_id
    WHERE leads.hops < 10
)
SELECT DISTINCT r.id FROM leads JOIN catalog_record AS r ON r.final_id = leads.url_id;

-- latest_deaths: reason, so many of the newest are looked through, limit
SELECT d.id, u.url, f.url, d.kind, d.reason, d.detail
FROM (
    SELECT * FROM catalog_death
    WHERE reason = ?1 AND id > (SELECT ifnull(max(id), 0) FROM catalog_death) - ?2
    ORDER BY id DESC LIMIT ?3
) AS d
JOIN catalog_url AS u ON u.id = d.url_id
JOIN catalog_url AS f ON f.id = d.first_id
ORDER BY d.id DESC;

-- first_and_last: -> when the first and the last record were fetched
SELECT min(fetched_at), max(fetched_at) FROM catalog_record;

-- over_time: seconds -> number of the stretch of so many seconds, its records, their bytes
SELECT CAST(fetched_at / ?1 AS INTEGER) AS stretch, count(*), sum(bytes)
FROM catalog_record GROUP BY stretch ORDER BY stretch;

-- get_meta: key
SELECT value FROM catalog_meta WHERE key = ?;
