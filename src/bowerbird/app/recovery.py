"""Taking a crawl up again, whatever ended its last run: a kill, or the machine going down."""

from threading import Thread

from bowerbird.catalog import CatalogReader, CatalogWriter, boot_now, last_boot, note_boot
from bowerbird.catalog.recent import DOUBT_S
from bowerbird.frontier.database import mapped_errors
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.store import FileStore, sha256_in


def recover(frontier: SqliteFrontier, store: FileStore, *, doubt: bool = True) -> tuple[str, ...]:
    """Mend what an unclean end may have left; what there is to say of it, nothing as a rule.

    On the frontier's thread, before any worker is there. Without `--durable` the files of the last
    minute before the machine went down may never have reached the disk: they are read again.
    """
    # A walk over 10^6 names takes a second: nobody waits for it.
    Thread(target=store.sweep, name="sweep", daemon=True).start()
    with mapped_errors():
        reader, boot = CatalogReader(frontier.connection), boot_now()
        last, said = last_boot(reader), tuple[str, ...]()
        if last and boot.is_same(last):
            return said
        if last:
            frontier.rest()
            said = _mend(frontier, reader, store) if doubt else said
        note_boot(CatalogWriter(frontier.connection), boot)
    frontier.make_room()  # synced: a machine that goes down now finds that it did
    return said


def _mend(frontier: SqliteFrontier, reader: CatalogReader, store: FileStore) -> tuple[str, ...]:
    from bowerbird.manager.here import is_held_away
    from bowerbird.manager.verify import doubtful  # after an unclean boot only

    recent = reader.recent(DOUBT_S, frontier.books.closed_at)
    bad = {one.path for one in doubtful(recent, store)}
    for path in bad:
        store.remove(path)
    # Older records of the same contents lose their file with it, those that no worker holds.
    sharing = [one for one in reader.of_contents(map(sha256_in, bad)) if not is_held_away(one)]
    frontier.refetch([record.final_url for record in sharing])
    said = f"The machine went down since the last run: {len(recent)} newest images were checked"
    if not bad:
        return (f"{said}, all are whole.",)
    return (f"{said}, {len(sharing)} had no whole file and are fetched anew.",)
