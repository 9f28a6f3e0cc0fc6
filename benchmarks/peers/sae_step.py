"""One training step of a TopK SAE by the peers: same work, same rows, same order.

    sae_step.py [--data rows.safetensors] [--write-data FILE] [--d 512] [--latents 4096] [--k 32] [--batch 4096]
                [--threads 2] [--repeats 15] [--steps 200] [--lr 4e-4] [--only NAME…]

Same work on all sides: forward, TopK, the state of the auxiliary loss (which features fired, the loss itself when some are dead),
backward, clipping of the global gradient norm to 1, Adam, unit decoder rows (SAELens has none: it rescales activations by the norms, its
own way to the same end), decoder bias. Each line carries `fvu`, measured on 8,192 held-out rows after --steps steps (0 skips it): a time counts
only where these agree within 1 %.

Rows: a tensor `activations` (n, d); without --data, synthetic rows by seed (sparse sums of unit directions, a mean, some noise), which
--write-data stores for the other side. The last 8,192 rows are held out; step i takes rows i*batch … (i+1)*batch, wrapping round.
Peers: torch-fp32, torch-bf16, saelens, dictionary_learning. `pip install --no-deps dictionary-learning` is enough for the last."""

import argparse
import sys
import types

import torch
from timing import measure, report

HELD_OUT = 8192


def synthetic(d, n=65536 + HELD_OUT, true=3000, active=30, seed=0):
    g = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(true, d, generator=g), dim=1)
    rate = torch.linspace(1, 0, true) ** 2 + 0.02
    rate *= active / rate.sum()
    mean = torch.randn(d, generator=g)
    out = torch.empty(n, d)
    for i in range(0, n, 8192):
        m = min(8192, n - i)
        codes = (torch.rand(m, true, generator=g) < rate) * (1 + torch.rand(m, true, generator=g)) * 3
        out[i:i + m] = codes @ directions + mean + 0.1 * torch.randn(m, d, generator=g)
    return out


class Dense:
    """A plain dense PyTorch step, as most people would write it (Gao et al. 2406.04093 with AuxK)."""

    def __init__(self, o, rows, bf16):
        g = torch.Generator().manual_seed(1)
        w = torch.nn.functional.normalize(torch.randn(o.latents, o.d, generator=g), dim=1)
        self.w_dec, self.w_enc = w.clone().requires_grad_(), w.t().contiguous().requires_grad_()
        self.b_enc, self.b_dec = torch.zeros(o.latents, requires_grad=True), rows[:o.batch].mean(0).requires_grad_()
        self.parameters = [self.w_dec, self.w_enc, self.b_enc, self.b_dec]
        self.adam = torch.optim.Adam(self.parameters, lr=o.lr, fused=True)
        self.idle = torch.zeros(o.latents, dtype=torch.long)
        self.o, self.bf16 = o, bf16

    def forward(self, x):
        z = (x - self.b_dec) @ self.w_enc + self.b_enc
        values, at = z.topk(self.o.k, dim=1)
        f = torch.zeros_like(z).scatter_(1, at, torch.relu(values))
        return z, f, at, f @ self.w_dec + self.b_dec

    def step(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            z, f, at, xhat = self.forward(x)
            error = x - xhat
            loss = error.float().pow(2).sum(1).mean()
            self.idle += len(x)
            self.idle[at.flatten()] = 0
            dead = self.idle >= 10_000_000
            if dead.any():
                k = min(self.o.d // 2, int(dead.sum()))
                values, at = torch.where(dead, z, float("-inf")).topk(k, dim=1)
                aux = torch.zeros_like(z).scatter_(1, at, values) @ self.w_dec
                e = error.detach()
                loss = loss + (aux - e).pow(2).sum() / (e - e.mean(0)).pow(2).sum() / 32
        self.adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            g = self.w_dec.grad
            g -= (g * self.w_dec).sum(1, keepdim=True) * self.w_dec
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.adam.step()
            self.w_dec /= self.w_dec.norm(dim=1, keepdim=True)

    def reconstruct(self, x):
        return self.forward(x)[3]


class SAELens:
    def __init__(self, o, rows):
        import sae_lens
        from sae_lens.config import SAETrainerConfig
        from sae_lens.training.sae_trainer import SAETrainer

        torch.manual_seed(1)
        sae = sae_lens.TopKTrainingSAE(sae_lens.TopKTrainingSAEConfig(d_in=o.d, d_sae=o.latents, k=o.k, device="cpu", dtype="float32",
                                                                         decoder_init_norm=1.0))  # its default 0.1 starts slower
        with torch.no_grad():
            sae.b_dec.copy_(rows[:o.batch].mean(0))
        self.trainer = SAETrainer(SAETrainerConfig(total_training_samples=10**9, train_batch_size_samples=o.batch, lr=o.lr, lr_end=o.lr / 10), sae, iter(()))

    def step(self, x):
        self.trainer.step(x)
        self.trainer.n_training_steps += 1

    def reconstruct(self, x):
        return self.trainer.sae(x)


class DictionaryLearning:
    def __init__(self, o, rows):
        # the package imports nnsight for reading language models, which a training step does not touch
        stub = types.ModuleType("nnsight")
        stub.LanguageModel = object
        sys.modules.setdefault("nnsight", stub)
        from dictionary_learning.trainers.top_k import TopKTrainer

        self.trainer = TopKTrainer(steps=10**6, activation_dim=o.d, dict_size=o.latents, k=o.k, layer=0, lm_name="rows", lr=o.lr,
                                   warmup_steps=0, threshold_start_step=0, seed=1, device="cpu")
        self.trainer.ae.b_dec.data = rows[:o.batch].mean(0)
        self.n = 1  # step 0 would compute a geometric median

    def step(self, x):
        self.trainer.update(self.n, x)
        self.n += 1

    def reconstruct(self, x):
        return self.trainer.ae(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("d", 512), ("latents", 4096), ("k", 32), ("batch", 4096), ("threads", 2), ("repeats", 15), ("steps", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--data")
    parser.add_argument("--write-data")
    parser.add_argument("--only", nargs="*")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    if o.data:
        from safetensors.torch import load_file

        rows = load_file(o.data)["activations"].float()
        o.d = rows.shape[1]
    else:
        rows = synthetic(o.d)
    if o.write_data:
        from safetensors.torch import save_file

        save_file({"activations": rows}, o.write_data)
        return
    held_out, rows = rows[-HELD_OUT:], rows[:-HELD_OUT]
    per_epoch = len(rows) // o.batch
    assert per_epoch > 0, "fewer rows than one batch"
    batches = [rows[i * o.batch:(i + 1) * o.batch].contiguous() for i in range(per_epoch)]
    variance = (held_out - held_out.mean(0)).pow(2).sum().item()
    peers = {"torch-fp32": lambda: Dense(o, rows, False), "torch-bf16": lambda: Dense(o, rows, True),
             "saelens": lambda: SAELens(o, rows), "dictionary_learning": lambda: DictionaryLearning(o, rows)}
    sizes = {"d": o.d, "latents": o.latents, "k": o.k, "batch": o.batch}
    for name, make in peers.items():
        if o.only and name not in o.only:
            continue
        try:
            peer = make()
        except ImportError as e:
            print(f"{name}: {e}", file=sys.stderr)
            continue
        done = 0

        def step():
            nonlocal done
            peer.step(batches[done % per_epoch])
            done += 1

        times = measure(step, o.repeats)
        extra = {"dataset": o.data or "synthetic"}
        if o.steps:
            while done < o.steps:
                step()
            with torch.no_grad():
                extra["fvu"] = round((peer.reconstruct(held_out) - held_out).pow(2).sum().item() / variance, 5)
            extra["steps"] = done
        report(f"sae_step/{name}", sizes, o.threads, times, **extra)


if __name__ == "__main__":
    main()
