-- The same bytes stored again keep their ETag: the version tells the two writes apart.
ALTER TABLE strong_changes ADD COLUMN version TEXT;
