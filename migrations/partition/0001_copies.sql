-- Copies of shards that outlive the memory of the object, in chunks well under the platform's 2 MB a value.
CREATE TABLE copies (
  copy INTEGER PRIMARY KEY,
  shard TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  meta TEXT NOT NULL,
  validated_at INTEGER NOT NULL
);

CREATE TABLE chunks (
  copy INTEGER NOT NULL,
  position INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (copy, position)
);

-- Small documents, such as the settings last heard of.
CREATE TABLE documents (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
);
