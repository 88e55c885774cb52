"""Recorded drives."""
