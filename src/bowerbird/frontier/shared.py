"""What the parts of one frontier share."""

from dataclasses import dataclass, field

from bowerbird.frontier.books import Books
from bowerbird.frontier.hosts import Hosts
from bowerbird.frontier.ring import Ring
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sessions import Sessions
from bowerbird.frontier.tasks import Finds, TaskStore


@dataclass(slots=True, frozen=True)
class Shared:
    """The store, and what is known of it in memory."""

    store: TaskStore
    rules: Rules
    books: Books
    hosts: Hosts
    ring: Ring = field(default_factory=Ring)
    sessions: Sessions = field(default_factory=Sessions)
    finds: Finds = field(default_factory=Finds)  #: not in the catalog yet
