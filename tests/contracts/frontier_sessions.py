"""."""


class SessionRules:
    """."""
