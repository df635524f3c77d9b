"""What takes all services down at once, each time for another reason."""

from __future__ import annotations

from lab import firewall
from lab.faults import acts
from lab.faults.model import Fault, Lab

SERVICES = ("gateway", "auth", "orders", "notification")


def _close(lab: Lab) -> None:
    firewall.close(lab.config, [lab.config.ports[name] for name in SERVICES], firewall.DROP)


def _open(lab: Lab) -> None:
    firewall.open_all(lab.config)


FAULTS = (
    Fault(
        "all_dropped",
        "nothing that is sent to any service arrives: the network to them is gone",
        _close,
        _open,
        ("http.connect.timeout", "triage.network.gone"),
        scenario=None,
    ),
    Fault(
        "all_stopped",
        "every service is stopped, one by one",
        lambda lab: acts.stop(lab, *SERVICES),
        lambda lab: acts.start(lab, *reversed(SERVICES)),
        ("docker.container.not_running", "http.connect.refused"),
        # Who writes is stopped too, so there may be nothing to be behind with.
        ("kafka.lag.stopped",),
        scenario=None,
    ),
)
