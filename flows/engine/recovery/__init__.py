"""After a loss: the warehouse made again from the lake, backups, and putting one back."""
