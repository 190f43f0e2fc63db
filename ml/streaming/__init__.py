"""The streaming scorer: messages of a broker in, scores of event-time windows out, each effect exactly once."""
