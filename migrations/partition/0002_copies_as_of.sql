-- The number of the change log at which a copy was current; below all numbers for copies of before there was one.
ALTER TABLE copies ADD COLUMN as_of INTEGER NOT NULL DEFAULT 0;
