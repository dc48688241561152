-- The learned model as a few blobs, in parts under the platform's 2 MB a value: never a row a pair.
CREATE TABLE blobs (
  name TEXT NOT NULL,
  part INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (name, part)
);

-- Queue messages that failed for good, for people to look at.
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  queue TEXT NOT NULL,
  fault TEXT NOT NULL,
  body TEXT NOT NULL
);
