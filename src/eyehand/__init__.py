"""Train vision-based robot policies in simulation and carry them across the reality gap."""

__version__ = "0.1.0"
