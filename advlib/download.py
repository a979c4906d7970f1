"""What an address sends, piece by piece."""

import time
import urllib.request
from queue import Empty, Queue
from threading import Thread

from tqdm.auto import tqdm

PATIENCE, LEAST = 20, 200_000  # a download that brings fewer bytes in so many seconds would take a quarter of an hour


def pieces(url, what, start=0):
    """What an address sends, as it comes, behind a progress bar; one that sends next to nothing is given up.

    Parameters
    ----------
    url, what : str
        An address; and what stands there, for the bar.
    start : int
        So many bytes are here already.

    Yields
    ------
    bytes

    Raises
    ------
    OSError
        The connection failed, broke off, or brought fewer than LEAST bytes in PATIENCE seconds.
    """
    come = Queue(100)  # one that is broken off here comes to a halt there
    bar = tqdm(unit="B", unit_scale=True, desc=f"Downloading {what}", initial=start)
    asked = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})

    def read():  # apart: a connection that hangs cannot be broken off, but it can be left
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                here = start if answer.status == 206 else 0  # there are servers that send the whole again
                bar.total = here + answer.length if answer.length else None
                come.put(here)
                while piece := answer.read1(2**16):
                    come.put(piece)
                if answer.length:
                    raise OSError(f"the connection broke off {answer.length:,} bytes before the end")
            come.put(None)
        except Exception as why:
            come.put(why)

    Thread(target=read, daemon=True).start()
    with bar:
        here, before, until = 0, 0, time.monotonic() + PATIENCE
        while True:
            try:
                piece = come.get(timeout=max(0, until - time.monotonic()))
            except Empty:
                if here - before < LEAST:
                    raise OSError(f"given up: only {here - before:,} bytes came in {PATIENCE} s") from None
                before, until = here, time.monotonic() + PATIENCE
                continue
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise OSError(str(piece)) from piece
            if isinstance(piece, int):
                here = before = piece
                continue
            new = piece[max(0, start - here) :]
            here += len(piece)
            if new:
                yield new
                bar.update(len(new))
