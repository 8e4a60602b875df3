"""Work through many micrographs on the machines of a dask cluster."""

from __future__ import annotations

import ipaddress
import logging
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.workflow.applying.field import FieldProblem, FieldResult, FieldTask
from poregui.workflow.applying.pool import (
    ENDED_ITS_PROCESS,
    STEPS,
    Applied,
    Progress,
    applied_of,
    left_text,
    take_up,
    tidy,
    time_left,
    work_on,
)

_LOOK_S = 0.1
_ANSWER_S = 10
"""How long a scheduler may take to answer, and a shared folder to show what
another machine wrote.
"""
_LOOK_FOR_WORKERS_S = 5
_WITHOUT_WORKERS_S = 60
_RESUME = "Finished micrographs are kept. Run apply again to continue."
_NOT_SHARED = (
    "A worker wrote its results, but they are not in {folder}. It must be the same folder on all "
    "machines."
)


@dataclass(frozen=True)
class Scheduler:
    """Hold the address of a dask scheduler, and the TLS files that are used in the place of dask's
    configuration.
    """

    address: str
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def checked(self) -> Scheduler:
        """Return it with its protocol written out.

        Raises PoreguiError when the address is none, when it is of another machine and not
        encrypted, or when a TLS file is missing.
        """
        if "://" in self.address:
            address = self.address
        else:
            address = f"tcp://{self.address}"
        protocol, _, rest = address.partition("://")
        host, _, port = rest.rpartition(":")
        if protocol not in ("tcp", "tls") or not host or not port.isdecimal():
            raise PoreguiError(
                f"{self.address} is not the address of a scheduler.",
                "Give one such as tls://cluster.example:8786.",
            )
        if protocol == "tcp" and not _of_this_machine(host):
            raise PoreguiError(
                f"{host} is another machine, and tcp:// would let anyone on the "
                "network read and change the work.",
                f"Start the scheduler and its workers with TLS and give tls://{rest}.",
            )
        for path in (self.tls_ca, self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise PoreguiError(f"The TLS file {path} is missing.", "Check its path.")
        return replace(self, address=address)


def apply_on_cluster(
    tasks: Sequence[FieldTask],
    scheduler: Scheduler,
    *,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Applied:
    """Do what `apply_all` does on the workers of a dask scheduler, which read and write the files
    themselves.

    So the paths of `tasks` must be absolute and mean the same files on every machine. When a worker
    dies, its micrographs go to the others; files are written beside and then put in place, so two
    workers may even do the same one. Raises PoreguiError when the address is not safe, when the
    scheduler does not answer or has no workers, when they have another version of poregui, or when
    the extra `cluster` is not installed.
    """
    scheduler = scheduler.checked()
    found = take_up(tasks)
    taken_up = sum(isinstance(one, FieldResult) for one in found.values())
    stopped = False
    worked_on = [task for index, task in enumerate(tasks) if index not in found]
    if worked_on:
        with _client(scheduler) as client:
            _check_workers(client, scheduler)
            stopped = _work_through(client, tasks, found, progress, cancelled)
        if not stopped:
            tidy(worked_on)
    return applied_of(found, taken_up, stopped)


def _of_this_machine(host: str) -> bool:
    plain = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(plain).is_loopback
    except ValueError:
        return plain == "localhost"


@contextmanager
def _client(scheduler: Scheduler) -> Iterator[Any]:
    """Connect to a scheduler; the library's own messages are kept back, for its errors become
    sentences here.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise PoreguiError(
            f"Work on a cluster needs {error.name}, which is not installed.",
            "Install it with pip install 'poregui[cluster]', or leave --scheduler out to work on "
            "this machine.",
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # about other versions of its own packages, which the check below covers
        try:
            client = Client(
                scheduler.address,
                security=_security(scheduler),
                timeout=_ANSWER_S,
                set_as_default=False,
                name="poregui",
            )
        except (OSError, ValueError) as error:
            raise PoreguiError(
                f"The scheduler {scheduler.address} does not respond ({_reason(error)}).",
                "Check the address and its TLS files, and that it runs.",
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=_ANSWER_S)


def _security(scheduler: Scheduler) -> Any:
    """Return what proves to a scheduler with TLS who we are, None for one without."""
    if scheduler.address.startswith("tcp://"):
        return None
    from distributed.security import Security

    files = {
        "tls_ca_file": scheduler.tls_ca,
        "tls_client_cert": scheduler.tls_cert,
        "tls_client_key": scheduler.tls_key,
    }
    security = Security(
        require_encryption=True,
        **{name: str(path) for name, path in files.items() if path is not None},
    )
    if security.tls_ca_file is None or security.tls_client_cert is None:
        raise PoreguiError(
            "A tls:// address needs the certificate of an authority and one of your own.",
            "Give --tls-ca and --tls-cert (and --tls-key), or set them in dask's configuration.",
        )
    return security


def _reason(error: BaseException) -> str:
    return str(error).split("\n")[0].strip().rstrip(".") or type(error).__name__


def _check_workers(client: Any, scheduler: Scheduler) -> None:
    """Refuse a scheduler without workers, workers without TLS on a network, and other versions of
    poregui.
    """
    try:
        client.wait_for_workers(1, timeout=_ANSWER_S)
    except TimeoutError as error:
        raise PoreguiError(
            f"The scheduler {scheduler.address} has no workers.",
            f"Start some: dask worker {scheduler.address}.",
        ) from error
    for address in client.nthreads():
        protocol, _, rest = str(address).partition("://")
        if protocol != "tls" and not _of_this_machine(rest.rpartition(":")[0]):
            raise PoreguiError(
                f"The worker {address} can be reached from other machines and is not encrypted.",
                "Start workers with --host 127.0.0.1, or everything with TLS.",
            )
    check_versions(client.get_versions(packages=["poregui"]))


def check_versions(versions: Mapping[str, Any]) -> None:
    """Refuse scheduler and workers of another version of poregui, given what dask knows of all
    packages.

    A poregui that was started from its sources and never installed has no version that could be
    compared. Raises PoreguiError.
    """
    own = versions["client"]["packages"].get("poregui")
    nodes = {
        "scheduler": versions["scheduler"],
        **{f"worker {name}": node for name, node in versions["workers"].items()},
    }
    for name, node in nodes.items():
        there = node["packages"].get("poregui")
        if own and there != own:
            has = f"has poregui {there}" if there else "has no poregui"
            raise PoreguiError(
                f"The {name} {has}, and this is {own}.", "Install the same version everywhere."
            )


def _work_through(
    client: Any,
    tasks: Sequence[FieldTask],
    found: dict[int, FieldResult | FieldProblem],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> bool:
    """Give what is not in `found` to the workers, take results as they come, return whether a
    person cancelled.
    """
    ours = (
        uuid.uuid4().hex
    )  # names work by its asking: equal work of an earlier asking may have failed
    waiting = {
        client.submit(work_on, task, key=f"poregui-{ours}-{index}", pure=False): index
        for index, task in enumerate(tasks)
        if index not in found
    }
    began = time.monotonic()
    first = len(found)
    watch = _Watch()
    open_ones = set(waiting)
    try:
        while open_ones:
            done = {one for one in open_ones if one.done()}
            for one in done:
                found[waiting[one]] = _taken(one, tasks[waiting[one]])
            open_ones -= done
            if done:
                text = time_left(len(found) - first, len(open_ones), time.monotonic() - began)
                left = left_text(len(found), len(tasks))
                progress(
                    STEPS * len(found), STEPS * len(tasks), f"{left}, {text}" if text else left
                )
            if cancelled():
                return True
            if open_ones and not done:
                watch.look(client)
                time.sleep(_LOOK_S)
    finally:
        if open_ones and client.status == "running":
            client.cancel(list(open_ones))
    return False


def _taken(future: Any, task: FieldTask) -> FieldResult | FieldProblem:
    """Return what a worker found. Raises PoreguiError when the scheduler was lost."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        result: FieldResult | FieldProblem = future.result(timeout=_ANSWER_S)
    except KilledWorker:
        return FieldProblem(task.name, ENDED_ITS_PROCESS)
    except (CancelledError, OSError) as error:
        raise PoreguiError("The scheduler no longer responds.", _RESUME) from error
    if isinstance(result, FieldResult) and not _shown(task.result_file):
        return FieldProblem(task.name, _NOT_SHARED.format(folder=task.folder))
    return result


def _shown(path: Path) -> bool:
    """Wait until a file that another machine wrote is seen here, too."""
    end = time.monotonic() + _ANSWER_S
    while not path.exists():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_S)
    return True


class _Watch:
    """Notice that a cluster has lost all its workers, which nobody else would say."""

    def __init__(self) -> None:
        self._seen = self._looked = time.monotonic()

    def look(self, client: Any) -> None:
        """Look now and then. Raises PoreguiError when there was no worker for a while."""
        now = time.monotonic()
        if now - self._looked < _LOOK_FOR_WORKERS_S or client.status != "running":
            return
        self._looked = now
        try:
            there = bool(client.nthreads())
        except OSError:
            return  # the scheduler is lost, which ends what we wait for
        if there:
            self._seen = now
        elif now - self._seen > _WITHOUT_WORKERS_S:
            raise PoreguiError("The cluster has no workers left.", f"Start some. {_RESUME}")
