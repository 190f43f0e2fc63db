"""What keeps running beside the runs says of itself: how it stands, and what happened to it."""
