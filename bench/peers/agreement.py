"""Do the peers compute what the C++ engine does? Each that can be imported, in both forms, follows the exported steps
(same weights, same batches, no dropout): losses, weights, both moments and probabilities must agree to float tolerance.

Usage: agreement.py step.safetensors [--device cpu|cuda]
Exit code 1 where they differ; a framework that cannot be imported is named as skipped.
"""
import argparse
import importlib
import sys

import numpy as np

from common import Problem

# Norm of the difference over the norm of the reference (of the weights: over that of what the steps changed).
TOLERANCE = {"loss": 1e-5, "weights": 1e-3, "first_moment": 1e-4, "second_moment": 1e-4, "probability": 1e-5}
# Softmax does not see a constant added to all keys: the gradient is zero but for rounding. Its moments must be small
# beside those of the key's kernel; what Adam makes of rounding is nobody's business.
NO_GRADIENT = "attention.key.bias"


def difference(found, expected, scale_of):
    scale = np.linalg.norm(np.ravel(scale_of))
    if not scale > 0:
        return np.inf  # a reference of zeros proves nothing
    return float(np.linalg.norm(np.ravel(found - expected)) / scale)


def follow(peer, problem):
    """Yields what is compared: (quantity, name, found, expected, what sets the scale)."""
    tensors, batches = problem.tensors, problem.exported_batches()
    for step in range(len(batches.rates)):
        # In this order: the autoencoder's loss is that of the weights before the step.
        found = {"autoencoder": peer.autoencoder_loss(), "classification": peer.train(batches.step(step))[0]}
        for name, values in found.items():
            expected = tensors[f"loss.{name}"][step]
            yield "loss", f"{name}, step {step + 1}", values, expected, expected
    for role, slab in peer.state().items():
        for name, values in slab.items():
            if (role, name) == ("weights", NO_GRADIENT):
                continue
            found, spread = peer.form.collapse(role, name, values)
            expected = tensors[f"after.{role}.{name}"]
            scale = tensors[f"after.{role}.{name.replace(NO_GRADIENT, 'attention.key.weights')}"]
            if role == "weights":
                scale = expected - tensors[f"before.{name}"]
            yield role, name, found, expected, scale
            yield role, f"{name}, equal columns", spread, 0, scale
    expected = tensors["probabilities"]
    found = peer.probabilities(tensors["fields.rows"].astype(np.int32))
    yield "probability", "of every field", found, expected, expected


def compare(peer, problem):
    """Prints the largest difference of each quantity; true where all are within tolerance."""
    worst = {}
    for quantity, name, *values in follow(peer, problem):
        found = difference(*values)
        if not found <= worst.get(quantity, (-1.0, ""))[0]:
            worst[quantity] = (found, name)
    passed = True
    for quantity, (found, name) in worst.items():
        within = found <= TOLERANCE[quantity]
        passed &= within
        verdict = "" if within else f"  FAILED: more than {TOLERANCE[quantity]:g}"
        print(f"  {quantity:<14} {found:.1e}  {name}{verdict}")
    return passed


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("problem")
    arguments.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = arguments.parse_args()
    problem, results = Problem.load(options.problem), []
    members = len(problem.tensors["batch.rows"])
    for framework in ("torch", "jax"):
        try:
            importlib.import_module(framework)
        except ImportError:
            print(f"skipped: no {framework}")
            continue
        for form in ("grouped", "dense"):
            module = importlib.import_module(f"peer_{framework}")
            peer = module.Peer(problem, form, members, options.device, dropout=False)
            print(f"{peer.description}, {form}: largest differences from the C++ engine")
            results.append(compare(peer, problem))
    if not results:
        print("agreement: SKIPPED, there is no peer to compare with")
        return
    print(f"agreement: {sum(results)} of {len(results)} peers agree")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
