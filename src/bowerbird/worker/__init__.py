"""One task after another: fetch, then extract or inspect, store, say the outcome."""
