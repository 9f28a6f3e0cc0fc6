"""Writes joint/: a cross-layer transcoder saved and run by circuit-tracer itself (`pip install --no-deps circuit-tracer==0.5.0`), and a
crosscoder in the layout of dictionary_learning's BatchTopKCrossCoder, whose class is in no package: written and run here from its
published definition. See README.md."""

import json
import sys
import types

import torch

from common import HERE, save_safetensors

# The package's utilities import plotting and two model libraries that a transcoder does not need.
utils = types.ModuleType("circuit_tracer.utils")
utils.get_default_device = lambda: torch.device("cpu")
sys.modules["circuit_tracer.utils"] = utils
from circuit_tracer.transcoder.cross_layer_transcoder import CrossLayerTranscoder, load_clt  # noqa: E402

torch.set_num_threads(1)


def cross_layer(folder, act, L=3, F=12, d=8, N=16):
    g = torch.Generator().manual_seed(7 if act == "jump_relu" else 8)
    clt = CrossLayerTranscoder(L, F, d, act, lazy_decoder=False, device=torch.device("cpu"), dtype=torch.float32)
    with torch.no_grad():
        for name, p in sorted(clt.state_dict().items()):
            if "threshold" in name:
                p.copy_(0.1 + 0.4 * torch.rand(p.shape, generator=g))
            else:
                p.copy_((0.2 if name.startswith("b_") else d**-0.5) * torch.randn(p.shape, generator=g))
    clt.to_safetensors(str(folder))
    (folder / "config.yaml").write_text(
        "model_kind: cross_layer_transcoder\nmodel_name: \"whisper-nano\"\nfeature_input_hook: \"ln2\"\n"
        "feature_output_hook: \"mlp_out\"\nscan: \"whisper-nano\"\n")
    x = torch.randn(L, N, d, generator=g)
    again = load_clt(str(folder), dtype=torch.float32, lazy_decoder=False, device=torch.device("cpu"))
    with torch.no_grad():
        codes = again.encode(x)
        xhat = again.decode(codes)
    # Positions first, layers side by side.
    flat = lambda t: t.permute(1, 0, 2).reshape(N, -1).contiguous()
    save_safetensors(folder / "expect.safetensors", {"x": flat(x), "codes": flat(codes), "xhat": flat(xhat)})


def crosscoder(folder, S=2, F=12, d=8, N=16, k=3):
    g = torch.Generator().manual_seed(9)
    encoder = torch.randn(S, d, F, generator=g) / d**0.5
    decoder = torch.randn(S, F, d, generator=g) / d**0.5
    b_enc, b_dec = 0.2 * torch.randn(F, generator=g), 0.2 * torch.randn(S, d, generator=g)
    threshold = torch.tensor(0.75)
    save_safetensors(folder / "model.safetensors", {
        "encoder.weight": encoder, "encoder.bias": b_enc, "decoder.weight": decoder, "decoder.bias": b_dec,
        "code_normalization_id": torch.tensor(1), "k": torch.tensor(k, dtype=torch.int32), "threshold": threshold})
    (folder / "config.json").write_text(json.dumps(
        {"activation_dim": d, "dict_size": F, "num_layers": S, "k": k, "code_normalization": "CROSSCODER"}, indent=1))
    x = torch.randn(N, S, d, generator=g)
    f = torch.relu(torch.einsum("nsd,sdf->nf", x, encoder) + b_enc)
    kept = f * (f * decoder.norm(dim=2).sum(dim=0) > threshold)
    xhat = torch.einsum("nf,sfd->nsd", kept, decoder) + b_dec
    save_safetensors(folder / "expect.safetensors",
                     {"x": x.reshape(N, -1), "codes": kept, "xhat": xhat.reshape(N, -1)})


for name, make in (("clt", lambda p: cross_layer(p, "jump_relu")), ("clt_relu", lambda p: cross_layer(p, "relu")),
                   ("crosscoder", crosscoder)):
    (HERE / "joint" / name).mkdir(parents=True, exist_ok=True)
    make(HERE / "joint" / name)

# Seeds of the fuzz target: a config, a zero byte, weights.
seeds = HERE.parent / "fuzz" / "sae" / "joint_folder"
seeds.mkdir(parents=True, exist_ok=True)
crosscoder_files = HERE / "joint" / "crosscoder"
(seeds / "crosscoder").write_bytes((crosscoder_files / "config.json").read_bytes() + b"\0" +
                                   (crosscoder_files / "model.safetensors").read_bytes())
g = torch.Generator().manual_seed(10)
small = {f"{name}_{i}": torch.randn(shape, generator=g) for i in range(2)
         for name, shape in (("W_enc", (3, 2)), ("b_enc", (3,)), ("b_dec", (2,)), ("threshold", (3,)), ("W_dec", (3, 2 - i, 2)))}
save_safetensors(seeds / "all.tmp", small)
(seeds / "clt").write_bytes(b"model_kind: cross_layer_transcoder\n\0" + (seeds / "all.tmp").read_bytes())
(seeds / "all.tmp").unlink()
