-- Loads the ledger: accounts and their history in the manner of pgbench, with text and references in place of its blanks.
-- Run in a folder that holds `words`. Numbers come from a linear congruential generator, so every run makes the same bytes.
PRAGMA page_size = 8192;
.once /dev/null
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
-- Freed pages keep their bytes; Debian's build would zero them.
.once /dev/null
PRAGMA secure_delete = OFF;

CREATE TEMP TABLE word(id INTEGER PRIMARY KEY, text TEXT);
CREATE TEMP TABLE line(text TEXT);
.import words line
INSERT INTO word(text) SELECT text FROM line;

CREATE TEMP TABLE draw(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER);
INSERT INTO draw
WITH RECURSIVE draws(id, a) AS (
  SELECT 1, 20250101 UNION ALL SELECT id + 1, (a * 1103515245 + 12345) % 2147483648 FROM draws LIMIT 1200000)
SELECT id, a / 256, (a * 16807) % 2147483647 / 256, (a * 48271) % 2147483647 / 256 FROM draws;

CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT, mail TEXT, balance INTEGER, opened TEXT, note TEXT);
CREATE TABLE history(id INTEGER PRIMARY KEY, account INTEGER, amount INTEGER, at TEXT, reference TEXT, memo TEXT);

INSERT INTO account
SELECT d.id, p.text || ' ' || q.text, p.text || '.' || q.text || (d.b % 1000) || '@example.org', d.c % 10000000,
  datetime(1400000000 + d.a * 30, 'unixepoch'), q.text || ' ' || r.text || ' ' || p.text || ' for ' || d.b
FROM draw d
JOIN word p ON p.id = 1 + d.a % 950 JOIN word q ON q.id = 1 + d.b % 950 JOIN word r ON r.id = 1 + d.c % 950
WHERE d.id <= 500000;

INSERT INTO history
SELECT d.id, 1 + d.a % 500000, d.b % 200000 - 100000, datetime(1735600000 + d.id / 11, 'unixepoch'),
  substr(lower(hex(sha3(d.id))), 1, 20), p.text || ' ' || q.text || ' ' || (d.c % 10000)
FROM draw d
JOIN word p ON p.id = 1 + d.b % 950 JOIN word q ON q.id = 1 + d.c % 950;

CREATE INDEX history_account ON history(account, at);
-- The pages that this frees take the rows of ledger-day.sql, so that the file keeps its size and place.
DELETE FROM history WHERE id > 1190000;

SELECT at || '.' || printf('%03d', id % 1000) || 'Z ledger[' || (700 + account % 8) || ']: transfer ' || reference ||
  ' account=' || account || ' amount=' || amount || ' memo="' || memo || '" took ' || abs(amount % 97) || 'ms'
FROM history WHERE id BETWEEN 1140001 AND 1180000;
