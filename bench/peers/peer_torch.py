"""PhaseSelect's classifier in PyTorch: torch.func's vmap of grad over members, the whole step compiled (DESIGN.md 3).

Usage: peer_torch.py step.safetensors --form dense|grouped --time train|screen [--device cpu|cuda] [--members M] < lines
"""
import numpy as np
import torch
from torch.func import grad, vmap
from torch.nn import functional

from common import ROLES, Form, chunks, main

SCREENED_AT_ONCE = 2048


def affine(x, w, name):
    return x @ w[name + ".weights"] + w[name + ".bias"]


class Peer:
    def __init__(self, problem, form, members, device="cpu", threads=0, dropout=True):
        if threads:
            torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.device, self.description = torch.device(device), f"PyTorch {torch.__version__}"
        self.architecture, self.plan, form = problem.architecture, problem.optimiser, Form(problem, form)
        self.form, self.rate = form, self.architecture["dropout"] if dropout else 0.0
        self.matrix, self.multiplicity = self.put(form.matrix), self.put(form.multiplicity)
        self.row_factors = self.put(form.row_factors)
        self.shared = {name: self.put(counts) for name, counts in form.shared.items()}
        self.summed = {name: self.put(counts) for name, counts in form.summed.items()}
        weights = {n: self.put(form.expand(n, values)) for n, values in problem.initial_weights(members).items()}
        zeros = [{name: torch.zeros_like(values) for name, values in weights.items()} for _ in range(2)]
        self.slabs, self.step_number = (weights, *zeros), self.put(np.float32(0))
        self.compiled_step = torch.compile(self.step, dynamic=False)
        self.compiled_chunk = torch.compile(self.chunk, dynamic=False)

    def put(self, array):
        return torch.from_numpy(np.array(array)).to(self.device)

    # ---- one member ----

    def features(self, w):
        """h, (elements, k)."""
        encoded = self.row_factors * (self.matrix @ w["encoder.weights"])
        return (encoded + w["encoder.bias"]).relu()

    def field_vectors(self, w, h, fields):
        """(fields, slots) element rows -> (fields, slots * k), pooled (fields, 2 k)."""
        a = self.architecture
        real, rows = fields >= 0, fields.clamp(min=0)
        x = h[rows] * real[..., None]

        def heads(name):  # (fields, heads, slots, d)
            return affine(h, w, f"attention.{name}")[rows].unflatten(-1, (a["heads"], a["key_dim"])).transpose(1, 2)

        logits = heads("query") @ heads("key").transpose(-1, -2) / a["key_dim"] ** 0.5
        attention = logits.masked_fill(~real[:, None, None, :], -torch.inf).softmax(-1)
        if a["combine"] == "scores":
            received = (attention.mean(1) * real[..., None]).sum(1) / real.sum(1, keepdim=True)
            return (received[..., None] * x).flatten(1)
        context = (attention @ heads("value")).transpose(1, 2).flatten(2)
        y = affine(context, w, "attention.output") * (a["attention_weight"] * real[..., None])
        if a["combine"] == "pooled":
            largest = (x + y).masked_fill(~real[..., None], -torch.inf).amax(1)
            return torch.cat([(x + y).sum(1), largest], 1)
        return (x + y if a["combine"] == "residual" else y).flatten(1)

    def logits(self, w, h, fields, dropout):
        x = self.field_vectors(w, h, fields)
        w = {**w, "hidden.0.weights": w["hidden.0.weights"][: x.shape[1]]}  # slots that no field fills are zero
        for layer in range(len(self.architecture["hidden"])):
            x = functional.dropout(affine(x, w, f"hidden.{layer}").relu(), self.rate, dropout)
        return affine(x, w, "logit")[:, 0]

    def cells(self):
        return self.architecture["elements"] * self.architecture["environments"]

    def member_autoencoder_loss(self, w):
        logits = affine(self.features(w), w, "decoder")
        return (self.multiplicity * (functional.softplus(logits) - self.matrix * logits)).sum() / self.cells()

    def loss(self, w, fields, labels, weights):
        """What a step descends; of the autoencoder's loss only the gradient. Beside it the classification loss."""
        a = self.architecture
        h = self.features(w)
        decoded = affine(h, w, "decoder")
        slope = self.multiplicity * (decoded.sigmoid() - self.matrix) / self.cells()
        logits = self.logits(w, h, fields, dropout=True)
        classification = (weights * (functional.softplus(logits) - labels * logits)).mean()
        kernels = [w[f"hidden.{layer}.weights"] for layer in range(len(a["hidden"]))]
        penalty = sum(a["l1"] * kernel.abs().sum() + a["l2"] * (kernel**2).sum() for kernel in kernels)
        autoencoder = (slope.detach() * decoded).sum()
        return classification + a["autoencoder_weight"] * autoencoder + penalty, classification

    # ---- all members ----

    def adam(self, name, gradient, rate):
        plan, (w, m, v) = self.plan, (slab[name] for slab in self.slabs)
        gradient = gradient / self.shared.get(name, 1)
        m.mul_(plan["beta1"]).add_((1 - plan["beta1"]) * gradient)
        v.mul_(plan["beta2"]).add_((1 - plan["beta2"]) * gradient**2)
        first, second = (1 - plan[beta] ** self.step_number for beta in ("beta1", "beta2"))
        direction = self.summed.get(name, 1) * (m / first) / ((v / second).sqrt() + plan["epsilon"])
        decay = plan["weight_decay"] if name.endswith(".weights") else 0
        if name == "encoder.weights":
            rate = rate * plan["encoder_rate"]
        w.sub_(rate * (direction + decay * w))

    def step(self, fields, labels, weights, rate):
        self.step_number.add_(1)
        differentiate = vmap(grad(self.loss, has_aux=True), randomness="different")
        gradient, loss = differentiate(self.slabs[0], fields, labels, weights)
        for name in gradient:
            self.adam(name, gradient[name], rate)
        return loss

    def train(self, batches):
        batches = [self.put(part) for part in batches]
        return torch.stack([self.compiled_step(*batch) for batch in zip(*batches)]).cpu().numpy()

    @torch.no_grad()
    def autoencoder_loss(self):
        return torch.stack([self.member_autoencoder_loss(w) for w in self.members()]).cpu().numpy()

    def members(self):
        count = len(self.slabs[0]["logit.bias"])
        return [{name: values[m] for name, values in self.slabs[0].items()} for m in range(count)]

    def chunk(self, weights, h, fields):
        """(orders, fields, n) -> (members, fields)."""
        flat = fields.flatten(0, 1)
        probability = vmap(lambda w, h: self.logits(w, h, flat, dropout=False).sigmoid())(weights, h)
        return probability.unflatten(1, fields.shape[:2]).mean(1)

    @torch.no_grad()
    def evaluate(self, fields):
        """(orders, fields, n) -> (members, fields), chunk by chunk."""
        weights = {name: values for name, values in self.slabs[0].items() if name[:7] not in ("encoder", "decoder")}
        h = torch.stack([self.features(w) for w in self.members()])
        for part in self.put(chunks(fields, SCREENED_AT_ONCE)):
            yield self.compiled_chunk(weights, h, part)

    def probabilities(self, fields):
        return torch.cat([*self.evaluate(fields[None])], 1)[:, : len(fields)].cpu().numpy()

    def screen(self, fields):
        parts = [torch.std_mean(part, 0, correction=0) for part in self.evaluate(fields)]
        deviation, mean = (torch.cat(part)[: fields.shape[1]].cpu().numpy() for part in zip(*parts))
        return mean, deviation

    def state(self):
        return {role: {n: x.cpu().numpy() for n, x in slab.items()} for role, slab in zip(ROLES, self.slabs)}

    def peak_memory(self):
        return torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None


if __name__ == "__main__":
    main(Peer, __doc__.splitlines()[0])
