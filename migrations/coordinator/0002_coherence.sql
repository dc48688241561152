-- Partitions that may hold copies: known before their lease is granted, so that no restart forgets one.
CREATE TABLE members (
  partition TEXT PRIMARY KEY,
  region TEXT NOT NULL,
  seen INTEGER NOT NULL
);

-- Strong writes of the last minute, for partitions that come back.
CREATE TABLE strong_changes (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  shard TEXT NOT NULL,
  etag TEXT,
  uploaded INTEGER NOT NULL
);
