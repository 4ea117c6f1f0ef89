"""Fetch, damage, try, report: `python -m tests.broken [--fetch] [--seed 1]`."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from tests.broken import sources, truth
from tests.broken.damage import cuts, damaged, pretenders
from tests.broken.watch import HANG_S, Verdict, Watch
from tests.image_fixtures import whole

#: Mutations of each whole file of ours, and of each file of others.
OURS, THEIRS = 200, 5


class Report:
    """Counts, and every failure by name."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.odd: list[str] = []
        self.strict: list[str] = []
        self.slowest: tuple[float, str] = (0.0, "")
        self.watch = Watch()

    def look(self, part: str, name: str, body: bytes) -> Verdict:
        """One body: it must neither crash nor hang."""
        verdict = self.watch.verdict(body)
        self.tried[part] += 1
        self.verdicts[f"{part}: {verdict.reason or 'accepted'}"] += 1
        self.slowest = max(self.slowest, (verdict.wall_s, f"{part} {name}"))
        if verdict.reason in ("crash", "hang", "decoder-died"):
            self.fail(verdict.reason, part, name, body, verdict.words)
        elif verdict.wall_s > HANG_S:
            self.fail(f"took {verdict.wall_s:.1f} s", part, name, body, verdict.words)
        return verdict

    def fail(self, what: str, part: str, name: str, body: bytes, words: str = "") -> None:
        """Note it, and keep the body."""
        kept = sources.WORK / "failures" / f"{len(self.failures):04}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(body)
        self.failures.append(f"{what}: {part} {name} {words} [{kept}]")
        print("FAILURE", self.failures[-1], flush=True)

    def judge(self, part: str, name: str, body: bytes, verdict: Verdict) -> None:
        """What was accepted must be what others see, if they see anything. That Pillow refuses
        it all the same is noted, to be looked at: it is strict about what no pixel depends on."""
        if verdict.type == "svg":
            return
        theirs, pixels = truth.type_of(body), truth.pixels_of(body)
        if isinstance(pixels, str):
            self.odd.append(f"{part}: accepted as {verdict.type}, Pillow: {pixels}: {name}")
        if theirs and verdict.type != theirs:
            self.fail(f"accepted as {verdict.type}, Pillow: {theirs!r}", part, name, body)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.broken", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="fetch the source packages first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", default="files,cuts,damaged,ours,pretenders")
    options = parser.parse_args(arguments)
    if options.fetch:
        sources.fetch()
    report, parts = Report(), options.parts.split(",")
    packages = sources.harvest()
    accepted = _files(report, packages) if "files" in parts else []
    if "cuts" in parts:
        _cuts(report, accepted, options.seed)
    if "damaged" in parts:
        _damaged(report, accepted, options.seed)
    if "ours" in parts:
        _ours(report, options.seed)
    if "pretenders" in parts:
        _pretenders(report)
    report.watch.close()
    _print(report, packages, options.seed)
    return min(len(report.failures), 1)


def _files(report: Report, packages: dict[str, list[Path]]) -> list[tuple[Path, str]]:
    """Every file of others as it is; those that pass."""
    accepted = []
    for path in (path for files in packages.values() for path in files):
        body = path.read_bytes()
        verdict = report.look("files", str(path), body)
        if not verdict.type:
            if verdict.reason in ("truncated", "corrupt") and truth.is_drawn(body):
                report.strict.append(f"{verdict.words}: {path}")
            continue
        accepted.append((path, verdict.type))
        report.judge("files", str(path), body, verdict)
    return accepted


def _cuts(report: Report, accepted: list[tuple[Path, str]], seed: int) -> None:
    """Whole files cut short: none may pass that lacks a part of its image."""
    for path, kind in accepted:
        body = path.read_bytes()
        for length in cuts(body, seed):
            _cut(report, f"{path} at {length} of {len(body)}", kind, body, length)


def _cut(report: Report, name: str, kind: str, body: bytes, length: int) -> None:
    verdict = report.look("cuts", name, body[:length])
    if not verdict.type or length >= truth.end_of(kind, body):
        return
    if kind in ("tiff", "ico", "svg") and _same_pixels(body, body[:length]):
        return  # what is missing belongs to no picture
    report.fail("cut and accepted", "cuts", name, body[:length])


def _same_pixels(body: bytes, cut: bytes) -> bool:
    ours = truth.pixels_of(cut)
    return not isinstance(ours, str) and ours == truth.pixels_of(body)


def _damaged(report: Report, accepted: list[tuple[Path, str]], seed: int) -> None:
    for number, (path, _) in enumerate(accepted):
        for body in damaged(path.read_bytes(), THEIRS, seed + number):
            verdict = report.look("damaged", str(path), body)
            if verdict.type:
                report.judge("damaged", str(path), body, verdict)


def _ours(report: Report, seed: int) -> None:
    for name, body in whole().items():
        kind = name.split()[0]
        for length in range(len(body)):
            _cut(report, f"{name} at {length} of {len(body)}", kind, body, length)
        for broken in damaged(body, OURS, seed):
            verdict = report.look("ours", name, broken)
            if verdict.type:
                report.judge("ours", name, broken, verdict)


def _pretenders(report: Report) -> None:
    for name, body in pretenders().items():
        verdict = report.look("pretenders", name, body)
        if verdict.type:
            report.judge("pretenders", name, body, verdict)


def _print(report: Report, packages: dict[str, list[Path]], seed: int) -> None:
    summary = {
        "seed": seed,
        "files of others": {name: len(files) for name, files in packages.items()},
        "tried": dict(report.tried),
        "verdicts": dict(sorted(report.verdicts.items())),
        "slowest": report.slowest,
        "accepted though Pillow refuses": report.odd,
        "refused though Pillow draws it": report.strict,
        "failures": report.failures,
    }
    (sources.WORK / "report.json").write_text(json.dumps(summary, indent=1))
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
