"""."""


class RobotsRules:
    """."""
