"""Row-level lineage: which rows of an upstream can stand behind given rows. Pure; SQL texts, no connection."""
