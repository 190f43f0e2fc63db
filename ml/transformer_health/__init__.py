"""Health index of a transformer from one oil sample, with its interval and its drivers."""
