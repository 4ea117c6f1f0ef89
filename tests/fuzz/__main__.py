"""Run targets under atheris: `python -m tests.fuzz [TARGET…] --minutes 10`.

Each target runs in a process of its own. What it finds lies in `.fuzz/TARGET/` as `crash-…`,
`timeout-…` or `oom-…`, and once mended belongs into `tests/fuzz/corpus/TARGET/`. The last line
of each says how long it ran and how many inputs it tried.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.target import CORPUS

if TYPE_CHECKING:
    from tests.fuzz.target import Target

#: One input, in wall seconds; a page of 4 KB takes a millisecond.
TIMEOUT_S = 5
#: Of the process with all that it has imported, in MiB.
MEMORY_MIB = 1_024
WORK = Path(".fuzz")
#: What a process is started for, as its first argument.
_CHILD = "--in-this-process"


def main(arguments: list[str]) -> int:
    if arguments[:1] == [_CHILD]:
        return fuzz(arguments[1], arguments[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--list", action="store_true", help="name the targets")
    options = parser.parse_args(arguments)
    from tests.fuzz.targets import TARGETS

    if options.list:
        print(*TARGETS, sep="\n")
        return 0
    return max([run(name, options.minutes) for name in options.targets or TARGETS])


def run(name: str, minutes: float) -> int:
    """One target in a process; prints how it went, answers its exit status."""
    work = WORK / name
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (work / "log").open("wb") as log:
        status = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz",
                _CHILD,
                name,
                f"-max_total_time={minutes * 60:.0f}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    took_s = time.monotonic() - started
    tried = re.findall(rb"number_of_executed_units: (\d+)", (work / "log").read_bytes())
    count = int(tried[-1]) if tried else 0
    verdict = "nothing found" if status == 0 else f"FOUND something: {work}/log"
    print(f"{name}: {took_s:.0f} s, {count:,} inputs, {verdict}", flush=True)
    return min(status, 1) if status >= 0 else 1


def fuzz(name: str, options: list[str]) -> int:
    """Run a target in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["bowerbird", "protego"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS

        target = TARGETS[name]
        for body in target.seeds():  # loads what is loaded when first needed
            target.check(body)
    work = WORK / name
    limits = [f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MIB}", f"-max_len={target.most}"]
    told = [f"-artifact_prefix={work}/", "-print_final_stats=1", *_words(target, work)]
    atheris.Setup([name, *options, *limits, *told, *_folders(target, work)], target.check)
    atheris.Fuzz()
    return 0


def _folders(target: "Target", work: Path) -> list[str]:
    """Where inputs come from; the first takes what turns out to be interesting."""
    inputs = work / "inputs"
    inputs.mkdir(exist_ok=True)
    for number, body in enumerate(target.seeds()):
        (inputs / f"seed-{number}").write_bytes(body)
    return [str(folder) for folder in (inputs, CORPUS / target.name) if folder.is_dir()]


def _words(target: "Target", work: Path) -> list[str]:
    if not target.words:
        return []
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words)
    (work / "words").write_text("".join(lines))
    return [f"-dict={work / 'words'}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
