"""The set of all tasks of a crawl: one contract (`base`), policy once (`local`), several stores."""

from bowerbird.frontier.base import Frontier

__all__ = ["Frontier"]
