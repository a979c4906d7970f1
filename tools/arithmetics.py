"""Run the tests and notebooks as machines of other makes would compute them.

    python3 tools/arithmetics.py [what to give to pytest]

A processor with other instructions, and another number of threads, add in another order.  Each setting below stands for
some; under each of them everything has to pass, with every recorded number compared.  Without arguments it takes all
tests and notebooks, six times as long as course.py test.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "as it is": {},
    "without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "one thread": {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    "four threads": {"TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "4"},
}


def main(*arguments):
    failed = 0
    for name, setting in SETTINGS.items():
        began = time.monotonic()
        run = subprocess.run(
            [sys.executable, ROOT / "course.py", "test", "-q", *arguments],
            cwd=ROOT, env=os.environ | setting, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        failed += run.returncode != 0
        lines = run.stdout.strip().splitlines() or ["nothing was printed"]
        told = [line for line in lines if line.startswith(("FAILED", "ERROR")) or "not compared" in line]
        print(f"{name:14} {lines[-1]}  ({time.monotonic() - began:.0f} s)", *told, sep="\n    ", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
