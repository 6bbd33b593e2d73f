"""Accuracy of the scoring: phantoms with a known truth, and real scans with a reader's score, in tables and pictures.

The phantoms are those of `coronode phantom --population`, generated one by one, scored as DICOM files and deleted.
Seeds from 100,000 on are reserved for this: no rule is trained, tuned or chosen on them. Each result is cached as soon
as it is available, so an interrupted run continues; results of any other version of the code are computed again.

    python bench/accuracy.py --phantoms 300 --jobs 2 --real ../shared/data/coca ../shared/data/others

With `--hard` the patients are those that the judgement is taught with: more look-alikes, severer ones. The output is
`accuracy.md`, `agreement.png` and `calibration.png`. Each folder of `--real` holds one folder per scan
and `reference.json` (see `evaluation/reading.py` for its format). Exit status: 1 if the software failed on a scan.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from evaluation import measures, phantoms, pictures, reading, record, report
from evaluation.scan import Scan

FIRST_SEED: Final = 100_000


def main() -> int:
    """Command line."""
    args = _arguments()
    folder = args.cache or args.out / ("cache-hard" if args.hard else "cache")
    cache = record.Cache(folder, args.matrix, record.CODE)
    try:
        readings = reading.run(reading.cases(args.real), args.jobs)
        seeds = range(args.first_seed, args.first_seed + args.phantoms)
        records, failed = phantoms.run(seeds, cache, args.jobs, hard=args.hard)
    except BrokenProcessPool:
        print("a process died, perhaps out of memory: run again with fewer --jobs to continue", file=sys.stderr)
        return 1
    except record.SourcesChanged:
        print(
            "the sources were edited during the run, so its results come from two versions: run again", file=sys.stderr
        )
        return 1
    scans = [Scan.of(item, args.matrix) for item in records]
    measured = report.Measured(_origin(args, cache.code, len(readings)), scans, failed, readings)
    text = report.markdown(measured)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "accuracy.md").write_text(text, encoding="utf-8")
    if scans:
        pictures.agreement_picture(scans, readings, args.out / report.AGREEMENT_PNG)
        pictures.calibration_picture(measures.judged(scans), args.out / report.CALIBRATION_PNG)
    print(text)
    return 1 if failed or any(item.error for item in readings) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=300, metavar="N", help="number of phantoms [default: 300]")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="SEED", help="[default: 100000]")
    parser.add_argument("--hard", action="store_true", help="patients with more that resembles coronary calcium")
    parser.add_argument("--matrix", type=int, metavar="M", help="rows and columns [default: drawn, 512 or 768]")
    parser.add_argument("--real", type=Path, nargs="+", action="extend", default=[], metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes [default: 2]")
    parser.add_argument("--out", type=Path, default=Path("out/accuracy"), metavar="DIR", help="[default: out/accuracy]")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="[default: cache in --out]")
    return parser.parse_args()


def _origin(args: argparse.Namespace, code: str, real: int) -> str:
    parts = []
    if args.phantoms:
        last = args.first_seed + args.phantoms - 1
        drawn = f"a matrix of {args.matrix}" if args.matrix else "a matrix of 512 or 768"
        parts.append(
            f"{args.phantoms} {'hard ' if args.hard else ''}phantoms (seeds {args.first_seed} to {last}, {drawn})"
        )
    if real:
        parts.append(f"{real} real scans")
    version = importlib.metadata.version("coronode")
    return f"{' and '.join(parts) or 'Nothing'}, scored by coronode {version} (sources {code})."


if __name__ == "__main__":
    sys.exit(main())
