"""Hold that a cluster gives what one machine gives, also when workers die, and that nothing unsafe
is reached.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.workflow.applying import cluster as cluster_module
from poregui.workflow.applying.cluster import Scheduler, apply_on_cluster, check_versions
from poregui.workflow.applying.field import FieldTask, apply_field
from poregui.workflow.applying.pool import apply_all

pytestmark = pytest.mark.soak  # minutes in all

FIELDS = 12
CALM: dict[str, Any] = {
    # tests share the machine, and no worker is to die but by our hand
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
}


@contextmanager
def running_cluster(workers: int = 2, **settings: Any) -> Iterator[Any]:
    """Start a scheduler in this process and workers in processes of their own."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    import dask

    with dask.config.set({**CALM, **settings}):
        options = {
            "threads_per_worker": 1,
            "dashboard_address": "127.0.0.1:0",
            "host": "127.0.0.1",
            "silence_logs": 50,
        }
        with distributed.LocalCluster(n_workers=workers, processes=True, **options) as started:
            yield started


def tasks_in(folder: Path, count: int = FIELDS) -> list[FieldTask]:
    """Draw micrographs into a folder and return the work on them."""
    model = write_size_model(folder / "model")
    tasks = []
    for number in range(count):
        file = folder / f"{number}.png"
        draw_discs(file, [12.0, 34.0, 90.0, 34.0] * 4, side=1000, seed=number)
        tasks.append(
            FieldTask(
                file,
                folder / "out" / file.stem,
                "S1",
                model,
                model.with_suffix(".json"),
                DetectionRecipe(),
            )
        )
    return tasks


def written(tasks: list[FieldTask]) -> dict[str, bytes]:
    """Return the bytes of every file of results, and what field.json says apart from how long the
    work took.
    """
    found = {}
    for task in tasks:
        for path in sorted(task.folder.iterdir()):
            content = path.read_bytes()
            if path.name == "field.json":
                content = json.dumps(
                    {k: v for k, v in json.loads(content).items() if k != "seconds"}
                ).encode()
            found[f"{task.folder.name}/{path.name}"] = content
    return found


def killer(cluster: Any, killed: list[int]) -> Callable[[int, int, str], None]:
    """Return a listener that kills a worker process that has work, once, when the first result has
    come.
    """

    def heard(_done: int, _total: int, _text: str) -> None:
        for nanny in cluster.workers.values():
            there = cluster.scheduler.workers.get(nanny.worker_address)
            if not killed and there is not None and there.processing:
                killed.append(nanny.pid)
                os.kill(nanny.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    return heard


@pytest.mark.soak
def test_the_results_of_a_cluster_that_loses_a_worker_are_those_of_one_machine(
    tmp_path: Path,
) -> None:
    tasks = tasks_in(tmp_path)
    local = apply_all(tasks, workers=1)
    expected = written(tasks)
    shutil.rmtree(tmp_path / "out")
    killed: list[int] = []
    with running_cluster() as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        applied = apply_on_cluster(
            tasks, Scheduler(cluster.scheduler_address), progress=killer(cluster, killed)
        )
    assert set(killed) < set(pids)
    assert len(killed) == 1
    assert (applied.problems, applied.taken_up, applied.cancelled) == ((), 0, False)
    assert [one.counts for one in applied.results] == [one.counts for one in local.results]
    assert {name for name in expected if name.endswith("pores.csv")} == {
        f"{n}/pores.csv" for n in range(FIELDS)
    }
    assert written(tasks) == expected


@pytest.mark.soak
def test_work_that_ends_its_worker_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path)
    killed: list[int] = []
    with running_cluster(**{"distributed.scheduler.allowed-failures": 0}) as cluster:
        scheduler = Scheduler(cluster.scheduler_address)
        applied = apply_on_cluster(tasks, scheduler, progress=killer(cluster, killed))
        assert len(killed) == 1
        assert len(applied.results) + len(applied.problems) == FIELDS
        assert 1 <= len(applied.problems) < FIELDS
        assert "process ended" in applied.problems[0].reason
        again = apply_on_cluster(tasks, scheduler)
    assert (len(again.results), again.problems, again.taken_up) == (
        FIELDS,
        (),
        len(applied.results),
    )


def test_a_bad_file_stops_nobody_and_what_is_done_is_taken_up(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, 3)
    tasks[1].file.write_bytes(b"no picture")
    apply_field(tasks[0])
    with running_cluster(1) as cluster:
        applied = apply_on_cluster(tasks, Scheduler(cluster.scheduler_address))
        assert [one.name for one in applied.results] == ["0.png", "2.png"]
        assert [one.name for one in applied.problems] == ["1.png"]
        assert applied.taken_up == 1
        shutil.rmtree(tmp_path / "out")
        assert apply_on_cluster(
            tasks, Scheduler(cluster.scheduler_address), cancelled=lambda: True
        ).cancelled


def test_the_verb_takes_a_scheduler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    tasks_in(tmp_path, 2)
    asked = ["apply", "model/model.onnx", "0.png", "1.png", "--out", "there", "--json"]
    with running_cluster(1) as cluster:
        monkeypatch.chdir(
            tmp_path
        )  # the worker stands elsewhere, so that its paths must not depend on it
        assert main([*asked, "--scheduler", cluster.scheduler_address.removeprefix("tcp://")]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["fields"], values["taken_up"]) == (2, 0)
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["taken_up"] == 2


def test_a_folder_that_is_not_shared_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tasks_in(tmp_path, 1)
    monkeypatch.setattr(cluster_module, "_shown", lambda path: False)
    with running_cluster(1) as cluster:
        applied = apply_on_cluster(tasks, Scheduler(cluster.scheduler_address))
    assert "must be the same folder on all machines" in applied.problems[0].reason


def test_a_scheduler_without_workers_and_one_that_is_gone_are_told(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 1)
    tasks = tasks_in(tmp_path, 1)
    with running_cluster(0) as cluster:
        gone = Scheduler(cluster.scheduler_address)
        with pytest.raises(PoreguiError, match="has no workers"):
            apply_on_cluster(tasks, gone)
    with pytest.raises(PoreguiError, match="does not respond"):
        apply_on_cluster(tasks, gone)


@pytest.mark.soak
def test_a_scheduler_that_ends_in_the_middle_is_told_and_what_is_done_stays(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 1)
    tasks = tasks_in(tmp_path)
    with (
        running_cluster(1) as cluster,
        pytest.raises(PoreguiError, match=r"no longer responds.*Finished micrographs are kept"),
    ):
        apply_on_cluster(
            tasks,
            Scheduler(cluster.scheduler_address),
            progress=lambda done, total, text: cluster.close(),
        )
    done = [task for task in tasks if task.result_file.exists()]
    assert 1 <= len(done) < FIELDS
    assert apply_all(done, workers=1).taken_up == len(done)


def test_machines_with_another_version_are_refused() -> None:
    def part(version: str | None) -> dict[str, dict[str, str | None]]:
        return {"packages": {"poregui": version}}

    def versions(client: str | None, scheduler: str | None, worker: str | None) -> dict[str, Any]:
        return {
            "client": part(client),
            "scheduler": part(scheduler),
            "workers": {"tcp://[::1]:9": part(worker)},
        }

    check_versions(versions("0.2", "0.2", "0.2"))
    check_versions(versions(None, None, None))
    with pytest.raises(
        PoreguiError, match=r"worker tcp://\[::1\]:9 has poregui 0\.1, and this is 0\.2"
    ):
        check_versions(versions("0.2", "0.2", "0.1"))
    with pytest.raises(PoreguiError, match="scheduler has no poregui"):
        check_versions(versions("0.2", None, "0.2"))


def test_other_machines_are_reached_with_tls_only() -> None:
    for address in (
        "tcp://192.168.1.7:8786",
        "cluster.example:8786",
        "tcp://0.0.0.0:8786",
        "tcp://[2001:db8::1]:8786",
    ):
        with pytest.raises(PoreguiError, match=r"another machine.*give tls://"):
            Scheduler(address).checked()
    for address in (
        "localhost:8786",
        "tcp://127.0.0.1:8786",
        "tcp://[::1]:8786",
        "tls://cluster.example:8786",
    ):
        assert Scheduler(address).checked().address.endswith(address)
    for address in ("cluster", "ucx://localhost:8786", "tcp://:8786", "tcp://localhost:many"):
        with pytest.raises(PoreguiError, match="not the address"):
            Scheduler(address).checked()


def test_the_verb_refuses_what_does_not_fit_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["apply", str(tmp_path / "model.onnx"), str(tmp_path)]
    for more, sentence in (
        (["--scheduler", "far.example:8786"], "another machine"),
        (["--scheduler", "tls://far.example:8786", "--tls-ca", "none.pem"], "none.pem is missing"),
        (["--scheduler", "localhost:8786", "--workers", "2"], "processes on this machine"),
        (["--tls-key", "key.pem"], "only work with --scheduler"),
    ):
        assert main([*asked, *more]) == 2
        assert sentence in capsys.readouterr().err


def test_without_the_extra_the_verb_says_what_to_install(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, 1)
    script = (
        "import sys; sys.modules['distributed'] = None\n"
        "from poregui.cli.main import main\n"
        f"sys.exit(main(['apply', {str(tasks[0].model)!r}, {str(tasks[0].file)!r}, "
        "'--scheduler', 'localhost:1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 2
    assert "pip install 'poregui[cluster]'" in done.stderr


@pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="openssl, which makes the certificates, is not installed",
)
def test_a_cluster_with_tls_asks_for_certificates_and_does_the_work(tmp_path: Path) -> None:
    security = pytest.importorskip(
        "distributed.security", reason="the extra `cluster` is not installed"
    )
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    asked = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
    ]
    subprocess.run(
        ["openssl", *asked, "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    files = {
        f"tls_{role}_{kind}": str(cert if kind == "cert" else key)
        for role in ("scheduler", "worker", "client")
        for kind in ("cert", "key")
    }
    own = security.Security(tls_ca_file=str(cert), require_encryption=True, **files)
    tasks = tasks_in(tmp_path, 2)
    with running_cluster_with(own) as cluster:
        assert cluster.scheduler_address.startswith("tls://")
        with pytest.raises(PoreguiError, match="--tls-ca"):
            apply_on_cluster(tasks, Scheduler(cluster.scheduler_address))
        applied = apply_on_cluster(tasks, Scheduler(cluster.scheduler_address, cert, cert, key))
    assert len(applied.results) == 2


@contextmanager
def running_cluster_with(security: Any) -> Iterator[Any]:
    """Start a cluster of one worker that talks with TLS."""
    import dask
    import distributed

    options = {
        "threads_per_worker": 1,
        "dashboard_address": "127.0.0.1:0",
        "host": "127.0.0.1",
        "silence_logs": 50,
    }
    with (
        dask.config.set(CALM),
        distributed.LocalCluster(1, protocol="tls", security=security, **options) as started,
    ):
        yield started
