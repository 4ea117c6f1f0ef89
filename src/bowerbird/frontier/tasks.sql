-- Statements of the SQLite store. `-- name: parameters -> columns`.

-- values: -> key, value
SELECT key, value FROM meta
-- set_value: key, value
INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value
-- counters: -> name, value
SELECT name, value FROM counter
-- set_counter: name, value
INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value

-- sessions: -> id, worker
SELECT id, worker FROM session
-- keep_session: id, worker
INSERT OR REPLACE INTO session VALUES (?, ?)
-- drop_session: id
DELETE FROM session WHERE id = ?

-- place: origin's name -> origin, host
SELECT id, host FROM origin WHERE name = ?
-- places: array of names -> name, origin, host
SELECT name, id, host FROM origin WHERE name IN (SELECT value FROM carray(?))
-- host_number: name -> host
SELECT id FROM host WHERE name = ?
-- new_host: name -> host
INSERT INTO host (name) VALUES (?) RETURNING id
-- new_origin: host, name -> origin
INSERT INTO origin (host, name) VALUES (?, ?) RETURNING id
-- host: id -> facts
SELECT id, name, ifnull(delay_s, 0.0), ifnull(crawl_delay_s, 0.0), ifnull(hold_until, 0.0),
       ifnull(freed_at, -1e9), failures, down_at, probes, answered, condemned, done, dead
FROM host WHERE id = ?
-- keep_host: facts without name, id last
UPDATE host
SET delay_s = nullif(?, 0.0), crawl_delay_s = nullif(?, 0.0), hold_until = nullif(?, 0.0),
    freed_at = nullif(?, -1e9), failures = ?, down_at = ?, probes = ?, answered = ?,
    condemned = ?, done = ?, dead = ?
WHERE id = ?
-- down: -> host
SELECT id FROM host WHERE down_at IS NOT NULL
-- origins: host -> facts
SELECT id, name, verdict, reason, judged_at FROM origin WHERE host = ? ORDER BY id
-- keep_origin: verdict, reason, judged_at, id
UPDATE origin SET verdict = ?, reason = ?, judged_at = ? WHERE id = ?
-- keep_robots: origin, text
INSERT INTO robots VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text
-- drop_robots: origin
DELETE FROM robots WHERE origin = ?
-- robots: origin -> text
SELECT text FROM robots WHERE origin = ?

-- fresh: array of fingerprints -> those that are new
INSERT OR IGNORE INTO seen SELECT value FROM carray(?) RETURNING fingerprint
-- insert: all columns of a waiting task
INSERT INTO task (id, origin, kind, priority, mark, depth, hops, url, first_url, referrer, alternates)
VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)
-- last: -> the highest number
SELECT ifnull(max(id), 0) FROM task
-- take: origin, lowest and highest priority, limit -> task
SELECT id, kind, attempts, deaths, crashes, depth, hops, url, first_url, referrer, alternates
FROM task
WHERE mark = 0 AND origin = ? AND priority BETWEEN ? AND ?
ORDER BY priority, id LIMIT ?
-- suspects: limit -> task, origin, host
SELECT task.id, kind, attempts, deaths, crashes, depth, hops, url, first_url, referrer, alternates,
       task.origin, origin.host
FROM task JOIN origin ON origin.id = task.origin
WHERE mark = 6 ORDER BY task.id LIMIT ?
-- count_suspects: -> number
SELECT count(*) FROM task WHERE mark = 6
-- leases: -> task, origin, host, token, session, alone
SELECT task.id, kind, attempts, deaths, crashes, depth, hops, url, first_url, referrer, alternates,
       task.origin, origin.host, token, session, alone, mark
FROM lease JOIN task ON task.id = lease.task JOIN origin ON origin.id = task.origin
ORDER BY task.id
-- gates: -> robots task, its first URL
SELECT id, ifnull(first_url, url) FROM task WHERE kind = 0
-- waiting: -> host, tasks
SELECT host, sum(number)
FROM (SELECT origin, count(*) AS number FROM task WHERE mark = 0 GROUP BY origin) AS ready
JOIN origin ON origin.id = ready.origin
GROUP BY host ORDER BY host

-- mark_leased: array of tasks
UPDATE task SET mark = 2 WHERE id IN (SELECT value FROM carray(?))
-- hold: task, token, session, alone
INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)
-- release: array of tasks
UPDATE lease SET session = NULL WHERE task IN (SELECT value FROM carray(?))
-- spend: array of tasks
DELETE FROM lease WHERE task IN (SELECT value FROM carray(?))
-- settle: mark, array of tasks
UPDATE task SET mark = ? WHERE id IN (SELECT value FROM carray(?))
-- kill: reason, array of tasks
UPDATE task SET mark = 5, reason = ? WHERE id IN (SELECT value FROM carray(?))
-- delay: due, attempts, task
UPDATE task SET mark = 1, due = ?, attempts = ? WHERE id = ?
-- back: mark, deaths, crashes, task
UPDATE task SET mark = ?, deaths = ?, crashes = ? WHERE id = ?
-- drop: array of tasks
DELETE FROM task WHERE id IN (SELECT value FROM carray(?))

-- ripe: now, limit -> task, host, whether it is a suspect
SELECT task.id, origin.host, deaths >= 2 FROM task JOIN origin ON origin.id = task.origin
WHERE mark = 1 AND due <= ? ORDER BY due LIMIT ?
-- wake: array of tasks
UPDATE task SET mark = iif(deaths >= 2, 6, 0), due = NULL WHERE id IN (SELECT value FROM carray(?))
-- next_due: -> due
SELECT min(due) FROM task WHERE mark = 1
-- dead: host or NULL, reason or NULL, kinds as a JSON array or NULL, url or NULL, limit -> task
SELECT task.id, origin.host, kind, task.reason, url
FROM task JOIN origin ON origin.id = task.origin JOIN host ON host.id = origin.host
WHERE mark = 5 AND (?1 IS NULL OR host.name = ?1) AND (?2 IS NULL OR task.reason = ?2)
  AND (?3 IS NULL OR kind IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR url = ?4)
LIMIT ?5
-- revive: array of tasks
UPDATE task SET mark = 0, attempts = 0, deaths = 0, crashes = 0, reason = NULL
WHERE id IN (SELECT value FROM carray(?))
-- done: array of URLs -> task, host, kind; reads all tasks, since none is found by its URL
SELECT task.id, origin.host, kind FROM task JOIN origin ON origin.id = task.origin
WHERE mark = 3 AND url IN (SELECT value FROM carray(?))

-- census: -> host, kind, mark, number
SELECT host, kind, mark, count(*) FROM task JOIN origin ON origin.id = task.origin
GROUP BY host, kind, mark
-- strays: -> leased tasks without a lease, leases without a task or with a wrong mark
SELECT
    (SELECT count(*) FROM task WHERE mark = 2 AND id NOT IN (SELECT task FROM lease)),
    (SELECT count(*) FROM lease WHERE NOT EXISTS (
        SELECT 1 FROM task WHERE task.id = lease.task AND mark IN (0, 1, 2, 6)))
-- integrity: -> ok, or what is wrong
PRAGMA integrity_check
