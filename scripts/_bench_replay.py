"""Train a run folder once more and write what the weights kept after each epoch answer.

usage: _bench_replay.py RUN OUT.json

Equal runs give equal weights: the accuracies belong to the epochs of a run that was timed without
being watched.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> int:
    """Train the folder and write {"test": [accuracy after epoch 1, 2, ...], "final": accuracy of
    the kept weights}.
    """
    run_folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    from poregui.learning.hardware import set_limits
    from poregui.store.run_folder import RunFolder

    folder = RunFolder(run_folder)
    recipe, dataset = folder.read_recipe(), folder.read_dataset()
    set_limits(recipe.threads, os.environ)
    from poregui.learning import checkpoint, fitting, networks
    from poregui.learning.batches import load
    from poregui.learning.train import train

    tested = load(
        folder,
        dataset.split("test"),
        networks.input_spec_of(recipe, dataset),
    )
    accuracy_of_epochs: list[float] = []
    take = fitting.Fitter._take_snapshot

    def take_and_test(fitter: fitting.Fitter, improved: bool) -> None:
        take(fitter, improved)
        assert fitter.snapshot is not None
        if improved or not accuracy_of_epochs:
            checkpoint.assign(fitter.model.variables, fitter.snapshot.best)
            accuracy_of_epochs.append(
                fitting.score(fitting.predict(fitter.model, tested), tested.labels)[1]
            )
            checkpoint.assign(fitter.model.variables, fitter.snapshot.variables)
        else:
            accuracy_of_epochs.append(accuracy_of_epochs[-1])

    fitting.Fitter._take_snapshot = take_and_test  # type: ignore[assignment, method-assign]
    train(run_folder, lambda event: None, lambda: "")
    accuracies = {"test": accuracy_of_epochs, "final": folder.read_metrics()["accuracy_as_trained"]}
    target.write_text(json.dumps(accuracies), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
