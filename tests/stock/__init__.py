"""Managers and clients of the standard library, in every Python that this machine has."""
