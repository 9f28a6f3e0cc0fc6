"""Writes sae_training/: losses and gradients of every training loss, by torch autograd in float64. See README.md.

Normal form: z = (x - b_dec) W_enc^T + b_enc, xhat = f W_dec + b_dec, W_enc and W_dec (F, d).
Reconstruction = (1/B) sum_b ||xhat_b - x_b||^2 (sum over d, mean over rows)."""

import math

import torch

from common import HERE, save_json, save_safetensors, versions

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
D, F, B, K = 6, 16, 12, 4


def parameters(seed, unit=True, extra=()):
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(F, D, generator=g)
    w = w / w.norm(dim=1, keepdim=True)
    p = {"W_dec": w if unit else w * (0.3 + torch.rand(F, 1, generator=g)),
         "W_enc": w + 0.2 * torch.randn(F, D, generator=g), "b_enc": 0.2 * torch.randn(F, generator=g),
         "b_dec": 0.3 * torch.randn(D, generator=g)}
    if "threshold" in extra:
        p["threshold"] = 0.2 + 0.6 * torch.rand(F, generator=g)
    if "gated" in extra:
        p["W_gate"] = p.pop("W_enc")
        p["b_gate"], p["b_mag"] = p.pop("b_enc"), 0.2 * torch.randn(F, generator=g)
        p["r_mag"] = 0.3 * torch.randn(F, generator=g)
    x = torch.randn(B, D, generator=g) @ torch.diag(torch.linspace(0.5, 1.5, D)) + 0.3
    return p, x


def keep_rows(z, k):
    """The k largest of each row, then ReLU. The data has no ties near the cut."""
    at = z.topk(k, dim=1).indices
    gap = z.sort(dim=1, descending=True).values
    assert (gap[:, k - 1] - gap[:, k]).min() > 1e-4
    return torch.relu(z) * torch.zeros_like(z).scatter(1, at, 1.0)


def keep_batch(z, k):
    f = torch.relu(z)
    flat = f.flatten()
    ordered = flat.sort(descending=True).values
    assert ordered[k * B - 1] - ordered[k * B] > 1e-4
    return f * torch.zeros_like(flat).scatter(0, flat.topk(k * B).indices, 1.0).view_as(f)


def encode(p, x):
    return (x - p["b_dec"]) @ p["W_enc"].T + p["b_enc"]


def reconstruction(xhat, x):
    return ((xhat - x) ** 2).sum(1).mean()


def auxk(p, z, x, xhat, dead, k_aux, rectify):
    """Gao et al. 2406.04093: the k_aux largest z among the dead reconstruct e = stopgrad(x - xhat), without b_dec;
    ||e - eh||^2 / ||e - mean_B e||^2, both summed over the batch, the denominator constant."""
    e = (x - xhat).detach()
    zd = z.masked_fill(~dead, float("-inf"))
    at = zd.topk(min(k_aux, int(dead.sum())), dim=1).indices
    chosen = torch.zeros_like(z).scatter(1, at, 1.0)
    fh = (torch.relu(z) if rectify else z) * chosen
    eh = fh @ p["W_dec"]
    return ((e - eh) ** 2).sum() / ((e - e.mean(0)) ** 2).sum()


class Step(torch.autograd.Function):
    """H(z - theta) with the pseudo-derivative of 2407.14435: dH/dtheta = -(1/eps) K((z - theta)/eps), dH/dz = 0."""

    @staticmethod
    def forward(ctx, z, theta, eps):
        ctx.save_for_backward(z, theta)
        ctx.eps = eps
        return (z > theta).to(z.dtype)

    @staticmethod
    def backward(ctx, g):
        z, theta = ctx.saved_tensors
        kernel = (((z - theta) / ctx.eps).abs() < 0.5).to(z.dtype)
        return torch.zeros_like(z), (-(kernel / ctx.eps) * g).sum(0), None


class JumpReLU(torch.autograd.Function):
    """z H(z - theta): df/dz = H(z - theta), df/dtheta = -(theta/eps) K((z - theta)/eps)."""

    @staticmethod
    def forward(ctx, z, theta, eps):
        ctx.save_for_backward(z, theta)
        ctx.eps = eps
        return z * (z > theta)

    @staticmethod
    def backward(ctx, g):
        z, theta = ctx.saved_tensors
        kernel = (((z - theta) / ctx.eps).abs() < 0.5).to(z.dtype)
        return (z > theta) * g, (-(theta / ctx.eps) * kernel * g).sum(0), None


def relu_l1(p, x, target, o):
    z = encode(p, x)
    f = torch.relu(z)
    weight = p["W_dec"].norm(dim=1) if o["norm_weighted"] else 1.0
    return f, f @ p["W_dec"] + p["b_dec"], {"sparsity": o["lambda"] * (f * weight).sum() / B}, z


def topk(p, x, target, o):
    z = encode(p, x)
    f = (keep_batch if o.get("batch") else keep_rows)(z, o["k"])
    xhat = f @ p["W_dec"] + p["b_dec"]
    terms = {}
    if "dead" in o:
        terms["aux"] = o["alpha"] * auxk(p, z, x, xhat, o["dead"], o["k_aux"], o["aux_relu"])
    return f, xhat, terms, z


def jumprelu(p, x, target, o):
    z = encode(p, x)
    f = JumpReLU.apply(z, p["threshold"], o["bandwidth"])
    l0 = Step.apply(z, p["threshold"], o["bandwidth"]).sum()
    inside = (((z - p["threshold"]) / o["bandwidth"]).abs() < 0.5).sum()
    assert inside > 10
    return f, f @ p["W_dec"] + p["b_dec"], {"sparsity": o["lambda"] * l0 / B}, z


def gated(p, x, target, o):
    xc = x - p["b_dec"]
    pi = xc @ p["W_gate"].T + p["b_gate"]
    mag = xc @ (torch.exp(p["r_mag"])[:, None] * p["W_gate"]).T + p["b_mag"]
    f = (pi > 0) * torch.relu(mag)
    frozen = torch.relu(pi) @ p["W_dec"].detach() + p["b_dec"].detach()
    return f, f @ p["W_dec"] + p["b_dec"], {
        "sparsity": o["lambda"] * torch.relu(pi).sum() / B, "aux": reconstruction(frozen, target)}, pi


def matryoshka(p, x, target, o):
    z = encode(p, x)
    f = keep_batch(z, o["k"])
    xhats = [f[:, :m] @ p["W_dec"][:m] + p["b_dec"] for m in o["prefixes"]]
    terms = {f"inner_{m}": w * reconstruction(h, target) for m, w, h in list(zip(o["prefixes"], o["weights"], xhats))[:-1]}
    terms["aux"] = o["alpha"] * auxk(p, z, x, xhats[-1], o["dead"], o["k_aux"], o["aux_relu"])
    return f, xhats[-1], terms, z


def transcoder(p, x, target, o):
    z = x @ p["W_enc"].T + p["b_enc"]  # no centring: input and target are different spaces
    f = keep_rows(z, o["k"])
    return f, f @ p["W_dec"] + p["b_dec"], {}, z


def mask(*dead):
    m = torch.zeros(F, dtype=torch.bool)
    m[list(dead)] = True
    return m


AUX = dict(alpha=1 / 32, k_aux=D // 2, aux_relu=False)
CASES = {
    "relu_l1_unit": (relu_l1, {"lambda": 0.3, "norm_weighted": False}, {}),
    "relu_l1_norm": (relu_l1, {"lambda": 0.3, "norm_weighted": True}, {"unit": False}),
    "topk": (topk, {"k": K}, {}),
    "topk_auxk": (topk, {"k": K, "dead": mask(1, 4, 7, 9, 15), **AUX}, {}),
    "topk_auxk_relu": (topk, {"k": K, "dead": mask(1, 4, 7, 9, 15), **AUX, "aux_relu": True}, {}),
    "topk_auxk_few": (topk, {"k": K, "dead": mask(3, 11), **AUX}, {}),
    "batchtopk_auxk": (topk, {"k": K, "batch": True, "dead": mask(0, 2, 8, 13), **AUX}, {}),
    "jumprelu": (jumprelu, {"lambda": 0.05, "bandwidth": 0.4}, {"extra": ("threshold",)}),
    "gated": (gated, {"lambda": 0.1}, {"extra": ("gated",)}),
    "matryoshka_auxk": (matryoshka, {"k": K, "prefixes": [4, 8, F], "weights": [1.0, 1.0, 1.0], "dead": mask(2, 5, 6, 12), **AUX}, {}),
    "matryoshka_weighted": (matryoshka, {"k": K, "prefixes": [3, 10, F], "weights": [0.5, 2.0, 1.0], "dead": mask(2, 5, 6, 12), **AUX}, {}),
}


def plain(options):
    return {k: v.nonzero().flatten().tolist() if isinstance(v, torch.Tensor) else v for k, v in options.items()}


def write_case(name, loss, options, kind, seed):
    p, x = parameters(seed, **kind)
    target = x
    if loss is transcoder:
        g = torch.Generator().manual_seed(seed + 1)
        p["W_dec"], p["b_dec"] = torch.randn(F, 5, generator=g), 0.3 * torch.randn(5, generator=g)
        target = torch.randn(B, 5, generator=g)
    leaves = {k: v.clone().requires_grad_() for k, v in {**p, "x": x}.items()}
    # the target is a constant: grad/x is the path through the encoder only
    f, xhat, terms, z = loss({k: leaves[k] for k in p}, leaves["x"], target, options)
    terms = {"reconstruction": options.get("weights", [1.0])[-1] * reconstruction(xhat, target), **terms}
    total = sum(terms.values())
    total.backward()
    out = {f"param/{k}": v for k, v in p.items()}
    out.update({"x": x, "pre": z, "features": f, "xhat": xhat})
    if target is not x:
        out["target"] = target
    for k, v in leaves.items():
        out[f"grad/{k}"] = v.grad
    save_safetensors(HERE / f"sae_training/{name}.safetensors", out)
    return {"name": name, "file": f"{name}.safetensors", "options": plain(options),
            "loss": {"total": total.item(), **{k: v.item() for k, v in terms.items()}}, "l0": (f > 0).sum(1).double().mean().item()}


def write_steps():
    """Ten steps of TopK on one batch: project the decoder's gradient, clip the global norm, Adam, renormalise."""
    p, x = parameters(50)
    p = {k: v.clone().requires_grad_() for k, v in p.items()}
    options = {"lr": 0.05, "betas": [0.9, 0.999], "eps": 1e-8, "clip": 0.5, "k": K, "steps": 10}
    adam = torch.optim.Adam(p.values(), lr=options["lr"], betas=options["betas"], eps=options["eps"])
    out = {"x": x, **{f"start/{k}": v.detach().clone() for k, v in p.items()}}
    log = []
    for step in range(1, options["steps"] + 1):
        adam.zero_grad()
        f, xhat, _, _ = topk(p, x, x, options)
        loss = reconstruction(xhat, x)
        loss.backward()
        with torch.no_grad():
            w, g = p["W_dec"], p["W_dec"].grad
            g -= (g * w).sum(1, keepdim=True) * w
            norm = math.sqrt(sum((v.grad**2).sum().item() for v in p.values()))
            scale = min(1.0, options["clip"] / norm)
            for v in p.values():
                v.grad *= scale
            adam.step()
            w /= w.norm(dim=1, keepdim=True)
        log.append({"loss": loss.item(), "grad_norm": norm})
        if step in (1, 10):
            out.update({f"after_{step}/{k}": v.detach().clone() for k, v in p.items()})
    save_safetensors(HERE / "sae_training/topk_steps.safetensors", out)
    return {"name": "topk_steps", "file": "topk_steps.safetensors", "options": options, "log": log}


def write_median():
    from scipy.optimize import minimize

    g = torch.Generator().manual_seed(60)
    x = torch.randn(64, D, generator=g) ** 3 + torch.linspace(-1, 1, D)
    f = lambda y: (torch.from_numpy(y) - x).norm(dim=1).sum().item()  # noqa: E731
    grad = lambda y: ((torch.from_numpy(y) - x) / (torch.from_numpy(y) - x).norm(dim=1, keepdim=True)).sum(0).numpy()  # noqa: E731
    found = minimize(f, x.mean(0).numpy(), jac=grad, method="BFGS", options={"gtol": 1e-11})
    save_safetensors(HERE / "sae_training/geometric_median.safetensors", {"x": x, "median": torch.from_numpy(found.x), "mean": x.mean(0)})
    return {"name": "geometric_median", "file": "geometric_median.safetensors", "sum_of_distances": float(found.fun), "at_mean": f(x.mean(0).numpy())}


def main():
    cases = [write_case(name, *spec, seed=30 + i) for i, (name, spec) in enumerate(CASES.items())]
    cases.append(write_case("topk_transcoder", transcoder, {"k": K}, {}, seed=48))
    save_json(HERE / "sae_training/cases.json", {"made_by": "make_sae_training.py", "versions": versions("torch", "scipy"),
                                                  "cases": cases + [write_steps(), write_median()]}, indent=1)
    for c in cases:
        print(f"{c['name']:22s}", c["loss"], c["l0"])


if __name__ == "__main__":
    main()
