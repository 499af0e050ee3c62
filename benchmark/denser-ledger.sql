-- The ledger of ledger-load.sql for PostgreSQL. Run by psql -f with a list of words as its standard input.
CREATE TEMP TABLE word(id serial, text text);
\copy word(text) FROM pstdin
CREATE TABLE account(id int PRIMARY KEY, owner text, mail text, balance int, opened timestamp, note text);
CREATE TABLE history(id serial PRIMARY KEY, account int, amount int, at timestamp, reference text, memo text);
SELECT setseed(0.4711);
INSERT INTO account
SELECT d.id, p.text || ' ' || q.text, p.text || '.' || q.text || d.b || '@example.org', d.b * 7919,
  timestamp '2015-01-01' + d.b * interval '1 hour', q.text || ' ' || r.text || ' ' || p.text || ' for ' || d.b
FROM (SELECT id, (random() * 949)::int + 1 AS x, (random() * 949)::int + 1 AS y, (random() * 949)::int + 1 AS z,
    (random() * 90000)::int AS b FROM generate_series(1, 500000) id) d
JOIN word p ON p.id = d.x JOIN word q ON q.id = d.y JOIN word r ON r.id = d.z ORDER BY d.id;
INSERT INTO history(account, amount, at, reference, memo)
SELECT d.a, d.b, timestamp '2024-01-01' + d.id * interval '10 seconds', left(md5(d.id::text), 20), p.text || ' ' || q.text || ' ' || d.b % 10000
FROM (SELECT id, (random() * 499999)::int + 1 AS a, (random() * 949)::int + 1 AS x, (random() * 949)::int + 1 AS y,
    (random() * 200000)::int - 100000 AS b FROM generate_series(1, 900000) id) d
JOIN word p ON p.id = d.x JOIN word q ON q.id = d.y ORDER BY d.id;
CREATE INDEX history_account ON history(account, at);
VACUUM (FREEZE, ANALYZE);
