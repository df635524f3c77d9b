"""A process that asks for something over HTTP, many times at once: `python -m lab.http_holder READY`.

What is wanted comes as JSON on its standard input. It writes READY once every worker has asked, and stops by itself.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMEOUT = 5.0
LONGEST = 600.0
"""Seconds after which it stops, whoever forgot it."""


def ask(wanted: dict[str, Any], worker: int, asked: threading.Barrier) -> None:
    end, number = time.monotonic() + LONGEST, 0
    while time.monotonic() < end:
        url = wanted["url"].format(worker=worker, number=number)
        if number == 1:
            asked.wait()
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=TIMEOUT).close()
        number += 1


def main() -> None:
    wanted = json.load(sys.stdin)
    asked = threading.Barrier(wanted["workers"] + 1)
    for worker in range(wanted["workers"]):
        threading.Thread(target=ask, args=(wanted, worker, asked), daemon=True).start()
    asked.wait()
    ready = Path(sys.argv[1])
    new = ready.with_suffix(".new")
    new.write_text(json.dumps({"workers": wanted["workers"]}))
    new.replace(ready)
    time.sleep(LONGEST)


if __name__ == "__main__":
    main()
