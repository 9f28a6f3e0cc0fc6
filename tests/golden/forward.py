"""Whisper written out in plain torch, one named tensor per site.

The goldens are written with this forward because openai-whisper's modules fuse attention and do not
expose most sites. Every script that uses it first checks it against openai-whisper's own modules
(`check_against_openai`), so what is stored is what openai-whisper computes.

Layouts: (B, T, d) for streams, (B, T) for `.scale`, (B, heads, T, 64) for q k v z,
(B, heads, T, S) for scores and patterns, (B, frames, mels) for `encoder.mel`.
"""

import math

import torch
import torch.nn.functional as F

EPS = 1e-5


class Trace(dict):
    """Site name -> tensor. With `grad`, each tensor keeps its total gradient after backward."""

    def __init__(self, grad=False):
        super().__init__()
        self.grad = grad

    def put(self, name, value, leaf=False):
        if self.grad:
            if leaf or not value.requires_grad:
                value = value.detach().requires_grad_(True)
            else:
                value.retain_grad()
        self[name] = value
        return value


def layer_norm(t, x, weight, bias, name, scale_name, frozen):
    centred = x - x.mean(-1, keepdim=True)
    scale = torch.rsqrt((centred * centred).mean(-1) + EPS)
    scale = t.put(scale_name, scale, leaf="norms" in frozen)
    return t.put(name, centred * scale.unsqueeze(-1) * weight + bias)


def heads_of(x, n):
    b, s, d = x.shape
    return x.view(b, s, n, d // n).permute(0, 2, 1, 3)


def attention(t, p, prefix, x, source, n, names, mask, frozen):
    q = t.put(names["q"], heads_of(F.linear(x, p[prefix + "query.weight"], p[prefix + "query.bias"]), n))
    k = t.put(names["k"], heads_of(F.linear(source, p[prefix + "key.weight"]), n))
    v = t.put(names["v"], heads_of(F.linear(source, p[prefix + "value.weight"], p[prefix + "value.bias"]), n))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    scores = t.put(names["scores"], scores)
    pattern = t.put(names["pattern"], torch.softmax(scores, -1), leaf="patterns" in frozen)
    z = t.put(names["z"], pattern @ v)
    mixed = z.permute(0, 2, 1, 3).flatten(2)
    return t.put(names["out"], F.linear(mixed, p[prefix + "out.weight"], p[prefix + "out.bias"]))


def mlp(t, p, prefix, x, site, frozen):
    pre = t.put(site + "mlp_pre", F.linear(x, p[prefix + "mlp.0.weight"], p[prefix + "mlp.0.bias"]))
    if "gates" in frozen:
        gate = 0.5 * (1 + torch.erf(pre.detach() / math.sqrt(2)))
        post = pre * gate
    else:
        post = F.gelu(pre)
    post = t.put(site + "mlp_post", post)
    return t.put(site + "mlp_out", F.linear(post, p[prefix + "mlp.2.weight"], p[prefix + "mlp.2.bias"]))


def names_of(site, cross=""):
    return {
        "q": site + cross + "q", "k": site + cross + "k", "v": site + cross + "v", "z": site + cross + "z",
        "scores": site + cross + "attn_scores", "pattern": site + cross + "attn_pattern",
        "out": site + cross + "attn_out",
    }


def encode(t, p, dims, mel, frozen=()):
    """mel (B, mels, frames) -> encoder.out (B, T, d)."""
    x = t.put("encoder.mel", mel.permute(0, 2, 1).contiguous(), leaf=t.grad)
    h = F.gelu(F.conv1d(x.permute(0, 2, 1), p["encoder.conv1.weight"], p["encoder.conv1.bias"], padding=1))
    h = t.put("encoder.conv1", h.permute(0, 2, 1))
    h = F.gelu(F.conv1d(h.permute(0, 2, 1), p["encoder.conv2.weight"], p["encoder.conv2.bias"], stride=2, padding=1))
    h = t.put("encoder.conv2", h.permute(0, 2, 1))
    h = t.put("encoder.embed", h + p["encoder.positional_embedding"])
    for layer in range(dims.n_audio_layer):
        w, s = f"encoder.blocks.{layer}.", f"encoder.blocks.{layer}."
        # resid_pre is the same tensor as resid_post of the block below (or encoder.embed): adding zero
        # gives it a node of its own with the same gradient.
        h = t.put(s + "resid_pre", h + 0)
        n = layer_norm(t, h, p[w + "attn_ln.weight"], p[w + "attn_ln.bias"], s + "ln1", s + "ln1.scale", frozen)
        a = attention(t, p, w + "attn.", n, n, dims.n_audio_head, names_of(s), None, frozen)
        h = t.put(s + "resid_mid", h + a)
        n = layer_norm(t, h, p[w + "mlp_ln.weight"], p[w + "mlp_ln.bias"], s + "ln2", s + "ln2.scale", frozen)
        h = t.put(s + "resid_post", h + mlp(t, p, w, n, s, frozen))
    return layer_norm(t, h, p["encoder.ln_post.weight"], p["encoder.ln_post.bias"], "encoder.out",
                      "encoder.ln_post.scale", frozen)


def decode(t, p, dims, tokens, audio, frozen=()):
    """tokens (B, n), audio = encoder.out -> logits (B, n, V)."""
    n_tok = tokens.shape[1]
    mask = torch.ones(n_tok, n_tok, dtype=torch.bool).triu(1)
    h = p["decoder.token_embedding.weight"][tokens] + p["decoder.positional_embedding"][:n_tok]
    h = t.put("decoder.embed", h)
    for layer in range(dims.n_text_layer):
        w, s = f"decoder.blocks.{layer}.", f"decoder.blocks.{layer}."
        h = t.put(s + "resid_pre", h + 0)
        n = layer_norm(t, h, p[w + "attn_ln.weight"], p[w + "attn_ln.bias"], s + "ln1", s + "ln1.scale", frozen)
        a = attention(t, p, w + "attn.", n, n, dims.n_text_head, names_of(s), mask, frozen)
        h = t.put(s + "resid_mid", h + a)
        n = layer_norm(t, h, p[w + "cross_attn_ln.weight"], p[w + "cross_attn_ln.bias"], s + "ln_cross",
                       s + "ln_cross.scale", frozen)
        a = attention(t, p, w + "cross_attn.", n, audio, dims.n_text_head, names_of(s, "cross_"), None, frozen)
        h = t.put(s + "resid_cross", h + a)
        n = layer_norm(t, h, p[w + "mlp_ln.weight"], p[w + "mlp_ln.bias"], s + "ln2", s + "ln2.scale", frozen)
        h = t.put(s + "resid_post", h + mlp(t, p, w, n, s, frozen))
    out = layer_norm(t, h, p["decoder.ln.weight"], p["decoder.ln.bias"], "decoder.out", "decoder.ln.scale", frozen)
    return t.put("logits", out @ p["decoder.token_embedding.weight"].T)


def run(params, dims, mel, tokens=None, frozen=(), grad=False):
    t = Trace(grad)
    audio = encode(t, params, dims, mel, frozen)
    if tokens is not None:
        decode(t, params, dims, tokens, audio, frozen)
    return t


def params_of(model, dtype=torch.float64):
    return {name: value.detach().to(dtype) for name, value in model.state_dict().items()}


def check_against_openai(model, mel, tokens, tolerance=1e-5):
    """Compares the fp32 forward, and gradients at block boundaries, with openai-whisper's own modules."""
    p = params_of(model, torch.float32)
    t = run(p, model.dims, mel, tokens)
    with torch.no_grad():
        audio = model.embed_audio(mel)
        logits = model.logits(tokens, audio)
    for name, want in (("encoder.out", audio), ("logits", logits)):
        diff = ((t[name] - want).norm() / want.norm()).item()
        assert diff <= tolerance, (name, diff)

    boundary = {}

    def keep(name):
        def hook(module, args, output):
            output.retain_grad()
            boundary[name] = output
        return hook

    handles = []
    for side, blocks in (("encoder", model.encoder.blocks), ("decoder", model.decoder.blocks)):
        for layer, block in enumerate(blocks):
            handles.append(block.register_forward_hook(keep(f"{side}.blocks.{layer}.resid_post")))
            handles.append(block.mlp.register_forward_hook(keep(f"{side}.blocks.{layer}.mlp_out")))
            handles.append(block.attn.query.register_forward_hook(keep(f"{side}.blocks.{layer}.q")))
            handles.append(block.attn.value.register_forward_hook(keep(f"{side}.blocks.{layer}.v")))
            if block.cross_attn is not None:
                handles.append(block.cross_attn.key.register_forward_hook(keep(f"{side}.blocks.{layer}.cross_k")))
    cotangent = torch.randn(logits.shape, generator=torch.Generator().manual_seed(5))
    model.logits(tokens, model.embed_audio(mel)).backward(cotangent)
    for handle in handles:
        handle.remove()
    model.zero_grad()
    t = run(p, model.dims, mel, tokens, grad=True)
    t["logits"].backward(cotangent)
    worst = 0.0
    for name, tensor in boundary.items():
        got, want = t[name].grad, tensor.grad
        if got.dim() == 4:
            got = got.permute(0, 2, 1, 3).flatten(2)
        diff = ((got - want).norm() / want.norm()).item()
        worst = max(worst, diff)
        assert diff <= 20 * tolerance, (name, diff)
    return worst
