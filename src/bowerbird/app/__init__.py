"""Composition: the only floor that picks concrete engines, stores and queues."""
