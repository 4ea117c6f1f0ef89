-- Statements of browse.py: hosts as people ask for them. `{order}` is one of a few fixed texts.

-- count: part of the name, state, now -> number
SELECT count(*) FROM host
WHERE (?1 = '' OR instr(name, ?1) > 0)
  AND (?2 = '' OR (?2 = 'held' AND hold_until > ?3 AND down_at IS NULL)
       OR (?2 = 'down' AND down_at IS NOT NULL))
-- page: part of the name, state, now, limit (-1: all), offset -> host
SELECT id FROM host
WHERE (?1 = '' OR instr(name, ?1) > 0)
  AND (?2 = '' OR (?2 = 'held' AND hold_until > ?3 AND down_at IS NULL)
       OR (?2 = 'down' AND down_at IS NOT NULL))
ORDER BY {order} LIMIT ?4 OFFSET ?5
