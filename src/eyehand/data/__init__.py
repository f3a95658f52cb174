"""Recorded episodes on disk, the journal behind them, sampling with a share per source, the ledger and the Target."""
