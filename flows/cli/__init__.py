"""The command line: the only place of gridweave's orchestration that prints."""
