"""One file per interface: the typed representation between perception and control."""
