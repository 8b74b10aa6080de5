"""PhaseSelect's classifier in JAX: vmap over members, lax.scan over steps, one jit, donated state (DESIGN.md 3).

Usage: peer_jax.py step.safetensors --form dense|grouped --time train|screen [--device cpu|cuda] [--members M] < lines

What measured best on two CPU cores, grouped, and is here: vmap (lax.map over members loses 28 %), the gradient of the
autoencoder's loss written out (jax.grad of softplus loses 34 %), its value only where it is asked for, as in our engine
(at every step: 40 %), members shared out over one CPU device a thread (one device for all: 30 %).
"""
import math
import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from common import ROLES, Batches, Form, chunks, main

jax.config.update("jax_default_matmul_precision", "highest")  # fp32 on a GPU too
SCREENED_AT_ONCE = 2048


def affine(x, w, name):
    return x @ w[name + ".weights"] + w[name + ".bias"]


class Peer:
    def __init__(self, problem, form, members, device="cpu", threads=0, dropout=True):
        if device == "cpu":
            processors = sorted(os.sched_getaffinity(0))[: threads or None]
            os.sched_setaffinity(0, processors)  # XLA starts as many threads as it may use
            jax.config.update("jax_num_cpu_devices", len(processors))
        devices = jax.devices(device)
        self.devices = devices[: math.gcd(len(devices), members)]
        mesh = Mesh(self.devices, ("members",))
        self.whole, self.by_member = (NamedSharding(mesh, spec) for spec in (PartitionSpec(), PartitionSpec("members")))
        self.by_step = NamedSharding(mesh, PartitionSpec(None, "members"))
        self.description = f"JAX {jax.__version__}"
        self.architecture, self.plan, self.form = problem.architecture, problem.optimiser, Form(problem, form)
        self.rate = self.architecture["dropout"] if dropout else 0.0
        self.matrix, self.multiplicity = jax.device_put((self.form.matrix, self.form.multiplicity), self.whole)
        self.row_factors = jax.device_put(self.form.row_factors, self.whole)
        weights = {name: self.form.expand(name, values) for name, values in problem.initial_weights(members).items()}
        zeros = [jax.tree.map(np.zeros_like, weights) for _ in range(2)]
        self.slabs = jax.device_put((weights, *zeros), self.by_member)
        self.steps_done, self.key = jax.device_put((np.int32(0), jax.random.key(1)), self.whole)

    # ---- one member ----

    def features(self, w):
        """h, (elements, k)."""
        encoded = self.row_factors * (self.matrix @ w["encoder.weights"])
        return jax.nn.relu(encoded + w["encoder.bias"])

    def field_vectors(self, w, h, fields):
        """(fields, slots) element rows -> (fields, slots * k), pooled (fields, 2 k)."""
        a = self.architecture
        real, x = fields >= 0, h[fields] * (fields >= 0)[..., None]

        def heads(name):
            return affine(h, w, f"attention.{name}")[fields].reshape(*fields.shape, a["heads"], a["key_dim"])

        logits = jnp.einsum("bqhd,bkhd->bhqk", heads("query"), heads("key")) / a["key_dim"] ** 0.5
        attention = jax.nn.softmax(jnp.where(real[:, None, None, :], logits, -jnp.inf), -1)
        if a["combine"] == "scores":
            received = (attention.mean(1) * real[..., None]).sum(1) / real.sum(1, keepdims=True)
            return (received[..., None] * x).reshape(len(fields), -1)
        context = jnp.einsum("bhqk,bkhd->bqhd", attention, heads("value")).reshape(*fields.shape, -1)
        y = affine(context, w, "attention.output") * (a["attention_weight"] * real[..., None])
        if a["combine"] == "pooled":
            largest = jnp.where(real[..., None], x + y, -jnp.inf).max(1)
            return jnp.concatenate([(x + y).sum(1), largest], 1)
        return (x + y if a["combine"] == "residual" else y).reshape(len(fields), -1)

    def logits(self, w, h, fields, key=None):
        x = self.field_vectors(w, h, fields)
        w = {**w, "hidden.0.weights": w["hidden.0.weights"][: x.shape[1]]}  # slots that no field fills are zero
        for layer in range(len(self.architecture["hidden"])):
            x = jax.nn.relu(affine(x, w, f"hidden.{layer}"))
            if key is not None and self.rate > 0:
                kept = jax.random.bernoulli(jax.random.fold_in(key, layer), 1 - self.rate, x.shape)
                x = jnp.where(kept, x / (1 - self.rate), 0)
        return affine(x, w, "logit")[:, 0]

    def cells(self):
        return self.architecture["elements"] * self.architecture["environments"]

    def member_autoencoder_loss(self, w):
        logits = affine(self.features(w), w, "decoder")
        return (self.multiplicity * (jax.nn.softplus(logits) - self.matrix * logits)).sum() / self.cells()

    def loss(self, w, fields, labels, weights, key):
        """What a step descends; of the autoencoder's loss only the gradient. Beside it the classification loss."""
        a = self.architecture
        h = self.features(w)
        decoded = affine(h, w, "decoder")
        slope = self.multiplicity * (jax.nn.sigmoid(decoded) - self.matrix) / self.cells()
        logits = self.logits(w, h, fields, key)
        classification = (weights * (jax.nn.softplus(logits) - labels * logits)).mean()
        kernels = [w[f"hidden.{layer}.weights"] for layer in range(len(a["hidden"]))]
        penalty = sum(a["l1"] * jnp.abs(kernel).sum() + a["l2"] * (kernel**2).sum() for kernel in kernels)
        autoencoder = (lax.stop_gradient(slope) * decoded).sum()
        return classification + a["autoencoder_weight"] * autoencoder + penalty, classification

    def adam(self, name, w, m, v, gradient, step, rate):
        plan, form = self.plan, self.form
        gradient = gradient / form.shared.get(name, 1)
        m = plan["beta1"] * m + (1 - plan["beta1"]) * gradient
        v = plan["beta2"] * v + (1 - plan["beta2"]) * gradient**2
        corrected = m / (1 - plan["beta1"] ** step), v / (1 - plan["beta2"] ** step)
        direction = form.summed.get(name, 1) * corrected[0] / (jnp.sqrt(corrected[1]) + plan["epsilon"])
        decay = plan["weight_decay"] if name.endswith(".weights") else 0
        if name == "encoder.weights":
            rate = rate * plan["encoder_rate"]
        return w - rate * (direction + decay * w), m, v

    def member_step(self, slabs, step, rate, *batch):
        gradient, loss = jax.grad(self.loss, has_aux=True)(slabs[0], *batch)
        updated = {n: self.adam(n, *(slab[n] for slab in slabs), gradient[n], step, rate) for n in gradient}
        return tuple({name: slabs[i] for name, slabs in updated.items()} for i in range(3)), loss

    # ---- all members ----

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def run(self, slabs, steps_done, key, batches):
        def step(carry, batch):
            slabs, done = carry
            keys = jax.random.split(jax.random.fold_in(key, done), len(batch.labels))
            members = jax.vmap(self.member_step, in_axes=(0, None, None, 0, 0, 0, 0))
            slabs, loss = members(slabs, done + 1, batch.rates, batch.fields, batch.labels, batch.weights, keys)
            return (slabs, done + 1), loss

        return lax.scan(step, (slabs, steps_done), batches)

    def train(self, batches):
        *samples, rates = batches
        batches = Batches(*jax.device_put(samples, self.by_step), jax.device_put(rates, self.whole))
        (self.slabs, self.steps_done), losses = self.run(self.slabs, self.steps_done, self.key, batches)
        return np.asarray(jax.block_until_ready((losses, self.slabs))[0])

    @partial(jax.jit, static_argnums=0)
    def all_autoencoder_losses(self, weights):
        return jax.vmap(self.member_autoencoder_loss)(weights)

    def autoencoder_loss(self):
        return np.asarray(self.all_autoencoder_losses(self.slabs[0]))

    @partial(jax.jit, static_argnums=0)
    def evaluate(self, weights, chunked):
        """(chunks, orders, fields, n) -> (chunks, members, fields)."""

        def chunk(fields):
            flat = fields.reshape(-1, fields.shape[-1])
            probability = jax.vmap(lambda w, h: jax.nn.sigmoid(self.logits(w, h, flat)))(weights, h)
            return probability.reshape(len(probability), *fields.shape[:2]).mean(1)

        h = jax.vmap(self.features)(weights)
        return lax.map(chunk, chunked)

    @partial(jax.jit, static_argnums=0)
    def statistics(self, weights, chunked):
        probability = self.evaluate(weights, chunked)
        return probability.mean(1).ravel(), probability.std(1).ravel()

    def probabilities(self, fields):
        chunked = jax.device_put(chunks(fields[None], SCREENED_AT_ONCE), self.whole)
        return np.concatenate(self.evaluate(self.slabs[0], chunked), 1)[:, : len(fields)]

    def screen(self, fields):
        result = self.statistics(self.slabs[0], jax.device_put(chunks(fields, SCREENED_AT_ONCE), self.whole))
        return [np.asarray(part)[: fields.shape[1]] for part in result]

    def state(self):
        return {role: jax.tree.map(np.asarray, slab) for role, slab in zip(ROLES, self.slabs)}

    def peak_memory(self):
        statistics = [device.memory_stats() for device in self.devices]
        return sum(each["peak_bytes_in_use"] for each in statistics) if all(statistics) else None


if __name__ == "__main__":
    main(Peer, __doc__.splitlines()[0])
