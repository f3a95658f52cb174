"""Measuring what crossed the gap: the protocol, statistics, the gap, claims, and the report."""
