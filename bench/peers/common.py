"""What the peers share: the problem that export_step wrote, the dense and grouped forms of its matrix, batches, timing.

A peer is a module with a class Peer(problem, form, members, device="cpu", threads=0, dropout=True):
    train(batches)         a step for each of the batches; classification losses, (steps, members)
    autoencoder_loss()     of each member at its present weights
    probabilities(fields)  (members, fields), dropout off
    screen(fields)         mean and deviation over members; fields are (orders, fields, elements), orders are averaged
    state()                {role: {parameter: (members, ...) array}} in the columns of its form
    peak_memory()          bytes on a GPU; None on the CPU, where the process's own peak counts
    description            one line for people
"""
import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from safetensors import safe_open

ROLES = ("weights", "first_moment", "second_moment")
COLUMN_AXIS = {"encoder.weights": 1, "decoder.weights": 2, "decoder.bias": 1}  # where a stacked parameter has columns


class Batches(NamedTuple):
    """One batch for each step and member."""

    fields: np.ndarray  # (steps, members, batch, slots) element rows; -1 pads
    labels: np.ndarray  # (steps, members, batch)
    weights: np.ndarray  # of the sample's class: N / (2 N_c), or 1
    rates: np.ndarray  # (steps,) learning rates

    def step(self, index):
        return Batches(*(part[index : index + 1] for part in self))


@dataclass
class Problem:
    architecture: dict
    optimiser: dict
    tensors: dict  # name: array, as in the file

    @classmethod
    def load(cls, path):
        with safe_open(path, "numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return cls(*(json.loads(file.metadata()[key]) for key in ("architecture", "optimiser")), tensors)

    def initial_weights(self, members):
        """Of `members` members: those of the file, over and over."""
        before = {name[7:]: values for name, values in self.tensors.items() if name.startswith("before.")}
        return {name: values[np.arange(members) % len(values)] for name, values in before.items()}

    def _batches(self, chosen, share, rates):
        fields = self.tensors["fields.rows"].astype(np.int32)[chosen]
        labels = self.tensors["fields.labels"].astype(np.float32)[chosen]
        weights = np.where(labels > 0, 0.5 / np.maximum(share, 1e-9), 0.5 / np.maximum(1 - share, 1e-9))
        if not self.architecture["balanced"]:
            weights = np.ones_like(labels)
        return Batches(fields, labels, weights.astype(np.float32), np.asarray(rates, np.float32))

    def random_batches(self, members, steps):
        """For timing: drawn from the whole table, in random slots where the configuration says so."""
        generator = np.random.default_rng(1)
        labels = self.tensors["fields.labels"]
        chosen = generator.integers(len(labels), size=(steps, members, self.optimiser["batch"]))
        batches = self._batches(chosen, labels.mean(), [self.optimiser["learning_rate"]] * steps)
        if self.architecture["random_slots"]:
            key = np.where(batches.fields >= 0, generator.random(batches.fields.shape), 2)  # padding stays last
            batches = batches._replace(fields=np.take_along_axis(batches.fields, key.argsort(-1), -1))
        return batches

    def exported_batches(self):
        """Those of the exported steps: each member trained on one batch alone, an epoch being a step."""
        steps, plan = len(self.tensors["loss.classification"]), self.optimiser
        chosen = self.tensors["batch.rows"]
        share = self.tensors["fields.labels"][chosen].mean(-1, keepdims=True)
        decline = [(1 + math.cos(math.pi * t / plan["epochs"])) / 2 if plan["cosine"] else 1 for t in range(steps)]
        return self._batches(np.stack([chosen] * steps), share, plan["learning_rate"] * np.array(decline))

    def ternaries(self):
        """All of them, (orders, fields, 3): each in as many orders as a prediction averages."""
        fields = np.array(list(combinations(range(self.architecture["elements"]), 3)), np.int32)
        generator = np.random.default_rng(1)
        orders = [[0, 1, 2], *(generator.permutation(3) for _ in range(self.architecture["prediction_orders"] - 1))]
        return np.stack([fields[:, order] for order in orders])


class Form:
    """The environment matrix as a peer sees it. grouped: a column for each group, with its multiplicity. dense: one for
    each environment; those of a group start with equal decoder columns and equal shares of the encoder's sum."""

    def __init__(self, problem, form):
        tensors = problem.tensors
        self.dense = form == "dense"
        self.copies = tensors["environments.multiplicity"].astype(np.int64)  # of each group
        patterns = np.zeros((problem.architecture["elements"], len(self.copies)), np.float32)
        ones = np.diff(tensors["environments.offsets"].astype(np.int64))
        patterns[tensors["environments.rows"], np.repeat(np.arange(len(ones)), ones)] = 1
        self.matrix = np.repeat(patterns, self.copies, 1) if self.dense else patterns  # (elements, columns)
        lengths = np.sqrt(patterns @ self.copies.astype(np.float32))  # of the rows with all their environments
        normalised = problem.architecture["row_normalised"]
        self.row_factors = (1 / np.maximum(lengths, 1) if normalised else np.ones_like(lengths))[:, None]
        multiplicity = np.ones_like(self.matrix[0]) if self.dense else self.copies.astype(np.float32)
        self.multiplicity = multiplicity  # (columns,)
        # DESIGN.md 3.2, by parameter of one member: a stored gradient is the sum over `shared` equal columns, a stored
        # weight is the sum of `summed` columns.
        self.shared = {} if self.dense else {"decoder.weights": multiplicity, "decoder.bias": multiplicity}
        self.summed = {} if self.dense else {"encoder.weights": multiplicity[:, None]}

    def expand(self, name, values):
        """A stacked parameter of groups, in this form's columns."""
        if not self.dense or name not in COLUMN_AXIS:
            return values
        if name == "encoder.weights":
            values = values / self.copies[:, None].astype(np.float32)
        return np.repeat(values, self.copies, COLUMN_AXIS[name])

    def collapse(self, role, name, values):
        """The reverse: the groups' values, and how far the columns of each group lie apart."""
        if not self.dense or name not in COLUMN_AXIS:
            return values, np.zeros_like(values)
        axis, first = COLUMN_AXIS[name], np.cumsum(self.copies) - self.copies
        low, high = (choose.reduceat(values, first, axis) for choose in (np.minimum, np.maximum))
        summed = (role, name) == ("weights", "encoder.weights")
        return np.add.reduceat(values, first, axis, np.float64) if summed else low, high - low


def chunks(fields, size):
    """(orders, N, n) -> (chunks, orders, size, n), filled up with the first field."""
    orders, count, width = fields.shape
    filled = np.concatenate([fields, np.repeat(fields[:, :1], -count % size, 1)], 1)
    return filled.reshape(orders, -1, size, width).swapaxes(0, 1)


def peak_resident_memory():
    """Of this process, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main(peer_class, description):
    """Warms up, then prints a line of JSON for every line on stdin: compare.py makes the peers take turns so."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("problem", help="step.safetensors of export_step")
    arguments.add_argument("--form", choices=("dense", "grouped"), default="grouped")
    arguments.add_argument("--time", choices=("train", "screen"), default="train")
    arguments.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments.add_argument("--members", type=int, default=8)
    arguments.add_argument("--batch", type=int, help="default: the problem's")
    arguments.add_argument("--steps", type=int, default=32, help="training steps of one repeat")
    arguments.add_argument("--threads", type=int, default=0, help="0: every core")
    options = arguments.parse_args()
    problem = Problem.load(options.problem)
    if options.batch:
        problem.optimiser["batch"] = options.batch
    peer = peer_class(problem, options.form, options.members, options.device, options.threads)
    if options.time == "train":
        batches, work = problem.random_batches(options.members, options.steps), options.steps * options.members
        repeat = lambda: (peer.train(batches), peer.autoencoder_loss())
    else:
        fields = problem.ternaries()
        work, repeat = fields.shape[1] * options.members, lambda: peer.screen(fields)
    repeat()
    for _ in sys.stdin:
        begin = time.perf_counter()
        repeat()
        result = {"peer": f"{peer.description}, {options.form}", "work": work, "seconds": time.perf_counter() - begin}
        print(json.dumps({**result, "peak_bytes": peer.peak_memory() or peak_resident_memory()}), flush=True)
