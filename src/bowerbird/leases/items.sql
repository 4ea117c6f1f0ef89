-- Statements of the SQLite items. `-- name: parameters -> columns`.

-- queues: -> id, name, terms
SELECT id, name, terms FROM queue
-- keep_queue: name, terms -> id
INSERT INTO queue (name, terms) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET terms = excluded.terms RETURNING id

-- count: queue -> state, number
SELECT state, count(*) FROM item WHERE queue = ? GROUP BY state
-- count_dead: queue -> number
SELECT count(*) FROM dead WHERE queue = ?
-- last_lot: -> number
SELECT ifnull(max(number), 0) FROM lot
-- lots: queue -> token, lease_s, items
SELECT token, lease_s, items FROM lot WHERE queue = ? ORDER BY number
-- named: array of ids -> id, rank, state, attempts
SELECT id, rank, state, attempts FROM item WHERE id IN (SELECT value FROM carray(?))

-- add: queue, rank, state, due_at, data
INSERT INTO item (queue, rank, state, attempts, due_at, data) VALUES (?, ?, ?, 0, ?, ?)
-- take: queue, limit -> id, rank, attempts, data
SELECT id, rank, attempts, data FROM item WHERE queue = ? AND state = 0 ORDER BY rank, id LIMIT ?
-- mark_leased: array of ids
UPDATE item SET state = 2, attempts = attempts + 1 WHERE id IN (SELECT value FROM carray(?))
-- add_lot: token, queue, number, lease_s, items
INSERT INTO lot VALUES (?, ?, ?, ?, ?)
-- drop_lot: token
DELETE FROM lot WHERE token = ?
-- back: state, attempts, due_at, id
UPDATE item SET state = ?, attempts = ?, due_at = ? WHERE id = ?
-- remove: array of ids
DELETE FROM item WHERE id IN (SELECT value FROM carray(?))
-- bury: why, died_at, id
INSERT INTO dead SELECT id, queue, rank, attempts, ?, ?, data FROM item WHERE id = ?
-- ripe: queue, now -> id
UPDATE item SET state = 0 WHERE queue = ? AND state = 1 AND due_at <= ? RETURNING id
-- next_due: queue -> due_at
SELECT min(due_at) FROM item WHERE queue = ? AND state = 1

-- dead: queue, id, limit -> id, data, attempts, why, died_at
SELECT id, data, attempts, why, died_at FROM dead WHERE queue = ? AND id > ? ORDER BY id LIMIT ?
-- dead_ids: queue -> id
SELECT id FROM dead WHERE queue = ?
-- dead_named: queue, array of ids -> id
SELECT id FROM dead WHERE queue = ? AND id IN (SELECT value FROM carray(?))
-- revive: array of ids; the new ones are others, since lots may still name the old
INSERT INTO item (queue, rank, state, attempts, data)
SELECT queue, rank, 0, 0, data FROM dead WHERE id IN (SELECT value FROM carray(?)) ORDER BY id
-- forget: array of ids
DELETE FROM dead WHERE id IN (SELECT value FROM carray(?))

-- integrity: -> complaint
PRAGMA quick_check
