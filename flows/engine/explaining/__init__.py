"""`gridweave why`: the rows behind a row, proven by making it again from them. Reads the published snapshot only."""
