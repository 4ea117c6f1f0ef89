"""A website of named, misbehaving resources, on a port of loopback's choice.

In a test: `with Site() as site: ... site.url("/truncated")`. By hand: `python -m tests.site`.
"""

from tests.site.server import Arrival, Site

__all__ = ["Arrival", "Site"]
