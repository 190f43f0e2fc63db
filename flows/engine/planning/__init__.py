"""What is to be made: by a person's selection, a range, an earlier run, or conditions."""
