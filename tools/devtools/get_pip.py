"""Stands in for get-pip.py, which ansible-test fetches from a host of its own when it makes an environment.

Python brings a pip with it (ensurepip); that one installs what was asked for from the package index that pip is set to.
"""

from __future__ import annotations

import subprocess
import sys

NOT_PIPS_OWN = ("--no-setuptools", "--no-wheel")

if __name__ == "__main__":
    # In a process of its own: ensurepip switches off pip's configuration for whatever runs after it.
    subprocess.run([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL, check=True)
    arguments = [argument for argument in sys.argv[1:] if argument not in NOT_PIPS_OWN]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *arguments]))
