-- All changes, numbered without gaps: the newest row stays, so that no number is given twice. The oldest row is only a
-- mark: the log is complete after it. Strong writes of the last minute had a table of their own before.
CREATE TABLE changes (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  shard TEXT NOT NULL,
  etag TEXT,
  version TEXT,
  uploaded INTEGER NOT NULL
);

DROP TABLE strong_changes;
