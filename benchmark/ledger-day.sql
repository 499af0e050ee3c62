-- One day of work on the ledger: transactions of pgbench's kind, each on an account drawn at random.
.once /dev/null
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
.once /dev/null
PRAGMA secure_delete = OFF;

CREATE TEMP TABLE draw(id INTEGER PRIMARY KEY, a INTEGER);
INSERT INTO draw
WITH RECURSIVE draws(id, a) AS (
  SELECT 1, 4711 UNION ALL SELECT id + 1, (a * 1103515245 + 12345) % 2147483648 FROM draws LIMIT 1500)
SELECT id, a / 256 FROM draws;

UPDATE account SET balance = balance + d.a % 20000 - 10000 FROM draw d WHERE account.id = 1 + d.a % 500000;
INSERT INTO history
SELECT 1190000 + d.id, 1 + d.a % 500000, d.a % 20000 - 10000, datetime(1735700000 + d.id * 50, 'unixepoch'),
  substr(lower(hex(sha3(d.a))), 1, 20), 'transfer ' || (d.a % 10000)
FROM draw d;

SELECT at || '.' || printf('%03d', id % 1000) || 'Z ledger[' || (700 + account % 8) || ']: transfer ' || reference ||
  ' account=' || account || ' amount=' || amount || ' memo="' || memo || '" took ' || abs(amount % 97) || 'ms'
FROM history WHERE id > 1180000;
